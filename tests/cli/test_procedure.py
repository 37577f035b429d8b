"""process, step, letters, messages, migrate-cases: the procedure on the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adapters.office import Office, PolicyProposal, Principal
from adapters.policy_checks import Examiner
from adapters.policy_files import read_bundle
from api.assembly import open_office
from api.cli.procedure import OPTIONS, STEPS
from api.http.procedure_requests import STEPS as FORMS
from api.settings import Settings
from engine.identity import person_check_character
from tests.cli.conftest import Shell
from tests.cli.test_casework import proof
from tests.cli.test_policy import copied

FILER = ("--officer", "王芳", "--as", "armed-forces")
Turn = Callable[[str], None]
DECIDER = ("--officer", "刘强", "--as", "county-government")


@pytest.fixture
def today(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Makes it noon in China on a day, for commands that follow."""
    file = tmp_path / "clock"

    def turn_to(day: str) -> None:
        file.write_text(f"{day}T12:00:00+08:00", encoding="ascii")
        monkeypatch.setenv("XINHENG_SIMULATED_CLOCK", str(file))

    return turn_to


def unboxed(table: str) -> str:
    """What a table says, however its cells are broken into lines."""
    rows = [line.strip("│").split("│") for line in table.splitlines()]
    width = max(map(len, rows))
    return "".join(re.sub(r"\s", "", "".join(row[n] for row in rows if n < len(row))) for n in range(width))


def begun(shell: Shell, number: int) -> str:
    """A case on a list whose whole procedure takes place here."""
    body = f"41072819850202{number:03d}"
    facts = ("conduct=enlistment-refused", "corrected=false", "student=true", f"order_number={number}号")
    subject = ("--kind", "natural-person", "--code", body + person_check_character(body), "--name", f"测试人{number}")
    given = [word for fact in facts for word in ("--fact", fact)]
    (line,) = shell.data("file", "--list", "conscription-refusal", *subject, *given, *FILER)
    assert line["obligations"] == []
    result: str = line["case"]
    return result


def test_a_listing_goes_through_its_procedure(shell: Shell, tmp_path: Path, today: Turn) -> None:
    """Notice, statement and answers, hearing, decision by another department, service, objection, correction."""
    paper = ("--evidence", proof(tmp_path))
    today("2026-12-01")
    case = begun(shell, 1)

    def step(action: str, *words: object, who: tuple[str, ...] = FILER) -> Any:
        return shell.data("step", case, action, *words, *who)

    decide = ("--outcome", "list", "--number", "长政决〔2026〕9号", "--reason", "事实清楚")
    early = shell.run("step", case, "decide", *decide, *DECIDER)
    step("notify", "--reason", "责令改正后仍不应征", *paper)
    today("2026-12-02")
    step("statement", "--point", "当时住院", "--point", "名字有误")
    step("answer-statement", "--statement", "s1", "--answer", "住院在送达之后", "--answer", "已更正")
    step("request-hearing")
    today("2026-12-11")
    step("hold-hearing", "--announced-on", "2026-12-02", "--chair", "周敏", *paper)
    half = shell.run("process", case, *DECIDER[2:]).stdout
    drafter = shell.run("step", case, "decide", *decide, "--officer", "王芳", *DECIDER[2:])
    step("decide", *decide, who=DECIDER)
    served = step("serve", "--method", "直接送达", *paper)
    text = unboxed(shell.run("process", case, "--as", "armed-forces").stdout)
    step("object", "--point", "不是在校学生")
    upheld = ("--objection", "o1", "--outcome", "upheld", "--reason", "查无学籍")
    corrected = step("answer-objection", *upheld, "--fact", "student=false")
    wiped = shell.run("step", case, "correct", "--fact", "student=", "--reason", "尚未查清", *FILER)

    assert early.exit_code == 3
    assert "主体尚未告知" in early.stderr
    assert "现在可以办：决定 decide" in half
    assert drafter.exit_code == 3
    assert (served["process"]["case"]["state"], len(served["added"]) > 3) == ("in-force", True)
    for word in (
        "生效中，长政决〔2026〕9号",
        "2026-12-11",
        "2028-12-11",
        "信用修复管理办法",
        "现在可以办：公示publish",
    ):
        assert word in text
    assert corrected["process"]["case"]["marked"] is False
    assert len(corrected["changed"]) == 1
    assert wiped.exit_code == 0
    assert "未提供" in wiped.stdout


def test_what_is_missing_is_shown_before_the_decision(
    shell: Shell, tmp_path: Path, today: Callable[[str], None]
) -> None:
    """With the days on which the periods end; the auditor sees it and may do nothing."""
    today("2026-12-01")
    case = begun(shell, 2)
    shell.data("step", case, "notify", "--reason", "不应征", "--evidence", proof(tmp_path), *FILER)
    text = shell.run("process", case).stdout

    assert "还缺：主体的陈述申辩期至 2026-12-08" in text
    assert "现在可以办：无" in text
    assert shell.run("process", case, "--as", "forestry").exit_code == 4
    assert shell.run("process", "no-such-case").exit_code == 4


def test_a_step_takes_only_the_options_that_it_uses(shell: Shell, tmp_path: Path) -> None:
    """Wrong use is exit code 2 and says what may be given; a wrong value is 1; the table agrees with HTTP."""
    case = begun(shell, 3)
    surplus = shell.run("step", case, "unshield", "--reason", "x", *FILER)
    unknown = shell.run("step", case, "dance", *FILER)
    unreadable = shell.run("step", case, "notify", "--reason", "x", "--evidence", tmp_path / "no.pdf", *FILER)
    unreasoned = shell.run("step", case, "decide", "--outcome", "perhaps", *DECIDER)
    nobody = shell.run("step", case, "notify", "--reason", "x", "--as", "armed-forces")
    by_http = {form.action: {*form.model_fields} - {"officer"} for form, _ in FORMS}

    assert [r.exit_code for r in (surplus, unknown, unreadable, unreasoned, nobody)] == [2, 2, 2, 1, 1]
    assert "用不上 --reason" in surplus.stderr
    assert {action: {*uses.split()} for action, (_, uses) in STEPS.items()} == by_http
    assert {action: title for action, (title, _) in STEPS.items()} == {form.action: title for form, title in FORMS}
    assert set(OPTIONS) <= {name for uses in by_http.values() for name in uses}


def test_letters_are_written_as_files(shell: Shell, tmp_path: Path, today: Turn) -> None:
    """Word and PDF, named by number and kind, the same bytes twice; a number cannot lead out of the folder."""
    paper = ("--evidence", proof(tmp_path))
    today("2026-12-01")
    case = begun(shell, 4)
    shell.data("step", case, "notify", "--reason", "不应征", *paper, *FILER)
    today("2026-12-09")
    decide = ("--outcome", "list", "--number", "../../长政决/9号", "--reason", "事实清楚")
    shell.data("step", case, "decide", *decide, *DECIDER)
    listed = shell.data("letters", case, *FILER[2:])
    folders = [tmp_path / "a", tmp_path / "b"]
    written, again = (shell.data("letters", case, "--out", f, *FILER[2:]) for f in folders)
    table = shell.run("letters", case, *FILER[2:]).stdout

    def contents(letters: Any) -> list[bytes]:
        return [Path(p).read_bytes() for x in letters for p in x["files"]]

    assert [(x["title"], x["files"], x["pdf"]) for x in listed] == [
        ("列入名单告知书", [], None), ("列入名单决定书", [], None),
    ]  # fmt: skip
    assert {p.parent for x in written for p in map(Path, x["files"])} == {folders[0]}
    assert [Path(p).suffix for x in written for p in x["files"]] == [".docx", ".pdf"] * 2
    assert [b[:4] for b in contents(written)] == [b"PK\x03\x04", b"%PDF"] * 2
    assert contents(written) == contents(again)
    assert all(x["pdf"] for x in written)
    assert "列入名单决定书" in table
    assert shell.run("letters", case, "--as", "forestry").exit_code == 4
    assert shell.run("letters", case, "--out", proof(tmp_path), *FILER[2:]).exit_code == 2


def test_messages_are_the_departments_own(shell: Shell, tmp_path: Path, today: Turn) -> None:
    """An objection is told to all concerned; pages follow each other."""
    for number in (30, 31):  # days after those of every other test of this session
        today(f"2026-12-{number}")
        case = shell.filed(tmp_path, number)["case"]
        shell.data("step", case, "object", "--point", "不服", "--officer", "王芳", "--as", "human-resources")
    whole = shell.data("messages", "--limit", 200, "--as", "finance")["items"]
    page = shell.data("messages", "--limit", 1, "--as", "finance")
    following = shell.data("messages", "--limit", 1, "--after", page["next"], "--as", "finance")
    table = unboxed(shell.run("messages", "--limit", 1, "--as", "finance").stdout)

    assert [m["id"] for m in whole][:2] == [page["items"][0]["id"], following["items"][0]["id"]]
    assert whole[0]["case"] == case
    assert "主体提出异议，记录已标注" in table
    assert "还有更多" in table
    assert shell.data("messages", "--as", "forestry")["items"] == []


def published(url: str, folder: Path) -> str:
    """Put a bundle in force that is only compiled; the checks have tests of their own."""
    files = {name: bytes(text).decode() for name, text in read_bundle([folder]).items()}  # type: ignore[arg-type]
    with open_office(Settings(database_url=url), serving=False) as opened:
        means = opened.context
        office = Office(
            means.engine, evaluator=means.evaluator, clock=means.clock, secret=means.secret, signer=means.signer,
            examiner=Examiner(apart=False, wanted=frozenset()),
        )  # fmt: skip
        one, other = (Principal("credit-centre", frozenset({"policy"}), f"key {n}", n) for n in ("甲", "乙"))
        version = office.propose_policy(one, PolicyProposal(files, "职责调整")).version
        return office.approve_policy(other, version).version


def test_live_cases_are_migrated_after_a_simulation(tmp_path: Path) -> None:
    """Simulated by default; done with a reason; afterwards nothing is left to do."""
    own = Shell(f"sqlite:///{tmp_path / 'own.db'}")
    own.run("keys", "issue", "audit", "--role", "auditor")
    case = own.filed(tmp_path, 41)["case"]
    path = copied(tmp_path / "bundle") / "memoranda" / "wage-arrears-2017-2058.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace(
            "by: [finance, development-reform, industry-information]", "by: [finance, development-reform, commerce]"
        ),
        encoding="utf-8",
    )
    path.with_suffix(".test.yaml").unlink()  # it expects what is changed here
    staff = ("--as", "credit-centre", "--officer")
    version = published(own.url, tmp_path / "bundle")
    table = own.run("migrate-cases", "--as", "credit-centre")
    (simulated,) = own.data("migrate-cases", "--as", "credit-centre")
    unreasoned = own.run("migrate-cases", "--do", *staff, "甲")
    nobody = own.run("migrate-cases", "--do", "--reason", "职责调整", "--as", "credit-centre")
    (moved,) = own.data("migrate-cases", "--do", "--reason", "职责调整", "--case", case, *staff, "甲")
    after = own.data("process", case)["case"]["policy"]

    assert "只是模拟" in table.stdout
    assert "商务局" in unboxed(table.stdout)
    assert (simulated["added"], simulated["done"]) == (["商务局：限制补贴性资金和政府资金支持"], False)
    assert [r.exit_code for r in (unreasoned, nobody)] == [1, 1]
    assert moved == simulated | {"done": True, "promise": moved["promise"]}
    assert after == version
    assert own.data("migrate-cases", "--as", "credit-centre") == []
    assert own.run("migrate-cases").exit_code == 3


def test_a_related_person_served_upstream_is_filed_so(shell: Shell, tmp_path: Path) -> None:
    """`served_on` of a JSON filing: measures against that person need not wait."""
    body = "41072819850303001"
    person = {"kind": "natural-person", "code": body + person_check_character(body), "name": "李强"}
    shell.filed(tmp_path, 51)
    filing = json.loads((tmp_path / "filing-51.json").read_text(encoding="utf-8"))
    filing["facts"]["decision_number"] = "51号"
    filing["related"] = [{"role": "legal-representative", "party": person, "served_on": "2026-03-04"}]
    path = tmp_path / "related.json"
    path.write_text(json.dumps(filing), encoding="utf-8")
    (line,) = shell.data("file", path, "--as", "human-resources", "--officer", "王芳")
    (party,) = (p for p in shell.data("process", line["case"])["parties"] if p["role"] != "subject")

    assert party["served_on"] == "2026-03-04"


def test_the_calendar_is_checked(shell: Shell) -> None:
    """Enough in October, when no deadline reaches the next year's end; the day can be named."""
    told = json.loads(shell.run("calendar", "check", "--today", "2026-10-01", "--json", db=False).stdout)

    assert (told["enough"], told["published_until"]) == (True, "2026-12-31")
