"""A first draft of a memorandum from its annex: YAML in which whatever is not certain is marked `# 待核：…`.

Nothing is guessed in silence, and nothing is said to be verified. What was not found does not compile: a department is
written as `to-be-named`, and a basis is left out with a note on how to write it.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from engine.decision.consequences import conclude
from engine.decision.model import Facts, Owed
from engine.decision.reference import Interpreter
from engine.language.ir import Basis, ListDef, Measure, Policy, Span, Validity
from engine.language.legality import Situation, assess
from engine.language.source import FORBIDDEN
from engine.workbench.annex import ADVISED, LIMIT, AnnexRow
from engine.workbench.matching import NUMBERED, Cited, Match, Matcher, plain
from engine.workbench.sentences import kinds_words

MARK = "# 待核："
UNNAMED = "to-be-named"  # no department has this id
RESTRICTING = ("限制", "禁止", "不得", "取消", "撤销", "吊销", "暂停", "不予", "停止", "责令", "阻止", "不准", "终身")
HEADING = re.compile(r"[（(]?[一二三四五六七八九十]+[）)、.．].{1,30}$")
HERE = Span("annex", 1, 1)
MAX_TITLE = 60  # a measure's text beyond it goes into the comment only


@dataclass(frozen=True, slots=True)
class Request:
    """What the draft is of. `start` is the day from which it is to be in force; `stated`: somebody said so."""

    id: str
    list: str
    title: str
    document: str | None
    source: str  # the annex's file name
    start: dt.date
    stated: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """Files by their path in a bundle, and what in them is to be looked at."""

    files: dict[str, str]
    rules: int
    marks: tuple[str, ...]
    new_measures: tuple[str, ...]


@dataclass(slots=True)
class _Writer:
    """Lines of a file, and the marks among them."""

    lines: list[str] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)

    def add(self, *lines: str) -> None:
        self.lines += lines

    def mark(self, note: str, indent: int = 0) -> None:
        self.marks.append(one_line(note))
        self.lines.append(f"{' ' * indent}{MARK}{one_line(note)}")

    def text(self) -> str:
        return "\n".join(self.lines) + "\n"


def draft(rows: Sequence[AnnexRow], policy: Policy, request: Request) -> Draft:
    """The memorandum, and a measure for each row that none of the policy's fits.

    Raises:
        KeyError: the policy has no list `request.list`.

    """
    listed = policy.lists[request.list]
    out, matcher, measures = _Writer(), Matcher(policy), dict[str, _Writer]()
    _head(out, policy, request)
    used: Counter[str] = Counter()
    for part in [part for row in rows for part in _split(row)]:
        _rule(out, part, listed, matcher, request, used, measures)
    out.add(f"source: {quoted(f'附件 {request.source}')}")
    files = {f"memoranda/{request.id}.yaml": out.text()}
    files |= {f"rules/measures/{name}.yaml": writer.text() for name, writer in measures.items()}
    marks = [*out.marks, *(mark for writer in measures.values() for mark in writer.marks)]
    return Draft(files, sum(used.values()), tuple(marks), tuple(measures))


def _head(out: _Writer, policy: Policy, request: Request) -> None:
    out.add("# yaml-language-server: $schema=../rules/schema/memorandum.json")
    out.add(f"# 由附件 {one_line(request.source)} 起草。标有“待核”的逐一核对，改定后删去标记")
    out.add("# 附件没有的没有写：什么情形下（when、unless）、针对谁（target）、先后次序（after），须逐条补上")
    out.add(f"memorandum: {request.id}", f"title: {quoted(request.title)}")
    if request.document:
        out.add(f"document: {quoted(request.document)}")
    out.add(f"list: {request.list}")
    if not request.stated:
        out.mark("自哪一日起施行，起草时按当日写")
    out.add(f"valid: {{from: {request.start}}}")
    own = [
        law.id
        for law in policy.laws.values()
        if "全文" in law.articles
        and (plain(law.title) == plain(request.title) or (request.document and law.number == request.document))
    ]
    if own:
        out.add("basis:", *(f"  - {{law: {law}, article: 全文}}" for law in own))
    out.add("rules:")


def _split(row: AnnexRow) -> Iterator[tuple[AnnexRow, int]]:
    """A row with how many measures its cell has; a cell with numbered lines is a row for each."""
    lines = [line.strip() for line in row.measure.splitlines() if line.strip()]
    numbered = [line for line in lines if NUMBERED.match(line)]
    if len(numbered) < 2 or len(numbered) != len(lines):  # noqa: PLR2004 - one numbered line is no list
        yield row, 1
        return
    for line in lines:
        yield AnnexRow(line, row.basis, row.departments, row.place, row.number, row.above), len(lines)


def _rule(
    out: _Writer, part: tuple[AnnexRow, int], listed: ListDef, matcher: Matcher, request: Request,
    used: Counter[str], measures: dict[str, _Writer],
) -> None:  # fmt: skip
    row, count = part
    text = NUMBERED.sub("", one_line(row.measure)).strip()
    said = (one_line(cell) or "（空）" for cell in (row.measure, row.basis, row.departments))
    out.add(f"  # {one_line(row.place)}。原文：{' ｜ '.join(said)}")
    if not row.basis.strip() and not row.departments.strip():
        if not HEADING.match(row.measure.strip()):
            out.mark("这一行只有措施一格，当作小标题，没有写成条款", 2)
        return
    advised = text.endswith(ADVISED)
    text = text.removesuffix(ADVISED).strip() or f"{one_line(row.place)}没有写措施"
    limit = LIMIT.fullmatch(text)
    table = next((i for i, t in matcher.policy.tables.items() if limit and t.title == limit[1]), None)
    found = matcher.measure(text, listed.kind)
    measure = table or found.id or _new_measure(text, row, listed, request, measures)
    stem = f"limit-{table}" if table else measure
    used[stem] += 1
    out.add(f"  - id: {stem if used[stem] == 1 else f'{stem}-{used[stem]}'}", f"    title: {quoted(text[:MAX_TITLE])}")
    if row.number:
        out.add(f"    clause: {quoted(f'附件第 {one_line(row.number)} 项')}")
    out.add("    then:")
    if row.above:
        out.mark("措施一格是空的，承上一行", 6)
    if count > 1:
        out.mark(f"原格列有 {count} 项措施，已拆成 {count} 条，依据和单位都照抄", 6)
    if found.note and not table:
        out.mark(found.note, 6)
    departments = matcher.departments(row.departments)
    cited = matcher.citations(row.basis)
    for note in _notes(departments, cited, bare=table is not None):
        out.mark(note, 6)
    for note in (
        () if table else _standing(matcher.policy.measures.get(measure), cited, listed, matcher, request, advised)
    ):
        out.mark(note, 6)
    key = "limit" if table else "advise" if advised else "oblige"
    named = [m.id for m in departments if m.id] + [UNNAMED] * any(m.id is None for m in departments)
    out.add(f"      - {key}: {measure}", f"        by: [{', '.join(dict.fromkeys(named or [UNNAMED]))}]")
    articles = list(dict.fromkeys((c.law, c.article) for c in cited if c.law and c.article))
    if articles and not table:
        out.add("        basis:", *(f"          - {{law: {law}, article: {quoted(str(a))}}}" for law, a in articles))


def _notes(departments: Sequence[Match], cited: Sequence[Cited], *, bare: bool) -> Iterator[str]:
    """What was not certain about departments and articles. `bare`: a limit, which has no basis of its own."""
    for match in departments:
        if match.id is None:
            yield f"{match.note}；找到前写作 {UNNAMED}，不能编译"
        elif match.note:
            yield match.note
    if not departments:
        yield f"没有写实施单位；补上前写作 {UNNAMED}，不能编译"
    if bare:
        return
    for cite in cited:
        if cite.note:
            yield cite.note
    if not cited:
        yield "没有写依据"


def _standing(
    measure: Measure | None, cited: Sequence[Cited], listed: ListDef, matcher: Matcher, request: Request, advised: bool
) -> Iterator[str]:
    """What the language will make of the clause on the bases that it has, and what to do about it."""
    own = tuple(
        Basis(c.law, c.article, None, None, (), (), (), HERE)
        for c in cited
        if c.law is not None and c.article is not None
    )
    if measure is None:
        return
    kinds = tuple(k for k in listed.subjects if not measure.subjects or k in measure.subjects)
    if not kinds:
        fits = kinds_words(measure.subjects)
        yield f"措施只适用于{fits}，不是这份名单的主体：多半针对其有关责任人员，写 target: {{related: […]}}"
        return
    situation = Situation(listed.id, kinds, (), Validity(request.start))
    made = assess(measure, (*own, *measure.basis), matcher.policy.laws, situation, HERE, advised=advised)
    if made.code is not None:
        why = f"：{made.tried[0]}" if made.tried else ""
        yield f"现有依据撑不起这项措施，不能编译{why}；补上位阶够、及于本名单的条款，或改为 advise"
    elif made.advice == "not-verified":
        yield "依据都没有与原文核对，编译后只是建议；核对后写 quote 和 verified"


def _new_measure(text: str, row: AnnexRow, listed: ListDef, request: Request, measures: dict[str, _Writer]) -> str:
    """A measure of its own for a text that none of the policy's fits; its id."""
    name = f"{request.id}-{len(measures) + 1}"
    word = next((w for w in RESTRICTING if w in text), None)
    kind = "incentive" if listed.kind == "incentive" else "sanction"
    writer = measures[name] = _Writer()
    writer.add("# yaml-language-server: $schema=../schema/measure.json")
    writer.mark(f"由附件 {request.source} {row.place}新建：标识、性质、类别、方式、时限都须改定，能并入已有措施的并入")
    writer.add(f"measure: {name}", f"title: {quoted(text[:MAX_TITLE])}", f"kind: {kind}")
    if kind == "sanction" and word:
        writer.mark(f"因有“{word}”二字，按减损权益写：须有法律、行政法规、中央政策文件或省级法规的条款作依据")
        writer.add("class: restrictive")
    else:
        writer.mark("按管理性写；由市场主体自愿决定的改为 voluntary，减损权益的改为 restrictive")
        writer.add("class: managerial")
    writer.mark("行政性、市场性、行业性或社会性")
    writer.add("nature: administrative")
    writer.mark("持续实施；一次办完的改为 one-shot")
    writer.add("mode: standing", f"source: {quoted(f'附件 {request.source} {row.place}')}")
    return name


def draft_tests(policy: Policy, memorandum: str, day: dt.date) -> str | None:
    """A test that says what the reference interpreter makes of the draft today; `None` if nothing follows from it."""
    drafted = policy.memoranda[memorandum]
    listed = policy.lists[drafted.list]
    best: tuple[list[Owed], list[Owed], str] = ([], [], listed.subjects[0])
    for kind in listed.subjects:
        facts = Facts("subject", kind, listed.id, listed.filed_by[0], day, f"{day}T00:00:00Z", {})
        decision = conclude(policy, facts, [Interpreter(policy).evaluate(drafted, facts)])
        if len(decision.obligations) + len(decision.advice) > len(best[0]) + len(best[1]):
            best = (list(decision.obligations), list(decision.advice), kind)
    owes, advice, kind = best
    if not owes and not advice:
        return None
    out = _Writer()
    out.add("# yaml-language-server: $schema=../rules/schema/tests.json", f"tests: {memorandum}", "cases:")
    out.mark("以下由参考解释器按草稿算出，不等于应当如此；逐项核对，补上条件后改写", 2)
    out.add(f"  - name: {quoted('起草时附件各项都适用')}", f"    as_of: {day}", f"    subject: {kind}", "    expect:")
    for key, items in (("owes", owes), ("advice", advice)):
        if items:
            out.add(f"      {key}:", *(f"        - {{measure: {o.measure}, by: {o.department}}}" for o in items))
    return out.text()


def quoted(text: str) -> str:
    """A text as a YAML scalar."""
    return json.dumps(one_line(text), ensure_ascii=False)


def one_line(text: str) -> str:
    """A text that fits in a line of YAML, comments included: no line ends, nothing that cannot be seen."""
    joined = re.sub(r"\s*[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+\s*", " ", text)
    return FORBIDDEN.sub("", re.sub(r"\s+", " ", joined)).strip()
