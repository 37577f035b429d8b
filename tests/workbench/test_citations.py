"""Citations against texts: what is wrong is found with its place, and what cannot be known is never called fine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from adapters.law_texts import LawTextError, read_law_texts
from api.cli import app
from engine.compiler import compile_policy
from engine.language.diagnostics import Diagnostic
from engine.workbench.citations import CODES, CitationReport, check_citations, law_text, squeeze
from tests.language.bundles import good

FOLDER = Path(__file__).parent / "law_texts"
TEXTS = read_law_texts(FOLDER)
WAGES, NOTICE = TEXTS["wages.md"], TEXTS["notice.txt"]
LAWS = {
    "wage_regulation": f"""
law: wage-regulation
title: 工资支付示范规定
level: administrative-regulation
valid: {{from: 2020-05-01}}
text: wages.md
sha256: {WAGES.sha256}
articles:
  第四十八条: 列入名单的用人单位依法限制
  第五条: 部门协同
""".lstrip(),
    "joint_notice": f"""
law: joint-notice
title: 某县实施方案
level: memorandum
valid: {{from: 2017-11-01}}
text: notice.txt
sha256: {NOTICE.sha256}
articles:
  三（二）: 联合惩戒
""".lstrip(),
}


def bundle() -> dict[str, str]:
    """The sound bundle of the language's tests, resting on texts that are here, with nothing left uncited."""
    files = {path: text.replace("第二条", "三（二）") for path, text in good(**LAWS).items()}
    files["rules/tables/credit.yaml"] += "basis: [{law: joint-notice, article: 三（二）}]\n"
    return files


def report(files: dict[str, str]) -> CitationReport:
    """What the check finds in a bundle."""
    return check_citations(compile_policy(files).draft, TEXTS)


def test_a_sound_bundle_has_nothing_to_report() -> None:
    """Every citation was held against a text, and stands in it."""
    found = report(bundle())

    assert found.diagnostics == ()
    assert (found.held, found.unknown) == (11, 0)


QUOTED = "article: 第四十八条\n    quote: {}\n"
FAULTS: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    # file, what stood there, what stands there now, words of the message with expected, suggestion and notes
    "XH181": ("rules/laws/wage-regulation.yaml", "  第五条:", "  第五百条: 无\n  第五条:", ("wages.md", "第五百条")),
    "XH181 paragraph": (
        "rules/laws/wage-regulation.yaml", "  第五条:", "  第四十八条第三款: 无\n  第五条:", ("第四十八条第三款",),
    ),
    "XH182": (
        "rules/measures/no-procurement.yaml", "article: 第四十八条\n", QUOTED.format("从未说过的话"),
        ("从未说过的话",),
    ),
    "XH182 elsewhere": (
        "rules/measures/no-procurement.yaml", "article: 第四十八条\n", QUOTED.format("协同履行职责"),
        ("协同履行职责", "第五条"),
    ),
    "XH182 retention": (
        "rules/retention/personal-data.yaml", "第四十八条, max", "第四十八条, quote: 永久保存, max", ("永久保存",),
    ),
    "XH183": ("rules/laws/joint-notice.yaml", NOTICE.sha256, "0" * 64, (NOTICE.sha256, "0" * 64)),
    "XH184": ("rules/laws/joint-notice.yaml", f"sha256: {NOTICE.sha256}\n", "", (f"sha256: {NOTICE.sha256}",)),
    "XH185": ("rules/laws/joint-notice.yaml", "text: notice.txt", "text: lost.txt", ("lost.txt", "已核对")),
    "XH185 never": (
        "rules/laws/joint-notice.yaml", f"text: notice.txt\nsha256: {NOTICE.sha256}\n", "", ("没有写 text",),
    ),
    "XH186": ("rules/laws/joint-notice.yaml", "text: notice.txt", "text: lost.txt", ("lost.txt", "4 处引用未能核对")),
    "XH187": ("rules/laws/joint-notice.yaml", "text: notice.txt", "text: lost.txt", ("notice.txt",)),
    "XH188": ("rules/laws/joint-notice.yaml", "  三（二）:", "  三（一）: 归集\n  三（二）:", ("三（一）", "1 条")),
    "XH189": ("rules/tables/credit.yaml", "basis: [{law: joint-notice, article: 三（二）}]\n", "", ("wages/credit",)),
    "XH189 list": (
        "rules/lists/wage-arrears.yaml",
        "basis: [{law: wage-regulation, article: 第四十八条, verified: {by: text, on: 2026-11-24}}]\n", "",
        ("名单 wage-arrears",),
    ),
    "XH189 measure": (
        "memoranda/wages.yaml",
        "    overrides: [checks]\n    basis: [{law: joint-notice, article: 三（二）}]\n", "", ("措施 credit-caution",),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(name: str) -> None:
    """With its code, its place and words that help; the fault is a change of one place in the sound bundle."""
    path, old, new, words = FAULTS[name]
    files = bundle()
    assert files[path].count(old) == 1
    files[path] = files[path].replace(old, new)

    found = [d for d in report(files).diagnostics if d.code == name[:5]]

    assert found
    assert any(all(word in _all_of(d) for word in words) for d in found), found
    assert all(_place_exists(d, files) for d in found)


def test_every_code_has_a_planted_fault() -> None:
    """Nobody has to take a code on trust."""
    assert {name[:5] for name in FAULTS} == CODES


def test_a_text_that_is_not_here_leaves_its_citations_unknown() -> None:
    """They are counted as such, not as held."""
    files = bundle()
    path = "rules/laws/wage-regulation.yaml"
    files[path] = files[path].replace("text: wages.md", "text: lost.md")
    whole, less = report(bundle()), report(files)

    assert less.unknown > 0
    assert whole.held == less.held + less.unknown


def test_a_broken_bundle_is_held_against_the_texts_as_well() -> None:
    """What does not compile for another reason keeps its citations."""
    files = bundle()
    path = "rules/measures/no-procurement.yaml"
    files[path] = (
        files[path]
        .replace("matter: procurement", "matter: nowhere")
        .replace("article: 第四十八条\n", QUOTED.format("从未说过的话"))
    )
    compiled = compile_policy(files)

    assert compiled.policy is None
    assert [d.code for d in report(files).diagnostics] == ["XH182"]


PASSAGES = [
    ("第四十八条", "引发群体性事件的。列入名单的用人单位"),  # across a line end
    ("第四十八条", "政府采购、 招投标等方面\u3000依法依规予以限制"),
    ("第四十八条第一款", "(一)拖欠工资"),  # a half-width bracket for a full-width one
    ("第四十八条第一款第二项", "引发群体性事件"),
    ("第四十八条第（二）项", "引发群体性事件"),
    ("第四十八条第二款", "列入名单的用人单位"),
    ("第四十八条之一", "即行停止"),
    ("第五条", "依照「谁主管、谁负责」的原则"),
    ("全文", "前条的限制即行停止"),
]


@pytest.mark.parametrize(("article", "quote"), PASSAGES)
def test_a_passage_is_found(article: str, quote: str) -> None:
    """Whatever the spaces, widths and quotation marks of the copy."""
    assert squeeze(quote) in str(WAGES.passage(article))


@pytest.mark.parametrize(
    ("article", "quote"),
    [
        ("第四十八条第二款", "引发群体性事件"),
        ("第四十八条第一款第一项", "引发群体性事件"),
        ("第四十八条", "即行停止"),
        ("第五条", "责任"),
    ],
)
def test_a_passage_holds_nothing_of_its_neighbours(article: str, quote: str) -> None:
    """Another paragraph, item or article does not count, nor the heading of a chapter."""
    assert squeeze(quote) not in str(WAGES.passage(article))


@pytest.mark.parametrize(
    "article",
    ["第六条", "第四十八条第三款", "第四十八条第零款", "第四十八条第（三）项", "第四十八条之二", "三（二）", ""],
)
def test_there_is_no_such_passage(article: str) -> None:
    """What the text lacks is not made up."""
    assert WAGES.passage(article) is None


def test_a_plan_is_read_by_its_outline() -> None:
    """A section holds what is below it."""
    assert NOTICE.passage("三（二）2") == "2.审慎授信。"
    assert NOTICE.passage("三(二)") == "(二)联合惩戒。1.限制任职。2.审慎授信。"
    assert NOTICE.passage("三（三）") is None


words = st.text("限制任职依法公示甲乙丙", min_size=4, max_size=12)


@given(st.lists(st.lists(words, min_size=1, max_size=3), min_size=1, max_size=9), st.data())
def test_what_an_article_says_is_found_in_it_alone(paragraphs: list[list[str]], data: st.DataObject) -> None:
    """For any text of numbered articles: whole lines are found in their article, their paragraph, and no other."""
    lines = [[f"〔{i}.{j}〕{p}" for j, p in enumerate(article)] for i, article in enumerate(paragraphs)]
    numerals = "一二三四五六七八九"
    gap = data.draw(st.sampled_from([" ", "\u3000", "  "]))
    end = data.draw(st.sampled_from(["\n", "\n\n", "\r\n"]))
    content = "".join(
        f"第{numerals[i]}条{gap}{end.join(article)}{end}## 第{numerals[i]}章{end}" for i, article in enumerate(lines)
    )
    text = law_text("x.md", content.encode())
    places = {
        (i, j): str(text.passage(f"第{numerals[i]}条第{numerals[j]}款"))
        for i, article in enumerate(lines)
        for j in range(len(article))
    }

    assert {place: squeeze(lines[place[0]][place[1]]) for place in places} == places
    assert [text.passage(f"第{numerals[i]}条") for i in range(len(lines))] == [squeeze("".join(a)) for a in lines]
    assert text.passage(f"第{numerals[len(lines) % 9]}条之一") is None


def test_a_folder_of_texts_is_read_with_what_is_below_it(tmp_path: Path) -> None:
    """By file name, as the laws name their texts."""
    (tmp_path / "laws").mkdir()
    (tmp_path / "laws" / "a.md").write_text("第一条 甲", encoding="utf-8")
    (tmp_path / "b.txt").write_text("一、乙", encoding="utf-8")
    (tmp_path / "c.pdf").write_bytes(b"%PDF")

    assert sorted(read_law_texts(tmp_path)) == ["a.md", "b.txt"]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"a.md": "第一条 甲".encode("gbk")}, "UTF-8"),
        ({"a.md": b"", "old/a.md": b""}, "两处都有文本 a.md"),
        ({"a.md": b"x" * (8 * 1024 * 1024 + 1)}, "超过"),
        (None, "没有文件夹"),
    ],
)
def test_a_folder_that_cannot_be_used_is_refused(tmp_path: Path, files: dict[str, bytes] | None, words: str) -> None:
    """With the reason in words."""
    for name, content in (files or {}).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)

    with pytest.raises(LawTextError, match=words):
        read_law_texts(tmp_path if files is not None else tmp_path / "none")


def test_the_command_reports_them(tmp_path: Path) -> None:
    """`xinheng check --laws` lists what is wrong, and says how many citations were held and how many are unknown."""
    files = bundle()
    files["rules/laws/joint-notice.yaml"] = LAWS["joint_notice"].replace("notice.txt", "lost.txt")
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    check = ["check", str(tmp_path), "--quick", "--format", "json", "--laws"]

    result = CliRunner().invoke(app, [*check, str(FOLDER)])
    document = json.loads(result.stdout)

    assert result.exit_code == 0
    assert document["citations"] == {"held": 6, "unknown": 5}
    assert {"XH185", "XH186", "XH187"} <= {d["code"] for d in document["diagnostics"]}
    assert CliRunner().invoke(app, [*check, str(tmp_path / "nowhere")]).exit_code == 2


def _all_of(diagnostic: Diagnostic) -> str:
    return " ".join((diagnostic.message, diagnostic.expected, diagnostic.suggestion, *diagnostic.notes))


def _place_exists(diagnostic: Diagnostic, files: dict[str, str]) -> bool:
    path, line, column = diagnostic.span.path, diagnostic.span.line, diagnostic.span.column
    if path in TEXTS:
        return (line, column) == (1, 1)
    return column <= len(files[path].split("\n")[line - 1])
