"""From the tree of a condition to the typed IR in negation normal form.

`not: {all: [{a: 1}, {exists: {record: r}}]}` becomes `Any(a ne 1, count(r) eq 0)`: De Morgan pushes every `not` to the
leaves, where the comparison itself turns round. That is exact in Kleene's logic.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, cast

from engine.language import scalars, source
from engine.language.diagnostics import Reporter, looks_like, nearest, one_of
from engine.language.ir import (
    NEGATED,
    All,
    Any,
    AsOfMinus,
    Compare,
    Condition,
    Constant,
    Count,
    Duration,
    Fact,
    FactType,
    Known,
    Op,
    Quantifier,
    Responded,
    Span,
    Type,
    Window,
)
from engine.language.raw_memoranda import OUTCOMES

EQUALITY = ("eq", "ne")
ORDER = ("lt", "lte", "gt", "gte")
SETS = ("in", "not_in")
OPERATORS: Mapping[Type, tuple[str, ...]] = {
    Type.TEXT: (*EQUALITY, *SETS, "known"),
    Type.ENUM: (*EQUALITY, *SETS, "known"),
    Type.BOOLEAN: (*EQUALITY, "known"),
    Type.INTEGER: (*EQUALITY, *ORDER, *SETS, "known"),
    Type.MONEY: (*EQUALITY, *ORDER, *SETS, "known"),
    Type.RATIO: (*EQUALITY, *ORDER, *SETS, "known"),
    Type.DATE: (*EQUALITY, *ORDER, *SETS, "within", "before", "known"),
    Type.LIST: ("contains", "not_contains", "known"),
}
ALL_OPERATORS = (*EQUALITY, *ORDER, *SETS, "contains", "not_contains", "within", "before", "known")
TYPE_TITLES: Mapping[Type, str] = {
    Type.TEXT: "文字", Type.INTEGER: "整数", Type.MONEY: "金额", Type.RATIO: "比率",
    Type.DATE: "日期", Type.BOOLEAN: "真假", Type.ENUM: "枚举", Type.LIST: "列表",
}  # fmt: skip
GROUPS = ("all", "any", "not")
QUANTIFIERS = ("exists", "none", "count")
CountOp = Literal["eq", "ne", "lt", "lte", "gt", "gte"]
ZERO_DAYS = Duration(0, "days")


@dataclass(slots=True)
class Scope:
    """The names a condition may use. `quantifiers`, `responses` and `facts` say what else it may contain.

    facts: fact name → declaration.
    records: record kind → its fields; empty where records cannot be looked at.
    owner: prefix of the ids of quantifiers, unique in the policy.
    place: what the names are, for messages.
    """

    facts: Mapping[str, FactType]
    reporter: Reporter
    owner: str
    place: str = "名单与备忘录"
    records: Mapping[str, Mapping[str, FactType]] = field(default_factory=dict)
    measures: Iterable[str] = ()
    departments: Iterable[str] = ()
    nested: bool = True  # whether exists, none, count and response may stand here
    plain: bool = False  # tables: constants only, no windows, no `known`
    used: set[str] = field(default_factory=set)  # names of facts that conditions mention
    counter: int = 0


def compile_condition(node: source.Node, scope: Scope, *, negate: bool = False) -> Condition:
    """The condition that `node` states, or its negation. Mistakes are reported; in their place stands a true `All`."""
    if scope.reporter.full(node.span.path):
        return All((), node.span)
    if not isinstance(node, source.Mapping):
        return _wrong(scope, node.span, "条件应为键值表", "{事实: 值} 或 {all: […]}")
    parts = [_entry(key, node.keys[key], value, scope, negate) for key, value in node.items.items()]
    return _group(parts, node.span, conjunction=not negate)


def negated(condition: Condition) -> Condition:
    """The negation of a compiled condition, again in negation normal form."""
    match condition:
        case Compare(left, op, right, span):
            return Compare(left, NEGATED[op], right, span)
        case Known(fact, present, span):
            return Known(fact, not present, span)
        case Count(quantifier, op, number, span):
            return Count(quantifier, cast("CountOp", NEGATED[op]), number, span)
        case Responded(measure, department, outcome, holds, span):
            return Responded(measure, department, outcome, not holds, span)
        case All(parts, span):
            return Any(tuple(negated(p) for p in parts), span)
        case Any(parts, span):
            return All(tuple(negated(p) for p in parts), span)


def conjunction(parts: Iterable[Condition], span: Span) -> Condition:
    """All of `parts`, flattened; a single part stands for itself."""
    flat = [q for p in parts for q in (p.parts if isinstance(p, All) else (p,))]
    return flat[0] if len(flat) == 1 else All(tuple(flat), span)


def _group(parts: list[Condition], span: Span, *, conjunction: bool) -> Condition:
    if len(parts) == 1:
        return parts[0]
    return All(tuple(parts), span) if conjunction else Any(tuple(parts), span)


def _wrong(scope: Scope, span: Span, message: str, expected: str = "", code: str = "XH070") -> Condition:
    scope.reporter.report(code, span, message, expected=expected)
    return All((), span)


def _entry(key: str, span: Span, value: source.Node, scope: Scope, negate: bool) -> Condition:
    match key:
        case "all" | "any":
            if not isinstance(value, source.Sequence):
                return _wrong(scope, span, f"{key} 后面应为条件的列表", f"{key}: [条件, …]")
            if not value.items:
                return _wrong(scope, span, f"{key} 中没有条件", f"{key}: [条件, …]", "XH081")
            parts = [compile_condition(item, scope, negate=negate) for item in value.items]
            return _group(parts, span, conjunction=(key == "all") is not negate)
        case "not":
            return compile_condition(value, scope, negate=not negate)
        case "exists" | "none" | "count":
            return _quantified(key, span, value, scope, negate)
        case "response":
            return _responded(span, value, scope, negate)
    declared = find_fact(key, span, scope)
    if declared is None:
        return All((), span)
    return _comparisons(declared, span, value, scope, negate)


def find_fact(name: str, span: Span, scope: Scope) -> FactType | None:
    """The declaration of a fact in scope; `None` after reporting that there is none."""
    scope.used.add(name)
    declared = scope.facts.get(name)
    if declared is None:
        known = (*scope.facts, *GROUPS, *QUANTIFIERS, "response")
        looked = looks_like(name, known)
        code, what = (
            ("XH016", "中有字形相似但不是半角英文的字符") if looked else ("XH060", f"没有在{scope.place}中声明")
        )
        scope.reporter.report(
            code,
            span,
            f"事实{scalars.shown(name)}{what}",
            expected=one_of(scope.facts),
            suggestion=looked or nearest(name, known),
        )
    return declared


def _comparisons(fact: FactType, span: Span, value: source.Node, scope: Scope, negate: bool) -> Condition:
    if isinstance(value, source.Scalar):
        parts = [_compare(fact, "eq", span, value, scope, negate)]
    elif isinstance(value, source.Sequence):
        return _wrong(scope, value.span, f"事实 {fact.name} 后面不能直接写列表", "{in: [值, …]} 或 {contains: 值}")
    elif not value.items:
        return _wrong(scope, value.span, f"事实 {fact.name} 后面没有比较", "{eq: 值}", "XH081")
    else:
        parts = [_compare(fact, op, value.keys[op], operand, scope, negate) for op, operand in value.items.items()]
    return _group(parts, span, conjunction=not negate)


def _compare(fact: FactType, op: str, span: Span, operand: source.Node, scope: Scope, negate: bool) -> Condition:
    if op not in ALL_OPERATORS:
        scope.reporter.report(
            "XH071", span, f"不认识比较方式{scalars.shown(op)}", expected=one_of(OPERATORS[fact.type]),
            suggestion=_operator(op, fact.type),
        )  # fmt: skip
        return All((), span)
    if op not in OPERATORS[fact.type]:
        message = f"{TYPE_TITLES[fact.type]}类型的事实 {fact.name} 不能用 {op} 比较"
        return _wrong(scope, span, message, one_of(OPERATORS[fact.type]), "XH072")
    if scope.plain and op in {"known", "within", "before"}:
        return _wrong(scope, span, f"分级表的行中不能用 {op}", one_of((*EQUALITY, *ORDER, *SETS)), "XH078")
    left = Fact(fact.name, fact.type)
    if op == "known":
        present = _parse(operand, Type.BOOLEAN, (), scope)
        return Known(left, (present.value is True) is not negate if present else True, span)
    if op in {"within", "before"}:
        length = _window(operand, scope)
        lower = Compare(left, "gte" if op == "within" else "lt", (AsOfMinus(length),), span)
        upper = Compare(left, "lte", (AsOfMinus(ZERO_DAYS),), span)
        window: Condition = All((lower, upper), span) if op == "within" else lower
        return negated(window) if negate else window
    final: Op = NEGATED[op] if negate else cast("Op", op)
    if op in SETS:
        if not isinstance(operand, source.Sequence):
            return _wrong(scope, operand.span, f"{op} 后面应为值的列表", f"{op}: [值, …]")
        if not operand.items:
            return _wrong(scope, operand.span, f"{op} 中没有值", f"{op}: [值, …]", "XH081")
        members = [_parse(item, fact.type, fact.values, scope) for item in operand.items]
        return Compare(left, final, tuple(m for m in members if m is not None), span)
    if isinstance(operand, source.Mapping):
        return _against_fact(left, final, span, operand, scope)
    constant = _parse(operand, fact.type, fact.values, scope)
    return Compare(left, final, (constant,), span) if constant else All((), span)


def _operator(op: str, kind: Type) -> str:
    symbols = {">=": "gte", ">": "gt", "<=": "lte", "<": "lt", "==": "eq", "=": "eq", "!=": "ne", "equals": "eq",
               "ge": "gte", "le": "lte", "neq": "ne", "nin": "not_in"}  # fmt: skip
    return symbols.get(op) or nearest(op, OPERATORS[kind])


def _against_fact(left: Fact, op: Op, span: Span, operand: source.Mapping, scope: Scope) -> Condition:
    name = operand.items.get("fact")
    if scope.plain:
        return _wrong(scope, span, "分级表的行只能与固定的值比较", "", "XH078")
    if len(operand.items) != 1 or not isinstance(name, source.Scalar) or left.type is Type.LIST:
        return _wrong(scope, operand.span, "比较的右边应为值，或 {fact: 事实}", "{fact: 事实名}")
    other = find_fact(name.value, name.span, scope)
    if other is None:
        return All((), span)
    if other.type is not left.type:
        wanted, found = TYPE_TITLES[left.type], TYPE_TITLES[other.type]
        message = f"{wanted}类型的事实 {left.name} 不能与{found}类型的事实 {other.name} 比较"
        return _wrong(scope, name.span, message, f"{wanted}类型的事实", "XH075")
    return Compare(left, op, (Fact(other.name, other.type),), span)


def _parse(node: source.Node, kind: Type, values: tuple[str, ...], scope: Scope) -> Constant | None:
    if not isinstance(node, source.Scalar):
        scope.reporter.report("XH073", node.span, f"此处应为一个{TYPE_TITLES[kind]}值")
        return None
    try:
        return Constant(scalars.parse(kind, node.value, values), kind, node.value)
    except scalars.ScalarError as error:
        code = error.code if error.code == "XH074" else "XH073"
        scope.reporter.report(code, node.span, error.message, expected=error.expected, suggestion=error.suggestion)
        return None


def _window(node: source.Node, scope: Scope) -> Duration:
    if not isinstance(node, source.Scalar):
        scope.reporter.report("XH076", node.span, "回溯期应为一个期限", expected="如 2 years")
        return ZERO_DAYS
    try:
        value = scalars.duration(node.value)
    except scalars.ScalarError as error:
        scope.reporter.report(
            "XH076", node.span, error.message, expected="如 30 days、6 months、2 years", suggestion=error.suggestion
        )
        return ZERO_DAYS
    if value.unit == "working days":
        scope.reporter.report("XH076", node.span, "回溯期不能用工作日", expected="如 30 days、6 months、2 years")
        return ZERO_DAYS
    return value


def _quantified(key: str, span: Span, value: source.Node, scope: Scope, negate: bool) -> Condition:
    if not scope.nested:
        return _wrong(scope, span, f"此处不能用 {key}", "只能比较事实", "XH078")
    comparisons = (*EQUALITY, *ORDER) if key == "count" else ()
    quantifier = compile_quantifier(value, scope, extra=comparisons)
    if quantifier is None:
        return All((), span)
    op, number = ("gte", 1) if key == "exists" else ("eq", 0)
    if key == "count":
        assert isinstance(value, source.Mapping)
        stated = [name for name in comparisons if name in value.items]
        if len(stated) != 1:
            return _wrong(scope, span, "count 须写且只写一个比较", one_of(comparisons), "XH077")
        op = stated[0]
        constant = _parse(value.items[op], Type.INTEGER, (), scope)
        if constant is None:
            return All((), span)
        number = cast("int", constant.value)
    op = NEGATED[op] if negate else op
    return Count(quantifier, cast("CountOp", op), number, span)


def compile_quantifier(node: source.Node, scope: Scope, extra: tuple[str, ...] = ()) -> Quantifier | None:
    """`{record: …, where: …, within: …}`; `extra` keys are left to the caller. `None` after reporting a mistake."""
    keys = ("record", "where", "within", *extra)
    if not isinstance(node, source.Mapping) or not isinstance(record := node.items.get("record"), source.Scalar):
        _wrong(scope, node.span, "须写明记录种类", "{record: 记录种类, within: 期限, where: 条件}")
        return None
    for key, span in node.keys.items():
        if key not in keys:
            scope.reporter.report(
                "XH070", span, f"{scalars.shown(key)}不能写在此处", expected=one_of(keys), suggestion=nearest(key, keys)
            )
    fields = scope.records.get(record.value)
    if fields is None:
        scope.reporter.report(
            "XH057",
            record.span,
            f"没有记录种类{scalars.shown(record.value)}",
            expected=one_of(scope.records),
            suggestion=nearest(record.value, scope.records),
        )
        return None
    scope.counter += 1
    identifier = f"{scope.owner}#{scope.counter}"
    inner = Scope(fields, scope.reporter, identifier, f"记录 {record.value} ", nested=False)
    where = compile_condition(node.items["where"], inner) if "where" in node.items else None
    window = Window(_window(node.items["within"], scope)) if "within" in node.items else None
    return Quantifier(identifier, record.value, where, window, node.span)


def _responded(span: Span, value: source.Node, scope: Scope, negate: bool) -> Condition:
    keys = ("measure", "by", "outcome")
    if not scope.nested:
        return _wrong(scope, span, "此处不能用 response", "只能比较事实", "XH078")
    shape = "{measure: 措施, by: 部门, outcome: 结果}"
    if not isinstance(value, source.Mapping) or not {"measure", "outcome"} <= value.items.keys():
        return _wrong(scope, span, "response 须写明 measure 和 outcome", shape)
    texts: dict[str, str] = {}
    for key, item in value.items.items():
        if key not in keys or not isinstance(item, source.Scalar):
            return _wrong(scope, value.keys[key], f"{scalars.shown(key)}不能这样写", shape)
        texts[key] = item.value
    checks: list[tuple[str, str, Iterable[str], str]] = [
        ("measure", "XH054", scope.measures, "措施"),
        ("by", "XH052", scope.departments, "部门"),
        ("outcome", "XH024", OUTCOMES, "答复结果"),
    ]
    for key, code, known, what in checks:
        if key in texts and texts[key] not in known:
            message = f"没有{what}{scalars.shown(texts[key])}"
            suggestion = nearest(texts[key], known)
            scope.reporter.report(code, value.items[key].span, message, expected=one_of(known), suggestion=suggestion)
    return Responded(texts["measure"], texts.get("by"), texts["outcome"], not negate, span)
