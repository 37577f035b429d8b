"""What an editor shows about the word under the pointer: what it names, what the key is for, what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from api.lsp.index import Fact, File, Index, Name, Seen, called, items, scalar, value_at, walk
from api.lsp.positions import extent, piece_at
from engine.language import source, titles
from engine.language.diagnostics import Diagnostic, one_of
from engine.language.ir import Policy
from engine.language.legality import LEVEL_TITLES
from engine.language.source import Node, Scalar
from engine.workbench.sentences import rule_sentence

LISTED = 12  # names listed in a hover before “等 N 个”


def seen_at(file: File, lines: list[str], line: int, column: int) -> tuple[Seen, tuple[int, int]] | None:
    """The key or scalar at a place, and its columns. A name goes before what merely stands there."""
    found = None
    for seen in walk(file.tree, file.kind):
        if seen.span.line == line and seen.span.column <= column:
            start, end = extent(lines, seen.span, seen.text) or piece_at(lines, seen.span)
            if column <= end and (found is None or seen.name is not None):
                found = seen, (start, end)
    return found


def hover(index: Index, seen: Seen, draft: Policy | None) -> str:
    """Markdown about a key or scalar; empty if there is nothing to say."""
    parts = [*about(index, seen.name, draft)] if seen.name else []
    if seen.key and not seen.name and seen.place.description:
        parts.append(seen.place.description)
    if not seen.key and not seen.name:
        parts += _value(index, seen)
    return "\n\n".join(parts)


def _value(index: Index, seen: Seen) -> Iterator[str]:
    """What a value of an enumeration means, be it the language's or a fact's."""
    words = seen.place.words
    if seen.text not in words and seen.fact is not None:
        name = index.resolve(seen.fact)
        fact = index.facts(name.kind, name.owner).get(name.id)
        words = dict(fact.values) if fact else {}
    if seen.text in words:
        yield f"**{seen.text}** {words[seen.text]}" if words[seen.text] != seen.text else f"**{seen.text}**"


def faults(diagnostics: Iterable[Diagnostic], lines: list[str], path: str, line: int, column: int) -> Iterator[str]:
    """Markdown about what was found at a place, with how to put it right."""
    for found in diagnostics:
        if found.span.path == path and found.span.line == line:
            start, end = piece_at(lines, found.span)
            if start <= column <= end:
                yield f"`{found.code}` **{found.title}**：{found.help}"


def about(index: Index, name: Name, draft: Policy | None) -> Iterator[str]:
    """Paragraphs of Markdown about a name."""
    name = index.resolve(name)
    match name.kind:
        case "rule":
            yield from _rule(name, draft)
            return
        case "fact" | "field" | "input" | "output":
            if fact := index.facts(name.kind, name.owner).get(name.id):
                yield from _fact(index, name, fact)
            return
        case "article":
            if (law := index.document("law", name.owner)) and name.id in (known := index.known(name)):
                yield f"**《{law.title}》{name.id}**"
                yield known[name.id]
            return
        case "step" | "material" | "person":
            for _, seen in index.definitions(frozenset({name})):
                yield f"**{called(seen) or titles.ROLES.get(scalar(seen.node, 'role') or '', name.id)}**"
            return
    file = index.document(name.kind, name.id)
    if file is None:
        return
    yield f"**{file.title}**（{titles.KINDS[name.kind]} `{name.id}`）"
    lines = [line for line in DETAILS[name.kind](index, file) if line]
    if lines:
        yield "\n".join(f"- {line}" for line in lines)


def _rule(name: Name, draft: Policy | None) -> Iterator[str]:
    memorandum = draft.memoranda.get(name.owner) if draft else None
    for rule in memorandum.rules if memorandum else ():
        if rule.id == f"{name.owner}/{name.id}":
            yield f"**{rule.title}**" + (f"（{rule.clause}）" if rule.clause else "")
            assert draft is not None
            assert memorandum is not None
            yield rule_sentence(rule, memorandum, draft)


def _fact(index: Index, name: Name, fact: Fact) -> Iterator[str]:
    yield f"**{fact.title}** `{fact.name}`：{titles.type_word(fact.type)}"
    if fact.values:
        shown = [v if t == v else f"{v} {t}" for v, t in fact.values.items()]
        yield f"取值：{one_of(shown, LISTED)}"
    holder, _, owner = name.owner.partition(":")
    listed = f"名单“{_title(index, 'list', owner)}”的事实" if holder == "list" else ""
    derived = "备忘录推导的事实" if holder == "memorandum" else ""
    where = (
        listed
        or derived
        or {"field": "记录的字段", "input": "分级表的输入", "output": "分级表的输出"}.get(name.kind, "")
    )
    node = next((seen.node for _, seen in index.definitions(frozenset({name}))), None)
    flags = [
        w for k, w in (("required", "列入时必填"), ("changeable", "主体此后可使其改变")) if scalar(node, k) == "true"
    ]
    if where or flags:
        yield "，".join(filter(None, [where, *flags]))


# --- documents ---------------------------------------------------------------------------------------------------


def _law(_: Index, file: File) -> Iterator[str]:
    yield "，".join(
        filter(None, [LEVEL_TITLES.get(_text(file, "level"), ""), _text(file, "number"), _text(file, "issuer")])
    )
    yield _period(value_at(file.tree, "valid"))
    articles = value_at(file.tree, "articles")
    if isinstance(articles, source.Mapping):
        yield f"条款：{one_of(articles.items, LISTED)}"


def _department(index: Index, file: File) -> Iterator[str]:
    words = titles.GOVERNMENT_LEVELS.get(_text(file, "level"), ""), titles.DEPARTMENT_KINDS.get(_text(file, "kind"), "")
    yield "，".join(filter(None, words))
    former = [f"{scalar(n, 'name')}（{_period(n)}）" for n in items(value_at(file.tree, "names"))]
    yield f"历任名称：{'、'.join(former)}" if former else ""
    yield _period(value_at(file.tree, "valid"))
    yield f"由 {_title(index, 'department', merged)} 承接" if (merged := _text(file, "merged_into")) else ""


def _measure(index: Index, file: File) -> Iterator[str]:
    words = [
        titles.LIST_KINDS.get(_text(file, "kind"), ""),
        titles.CLASSES.get(_text(file, "class"), "").split("：", maxsplit=1)[0],
        titles.NATURES.get(_text(file, "nature"), ""),
        titles.MODES.get(_text(file, "mode"), "").split("：", maxsplit=1)[0],
    ]
    yield "，".join(filter(None, words))
    yield from _for(index, file, "authority", "department", "有权作出")
    directive = value_at(file.tree, "directive")
    if matter := scalar(directive, "matter"):
        effect = scalar(directive, "effect") or ""
        yield f"窗口：{_title(index, 'matter', matter)}——{titles.EFFECTS.get(effect, effect)}"
    yield _basis(index, file)
    yield _period(value_at(file.tree, "valid"))


def _list(index: Index, file: File) -> Iterator[str]:
    severe = "，严重失信主体名单" if _text(file, "severe") == "true" else ""
    yield titles.LIST_KINDS.get(_text(file, "kind"), "") + severe
    yield from _for(index, file, "filed_by", "department", "发起")
    subjects = [titles.SUBJECTS.get(t, t) for t in _texts(value_at(file.tree, "subjects"))]
    yield f"主体：{'、'.join(subjects)}" if subjects else ""
    facts = [fact.title for fact in index.declared("list", file.id, "facts").values()]
    yield f"事实：{one_of(facts, LISTED)}" if facts else ""
    yield _basis(index, file)


def _matter(index: Index, file: File) -> Iterator[str]:
    yield from _for(index, file, "departments", "department", "办理")
    documents = [scalar(d, "title") or "" for d in items(value_at(file.tree, "documents"))]
    yield f"材料：{one_of(documents, LISTED)}" if documents else ""
    steps = index.known(Name("step", "", file.id)).values()
    yield f"可加做的核验：{one_of(steps, LISTED)}" if steps else ""


def _table(index: Index, file: File) -> Iterator[str]:
    inputs, outputs = (
        "、".join(fact.title for fact in index.declared("table", file.id, key).values())
        for key in ("inputs", "outputs")
    )
    yield f"{inputs} → {outputs}；{titles.HITS.get(_text(file, 'hit'), '')}"
    yield _basis(index, file)


def _record(index: Index, file: File) -> Iterator[str]:
    yield from _for(index, file, "supplied_by", "department", "提供")
    yield f"字段：{one_of([f.title for f in index.declared('record', file.id, 'fields').values()], LISTED)}"


def _ladder(_: Index, file: File) -> Iterator[str]:
    yield "；".join(f"逾期 {scalar(r, 'after')}：{scalar(r, 'title')}" for r in items(value_at(file.tree, "rungs")))


def _retention(_: Index, file: File) -> Iterator[str]:
    for rule in items(value_at(file.tree, "rules")):
        kinds = "、".join(titles.SUBJECTS.get(t, t) for t in _texts(value_at(rule, "subjects")))
        lists = "、".join(_texts(value_at(rule, "lists"))) or "其余"
        yield f"{kinds}（{lists}）：{scalar(rule, 'keep')}"


def _memorandum(index: Index, file: File) -> Iterator[str]:
    yield _text(file, "document")
    yield f"名单：{_title(index, 'list', _text(file, 'list'))}"
    yield f"{len(items(value_at(file.tree, 'rules')))} 条规则"


DETAILS = {
    "law": _law, "department": _department, "measure": _measure, "list": _list, "matter": _matter, "table": _table,
    "record": _record, "ladder": _ladder, "retention": _retention, "memorandum": _memorandum,
}  # fmt: skip


def _text(file: File, key: str) -> str:
    return scalar(file.tree, key) or ""


def _texts(node: Node | None) -> list[str]:
    return [item.value for item in items(node) if isinstance(item, Scalar)]


def _title(index: Index, kind: str, identifier: str) -> str:
    file = index.document(kind, identifier)
    return file.title if file else identifier


def _for(index: Index, file: File, key: str, kind: str, words: str) -> Iterator[str]:
    named: Sequence[str] = [_title(index, kind, i) for i in _texts(value_at(file.tree, key))]
    if named:
        yield f"{words}：{one_of(named, LISTED)}"


def _basis(index: Index, file: File) -> str:
    cited = [
        f"《{_title(index, 'law', scalar(entry, 'law') or '')}》{scalar(entry, 'article') or ''}"
        + ("" if value_at(entry, "verified") else "（未核对）")
        for entry in items(value_at(file.tree, "basis"))
    ]
    return f"依据：{'；'.join(dict.fromkeys(cited))}" if cited else ""


def _period(node: Node | None) -> str:
    start, end = scalar(node, "from"), scalar(node, "until")
    if not start and not end:
        return ""
    return (f"自 {start} 起" if start else "") + (f"至 {end} 止" if end else "") + "有效"
