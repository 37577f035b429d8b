"""file, obligations, respond, end, explain, graph: what departments use."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Shell, enterprise

AS = ("--officer", "李明", "--as")


def proof(folder: Path) -> Path:
    """A document on disk."""
    path = folder / "回执.pdf"
    path.write_bytes(b"%PDF-1.7")
    return path


def test_what_never_took_effect_closes_with_the_listing(shell: Shell, tmp_path: Path) -> None:
    """One department is not concerned, the others have not begun: ending the listing closes the case."""
    filed = shell.filed(tmp_path, 1)
    case = filed["case"]
    first = next(i for i in shell.data("obligations", "--case", case)["items"] if i["state"] == "open")
    answer = ("respond", first["id"], "respond", "--outcome", "not-applicable", *AS, first["department"])
    unreasoned = shell.run(*answer)
    reasoned = shell.data(*answer, "--reason", "无此业务")
    ended = shell.data("end", case, "--ground", "withdrawal", "--reason", "已履行", *AS, "human-resources")
    again = shell.run("end", case, "--ground", "withdrawal", "--reason", "已履行", *AS, "human-resources")

    assert unreasoned.exit_code == 3
    assert reasoned["state"] == "closed"
    assert (ended["state"], ended["unclosed"]) == ("closed", 0)
    assert again.exit_code == 3
    assert [done["promise"]["statement"]["case"] for done in (filed, reasoned, ended)] == [case] * 3


def test_a_measure_is_armed_with_evidence_and_lifted(shell: Shell, tmp_path: Path) -> None:
    """Accept, confirm, arm with a file's digest, apply; after the end, lift."""
    line = shell.filed(tmp_path, 2)
    items = shell.data("obligations", "--case", line["case"], "--limit", 200)["items"]
    item = next(i for i in items if i["measure"] == "limit-tax-incentives" and i["state"] == "open")
    who = (*AS, item["department"])
    evidence = ("--evidence", proof(tmp_path))
    states = [
        shell.data("respond", item["id"], *action, *who)["state"]
        for action in (
            ("accept",),
            ("confirm",),
            ("arm", *evidence),
            ("apply", "--occasion", "采购项目资格审查"),
            ("respond", "--outcome", "no-occasion"),
        )
    ]
    early = shell.run("respond", item["id"], "lift", *who)
    shell.data("end", line["case"], "--ground", "annulment", "--reason", "撤销", *AS, "human-resources")
    lifted = shell.data("respond", item["id"], "lift", *evidence, *who)

    assert states == ["accepted", "accepted", "in-force", "in-force", "in-force"]
    assert early.exit_code == 3
    assert lifted["state"] == "closed"


def test_an_obligation_is_referred(shell: Shell, tmp_path: Path) -> None:
    """A successor appears at the other department."""
    case = shell.filed(tmp_path, 3)["case"]
    items = shell.data("obligations", "--case", case, "--limit", 200)["items"]
    item = next(i for i in items if i["department"] == "development-reform" and i["state"] == "open")
    added = shell.data("respond", item["id"], "refer", "--to", "commerce", "--reason", "划转", *AS, item["department"])
    after = shell.data("obligations", "--case", case, "--department", "commerce", "--limit", 200)["items"]

    assert set(added["added"]) <= {i["id"] for i in after}
    assert len(added["added"]) == 1


def test_a_table_of_subjects_is_filed_line_by_line(shell: Shell, tmp_path: Path) -> None:
    """A spreadsheet with one good line, one wrong code, one wrong amount; exit code 1 says that some were refused."""
    path = tmp_path / "filings.csv"
    head = (
        "list,kind,code,name,conduct,decision_number,decision_date,amount_owed,notice_date,service_date,service_proof"
    )
    proofs = "2026-02-10,2026-03-04,1号"
    rows = [
        f"wage-arrears,enterprise,{enterprise(11)},甲公司,crime-threshold,1号,2026-03-02,80 万元,{proofs}",
        f"wage-arrears,enterprise,911,乙公司,crime-threshold,2号,2026-03-02,80 万元,{proofs}",
        f"wage-arrears,enterprise,{enterprise(12)},丙公司,crime-threshold,3号,2026-03-02,很多,{proofs}",
    ]
    path.write_text("\ufeff" + "\n".join([head, *rows]), encoding="utf-8")
    result = shell.run("file", path, "--as", "human-resources", "--officer", "王芳")
    unreadable = shell.run("file", tmp_path / "no.csv", "--as", "human-resources", "--officer", "王芳")

    assert result.exit_code == 1, result.output
    assert "subject.code" in result.stdout
    assert "facts.amount_owed" in result.stdout
    assert "911" not in result.stdout.replace(enterprise(11), "")
    assert unreadable.exit_code == 2


def test_one_subject_is_filed_from_options(shell: Shell) -> None:
    """With typed facts; without an officer nothing is filed."""
    words = ("file", "--list", "wage-arrears", "--code", enterprise(13), "--name", "丁公司", "--as", "human-resources")
    facts = (
        "conduct=crime-threshold", "decision_number=4号", "decision_date=2026-03-02", "amount_owed=80 万元",
        "notice_date=2026-02-10", "service_date=2026-03-04", "service_proof=4号",
    )  # fmt: skip
    given = [word for fact in facts for word in ("--fact", fact)]
    nobody = shell.run(*words, *given)
    (line,) = shell.data(*words, *given, "--officer", "王芳")
    wrong = shell.run(*words, "--fact", "conduct", "--officer", "王芳")

    assert nobody.exit_code == 1
    assert line["obligations"]
    assert wrong.exit_code == 2


def test_a_decision_is_explained(shell: Shell, tmp_path: Path) -> None:
    """Rule, clause, fact, comparison with file and line, legal basis, and why another department owes nothing."""
    case = shell.filed(tmp_path, 4)["case"]
    text = shell.run("explain", case, "--why-not", "customs").stdout
    told = shell.data("explain", case, "--why-not", "customs")
    rule = next(r for r in told["rules"] if r["rule"] == "wage-arrears-2017-2058/procurement")

    assert "wage-arrears-2017-2058/procurement" in text
    assert "wage-arrears-2017-2058.yaml:" in text
    assert "《保障农民工工资支付条例》第四十八条" in text.replace("\n", "").replace("│", "").replace(" ", "")
    assert "海关" in text
    assert told["reproduced"] is True
    assert rule["truth"] is True
    assert told["why_not"]["owes"] == []


def test_the_graph_is_a_table_a_document_and_a_picture(shell: Shell, tmp_path: Path) -> None:
    """Whom to chase and the critical path; the same picture twice."""
    case = shell.filed(tmp_path, 5)["case"]
    pictures = [tmp_path / "a.svg", tmp_path / "b.svg"]
    for picture in pictures:
        shell.run("graph", case, "--svg", picture)
    table = shell.run("graph", case).stdout
    document = shell.data("graph", case)

    assert pictures[0].read_bytes() == pictures[1].read_bytes()
    assert pictures[0].read_text(encoding="utf-8").startswith("<svg")
    assert "催办" in table
    assert "关键路径" in table
    assert document["nodes"]
    assert shell.run("graph", case, "--svg", tmp_path / "no" / "c.svg").exit_code == 2


def test_exit_codes_tell_what_is_wrong(shell: Shell, tmp_path: Path) -> None:
    """Refused 3, not found 4, conflict 5, unavailable 6, wrong use 2."""
    case = shell.filed(tmp_path, 6)["case"]
    again = ("file", tmp_path / "filing-6.json", "--officer", "王芳")
    key = shell.data("keys", "issue", "forestry", "--role", "implementer")["token"]

    assert shell.run(*again, "--as", "human-resources").exit_code == 1
    assert shell.run("explain", "no-such-case").exit_code == 4
    assert shell.run("explain", case, "--key", key).exit_code == 4
    assert shell.run("obligations", "--key", "xh_wrong").exit_code == 3
    assert shell.run("obligations", "--as", "no-such-department").exit_code == 2
    assert shell.run("respond", f"{case}.1", "dance", *AS, "finance").exit_code == 2
    assert shell.run("graph", case, "--db", f"sqlite:///{tmp_path}/no/such.db", db=False).exit_code == 6


def test_pages_of_the_inbox_follow_each_other(shell: Shell, tmp_path: Path) -> None:
    """Each page names the next; together they are the whole."""
    case = shell.filed(tmp_path, 7)["case"]
    whole = [i["id"] for i in shell.data("obligations", "--case", case, "--limit", 200)["items"]]
    seen: list[str] = []
    after: tuple[str, ...] = ()
    while True:
        page = shell.data("obligations", "--case", case, "--limit", 15, *after)
        seen += [i["id"] for i in page["items"]]
        if page["next"] is None:
            break
        after = ("--after", page["next"])

    assert seen == whole
    assert "还有更多" in shell.run("obligations", "--case", case, "--limit", 5).stdout
