"""Every way out really lifts the measure, moves nothing that cannot be changed, and asks for nothing in vain."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, islice, product

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from engine.decision import counterfactual
from engine.decision.conditions import Env
from engine.decision.counterfactual import Assignment, Change, WayOut, _Search, describe, ways_out
from engine.decision.model import Evaluation, Facts, Owed, Record
from engine.decision.reference import Interpreter
from engine.language.ir import (
    All,
    Any,
    AsOfMinus,
    Choice,
    Compare,
    Condition,
    Count,
    Derivation,
    Duration,
    Fact,
    FactType,
    Known,
    Memorandum,
    Oblige,
    Policy,
    Quantifier,
    Target,
    Type,
    Value,
)
from tests.casework.build import MEASURES, TERMS
from tests.decision.build import HERE, compare, facts_of, memorandum_of, policy_of
from tests.properties.generate import GRADES, INPUTS, VALUES, Situation, comparisons, conditions, situations

KEY = "standing@finance/s"
YUAN = 100
WAN = 10_000 * YUAN
AMOUNT, PAID = ("amount", Type.MONEY), ("paid", Type.BOOLEAN)
TITLES = {"amount": "拖欠金额", "paid": "已足额支付", "promised": "已作出承诺", "grade": "档次", "decided": "列入日期"}


def owe(measure: str = "standing", by: str = "finance") -> Oblige:
    """A consequence: `by` owes `measure` about the subject."""
    return Oblige(measure, (by,), Target(), (), (), None, "implement", TERMS, HERE)


def policy_for(
    memorandum: Memorandum, facts: Mapping[str, Type], fixed: Sequence[str] = (), then: Sequence[Oblige] | None = None
) -> Policy:
    """The memorandum, its rules with the consequences `then`, and a list of facts, changeable but for `fixed`."""
    consequences = then or [owe()] * len(memorandum.rules)
    rules = tuple(replace(r, then=(c,)) for r, c in zip(memorandum.rules, consequences, strict=True))
    types = {
        n: FactType(n, t, TITLES.get(n, ""), HERE, values=GRADES if t is Type.ENUM else (), changeable=n not in fixed)
        for n, t in facts.items()
    }
    policy = policy_of(replace(memorandum, rules=rules))
    return replace(policy, measures=MEASURES, lists={"list": replace(policy.lists["list"], facts=types)})


def policy_when(*whens: Condition, facts: Mapping[str, Type], fixed: Sequence[str] = ()) -> Policy:
    """A policy with one rule that owes `KEY` for each condition."""
    return policy_for(memorandum_of(whens), facts, fixed)


def needed(ways: Sequence[WayOut]) -> list[list[str]]:
    """Each way as its facts and what they have to become."""
    return [[f"{c.fact} {c.needed}" for c in way.changes] for way in ways]


def both(*parts: Condition) -> All:
    """All of `parts`."""
    return All(parts, HERE)


def either(*parts: Condition) -> Any:
    """Any of `parts`."""
    return Any(parts, HERE)


def test_paying_in_full_lifts_the_measure() -> None:
    """A boolean turns; the way says what it is now, what it must be, a witness, and which rules fall silent."""
    policy = policy_when(compare("paid", "eq", False, Type.BOOLEAN), facts=dict([PAID]))
    way = WayOut((Change("paid", "已足额支付", False, "改为 是", True),), ("m/0",))

    assert (way,) == ways_out(policy, facts_of({"paid": False}), KEY)
    assert describe(way) == "若“已足额支付”改为 是，该措施的适用条件即不再成立。"


@pytest.mark.parametrize(
    ("op", "now", "value", "words"),
    [
        ("gte", 120 * WAN, 50 * WAN - 1, "降至 50 万元以下（不含）"),
        ("gt", 120 * WAN, 50 * WAN, "降至 50 万元以下"),
        ("lt", 20 * WAN, 50 * WAN, "升至 50 万元以上"),
        ("lte", 20 * WAN, 50 * WAN + 1, "升至 50 万元以上（不含）"),
        ("ne", 20 * WAN, 50 * WAN, "升至 50 万元"),
    ],
)
def test_an_amount_moves_to_the_near_side_of_its_threshold(op: str, now: int, value: int, words: str) -> None:
    """The witness is the nearest amount that is enough; 以下 includes the figure unless it says otherwise."""
    policy = policy_when(compare("amount", op, 50 * WAN, Type.MONEY), facts=dict([AMOUNT]))
    (way,) = ways_out(policy, facts_of({"amount": now}), KEY)

    assert (Change("amount", "拖欠金额", now, words, value),) == way.changes


def test_an_amount_between_two_thresholds_names_both() -> None:
    """Only the stretch that is enough is named, whatever lies beyond it."""
    outside = either(compare("amount", "lt", 10 * WAN, Type.MONEY), compare("amount", "gt", 50 * WAN, Type.MONEY))
    ways = ways_out(policy_when(outside, facts=dict([AMOUNT])), facts_of({"amount": 3 * WAN}), KEY)

    assert needed(ways) == [["amount 升至 10 万元以上、50 万元以下"]]


def test_a_debt_does_not_fall_below_nothing() -> None:
    """An amount that the policy never holds against a negative one does not become negative."""
    policy = policy_when(compare("amount", "gte", 0, Type.MONEY), facts=dict([AMOUNT]))

    assert ways_out(policy, facts_of({"amount": 5}), KEY) == ()


def test_paying_the_last_fen_is_a_way() -> None:
    """Zero is a point of its own, not 以下."""
    policy = policy_when(compare("amount", "gt", 0, Type.MONEY), facts=dict([AMOUNT]))

    assert needed(ways_out(policy, facts_of({"amount": 5}), KEY)) == [["amount 降至 0 元"]]


def test_two_facts_are_needed_together() -> None:
    """Neither alone is enough; both rules fall silent."""
    policy = policy_when(
        either(compare("paid", "eq", False, Type.BOOLEAN), compare("amount", "gt", 50 * WAN, Type.MONEY)),
        compare("amount", "gte", 100 * WAN, Type.MONEY),
        facts=dict([AMOUNT, PAID]),
    )
    (way,) = ways_out(policy, facts_of({"amount": 120 * WAN, "paid": False}), KEY)

    assert needed([way]) == [["amount 降至 50 万元以下", "paid 改为 是"]]
    assert way.silences == ("m/0", "m/1")
    assert describe(way) == "若“拖欠金额”降至 50 万元以下，且“已足额支付”改为 是，该措施的适用条件即不再成立。"


def test_alternatives_come_fewest_changes_first_then_in_the_list_s_order() -> None:
    """Paying all, or paying some and promising the rest; a change that is already enough is not joined by another."""
    names = {"promised": Type.BOOLEAN, "amount": Type.MONEY, "paid": Type.BOOLEAN}
    owed = either(compare("amount", "gt", 100 * WAN, Type.MONEY), compare("promised", "eq", False, Type.BOOLEAN))
    policy = policy_when(
        both(owed, compare("amount", "gt", 10 * WAN, Type.MONEY), compare("paid", "eq", False, Type.BOOLEAN)),
        facts=names,
    )
    facts = facts_of({"amount": 120 * WAN, "promised": False, "paid": False})

    assert needed(ways_out(policy, facts, KEY)) == [
        ["amount 降至 10 万元以下"], ["paid 改为 是"], ["promised 改为 是", "amount 降至 100 万元以下"],
    ]  # fmt: skip
    assert needed(ways_out(policy, facts, KEY, at_most=1)) == [["amount 降至 10 万元以下"]]
    assert needed(ways_out(policy, facts, KEY, size=1)) == [["amount 降至 10 万元以下"], ["paid 改为 是"]]


def test_a_derived_fact_in_between_is_seen_through() -> None:
    """The rule reads two strata of derived facts; the change is in the fact below them."""
    grave = Derivation(
        FactType("grave", Type.BOOLEAN, "", HERE), compare("amount", "gte", WAN, Type.MONEY), (), None, 0, HERE
    )
    choices = (Choice(compare("grave", "eq", True, Type.BOOLEAN), "AAA"), Choice(All((), HERE), "B"))
    tier = Derivation(FactType("tier", Type.ENUM, "", HERE, values=GRADES), None, choices, None, 1, HERE)
    memorandum = replace(memorandum_of([compare("tier", "eq", "AAA", Type.ENUM)]), derivations=(grave, tier))
    ways = ways_out(policy_for(memorandum, dict([AMOUNT])), facts_of({"amount": 3 * WAN}), KEY)

    assert needed(ways) == [["amount 降至 1 万元以下（不含）"]]


def test_what_cannot_be_changed_is_no_way_out() -> None:
    """A fact fixed by the list, an undeclared one, the subject's kind and its records stay as they are."""
    record = Quantifier("q", "penalty", None, None, HERE)
    policy = policy_when(
        both(
            compare("amount", "gte", WAN, Type.MONEY), compare("other", "eq", 1),
            compare("subject.kind", "eq", "enterprise", Type.ENUM), Count(record, "gte", 1, HERE),
        ),
        facts=dict([AMOUNT, PAID]), fixed=["amount"],
    )  # fmt: skip
    facts = facts_of({"amount": 2 * WAN, "other": 1, "paid": False}, [Record("r", "penalty", None, {})])

    assert ways_out(policy, facts, KEY) == ()


def test_a_fact_that_nobody_supplied_may_be_the_way() -> None:
    """Supplied it settles the rule; leaving the rule unknown would not be enough."""
    no_word = either(Known(Fact("paid", Type.BOOLEAN), False, HERE), compare("paid", "eq", False, Type.BOOLEAN))
    policy = policy_when(no_word, facts=dict([PAID]))
    (way,) = ways_out(policy, facts_of({}), KEY)

    assert (Change("paid", "已足额支付", None, "补充为 是", True),) == way.changes


def test_a_rule_left_unknown_still_stands() -> None:
    """The change would leave the rule hanging on a fact that nobody supplied and the subject cannot change."""
    policy = policy_when(
        either(compare("paid", "eq", False, Type.BOOLEAN), compare("gap", "eq", 1)), facts=dict([PAID])
    )

    assert ways_out(policy, facts_of({"paid": False}), KEY) == ()
    assert len(ways_out(policy, facts_of({"paid": False, "gap": 2}), KEY)) == 1


def test_a_rule_is_lifted_by_the_rule_that_overrides_it() -> None:
    """Its condition excludes the overriding rule's, which owes another measure."""
    promise = compare("promised", "eq", True, Type.BOOLEAN)
    memorandum = memorandum_of([compare("promised", "ne", True, Type.BOOLEAN), promise])
    policy = policy_for(memorandum, {"promised": Type.BOOLEAN}, then=[owe(), owe("publish")])

    assert needed(ways_out(policy, facts_of({"promised": False}), KEY)) == [["promised 改为 是"]]


def test_another_rule_that_takes_over_the_same_obligation_is_no_way_out() -> None:
    """Below the threshold a second rule owes the same: only a change that silences both helps."""
    policy = policy_when(
        compare("amount", "gte", 50 * WAN, Type.MONEY),
        both(compare("amount", "lt", 50 * WAN, Type.MONEY), compare("paid", "eq", False, Type.BOOLEAN)),
        facts=dict([AMOUNT, PAID]),
    )
    ways = ways_out(policy, facts_of({"amount": 120 * WAN, "paid": False}), KEY)

    assert needed(ways) == [["amount 降至 50 万元以下（不含）", "paid 改为 是"]]


def test_a_change_names_every_rule_that_it_silences() -> None:
    """Rules that owe something else fall silent with it, and are named."""
    memorandum = memorandum_of([compare("paid", "eq", False, Type.BOOLEAN)] * 2)
    policy = policy_for(memorandum, dict([PAID]), then=[owe(), owe("publish")])

    assert ways_out(policy, facts_of({"paid": False}), KEY)[0].silences == ("m/0", "m/1")


@pytest.mark.parametrize(
    ("name", "of", "condition", "now", "words", "value"),
    [
        ("grade", Type.ENUM, compare("grade", "in", "B", Type.ENUM), "B", "属于 AAA、AA、A、优", "AAA"),
        ("grade", Type.ENUM, compare("grade", "ne", "AA", Type.ENUM), "B", "改为 AA", "AA"),
        ("grade", Type.ENUM, Known(Fact("grade", Type.ENUM), False, HERE), None, "补充提供", "AAA"),
        ("tags", Type.LIST, compare("tags", "contains", "税务", Type.TEXT), ("环保", "税务"), "去掉 税务", ("环保",)),
        ("tags", Type.LIST, compare("tags", "not_contains", "税务", Type.TEXT), (), "增加 税务", ("税务",)),
        ("tags", Type.LIST, Known(Fact("tags", Type.LIST), False, HERE), None, "补充为 空", ()),
        ("late", Type.INTEGER, compare("late", "gte", 3), 5, "降至 不超过 2", 2),
        ("late", Type.INTEGER, compare("late", "lt", -3), -9, "升至 不少于 -3", -3),
        ("share", Type.RATIO, compare("share", "gte", 3_000, Type.RATIO), 4_500, "降至 30%以下（不含）", 2_999),
        ("amount", Type.MONEY, compare("amount", "gte", 12345, Type.MONEY), 20000, "降至 123.45 元以下（不含）", 12344),
        (
            "decided", Type.DATE,
            Compare(Fact("decided", Type.DATE), "lt", (AsOfMinus(Duration(1, "years")),), HERE),
            dt.date(2020, 1, 1).toordinal(), "改为 不早于 2025-11-24", dt.date(2025, 11, 24).toordinal(),
        ),
    ],
)  # fmt: skip
def test_every_type_says_what_it_must_become(
    name: str, of: Type, condition: Condition, now: Value | None, words: str, value: Value
) -> None:
    """Enums name each value that is enough, lists what goes and what comes, figures and dates their bounds."""
    (way,) = ways_out(policy_when(condition, facts={name: of}), facts_of({} if now is None else {name: now}), KEY)

    assert (words, value) == (way.changes[0].needed, way.changes[0].value)


@pytest.mark.parametrize(
    ("name", "of", "condition", "now", "words"),
    [
        ("grade", Type.ENUM, compare("grade", "ne", "AA", Type.ENUM), "B", "改为 甲等"),
        ("grade", Type.ENUM, compare("grade", "in", "B", Type.ENUM), "B", "属于 AAA、甲等、A、优"),
        ("tags", Type.LIST, compare("tags", "not_contains", "AA", Type.TEXT), (), "增加 甲等"),
        ("tags", Type.LIST, compare("tags", "contains", "AA", Type.TEXT), ("AA",), "去掉 甲等"),
    ],
)
def test_a_value_is_said_by_its_title(name: str, of: Type, condition: Condition, now: Value, words: str) -> None:
    """A subject reads Chinese where the policy gives a value a title."""
    policy = policy_when(condition, facts={name: of})
    fact = replace(policy.lists["list"].facts[name], titles={"AA": "甲等"})
    policy = replace(policy, lists={"list": replace(policy.lists["list"], facts={name: fact})})

    (way,) = ways_out(policy, facts_of({name: now}), KEY)

    assert way.changes[0].needed == words


def test_facts_compared_with_each_other_meet() -> None:
    """Paid against owed: either moves to where the other is."""
    less = Compare(Fact("repaid", Type.MONEY), "lt", (Fact("amount", Type.MONEY),), HERE)
    ways = ways_out(
        policy_when(less, facts={"repaid": Type.MONEY, "amount": Type.MONEY}),
        facts_of({"repaid": WAN, "amount": 3 * WAN}),
        KEY,
    )

    assert needed(ways) == [["repaid 升至 3 万元以上"], ["amount 降至 1 万元以下"]]


def test_an_obligation_that_is_not_owed_is_refused() -> None:
    """No way out and nothing to get out of are two different answers."""
    with pytest.raises(KeyError, match="standing@tax/s"):
        ways_out(policy_when(All((), HERE), facts={}), facts_of({}), "standing@tax/s")


def test_the_search_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty figures that lift the measure only all together: a few thousand evaluations, and no way out is returned."""
    names = {f"f{n}": Type.INTEGER for n in range(40)}
    policy = policy_when(either(*(compare(name, "gte", n) for name in names for n in range(1, 9))), facts=names)
    evaluated = Counter[str]()
    real = Interpreter.evaluate

    def counting(self: Interpreter, memorandum: Memorandum, facts: Facts, env: Env | None = None) -> Evaluation:
        evaluated["times"] += 1
        return real(self, memorandum, facts, env)

    monkeypatch.setattr(Interpreter, "evaluate", counting)

    assert ways_out(policy, facts_of(dict.fromkeys(names, 9)), KEY, size=40) == ()
    assert 1_000 < evaluated["times"] <= counterfactual.STEPS


def test_what_was_found_before_the_bound_is_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    """One fact alone is a way, and the search ends before it looks at two."""
    monkeypatch.setattr(counterfactual, "STEPS", 8)
    needs_two = either(compare("amount", "gte", WAN, Type.MONEY), compare("promised", "eq", False, Type.BOOLEAN))
    policy = policy_when(
        both(compare("paid", "eq", False, Type.BOOLEAN), needs_two),
        facts={"paid": Type.BOOLEAN, "amount": Type.MONEY, "promised": Type.BOOLEAN},
    )

    assert needed(ways_out(policy, facts_of({"paid": False, "amount": WAN, "promised": False}), KEY)) == [
        ["paid 改为 是"]
    ]


# --- properties --------------------------------------------------------------------------------------------------

SUBJECTS = 12
FINITE_FACTS = {
    "grave": Type.BOOLEAN, "consent": Type.BOOLEAN, "mended": Type.BOOLEAN, "grade": Type.ENUM, "class_of": Type.ENUM,
}  # fmt: skip
CHOICES: Mapping[Type, Sequence[Value]] = {Type.BOOLEAN: (True, False), Type.ENUM: GRADES}


def lifted(policy: Policy, facts: Facts, key: str, changes: Mapping[str, Value]) -> bool:
    """Whether nothing that could owe `key` is true after `changes`, and nothing unknown that was settled before."""
    naming = {
        r.id
        for m in policy.memoranda.values()
        for r in m.rules
        for c in r.then
        if isinstance(c, Oblige) and key in {Owed.key_for(c.measure, d, facts.subject) for d in c.by}
    }
    interpreter = Interpreter(policy)
    (before,) = interpreter.evaluate_all(facts)
    (after,) = interpreter.evaluate_all(replace(facts, values={**facts.values, **changes}))
    return not naming & after.fired and not naming & (after.unknown - before.unknown)


def subsets(items: Sequence[tuple[str, Value]], largest: int) -> Iterator[dict[str, Value]]:
    """Every part of `items` with one to `largest` of them."""
    for count in range(1, largest + 1):
        yield from map(dict, combinations(items, count))


def hold(policy: Policy, facts: Facts, key: str, size: int) -> int:
    """Each way out is one, is minimal, and moves only what may be moved; the number of ways."""
    declared = policy.lists["list"].facts
    owing = next(o.rules for o in Interpreter(policy).decide(facts).obligations if o.key == key)
    ways = ways_out(policy, facts, key, at_most=4, size=size)
    for way in ways:
        changes = [(c.fact, c.value) for c in way.changes]
        after = replace(facts, values={**facts.values, **dict(changes)})
        (evaluation,) = Interpreter(policy).evaluate_all(after)

        assert set(owing) <= set(way.silences)
        assert not set(way.silences) & (evaluation.fired | evaluation.unknown)
        assert key not in {o.key for o in Interpreter(policy).decide(after).obligations}
        assert 1 <= len(changes) <= size
        assert all(declared[c.fact].changeable and facts.values.get(c.fact) == c.now != c.value for c in way.changes)
        assert all(not lifted(policy, facts, key, part) for part in subsets(changes, len(changes) - 1))
        assert all(c.needed in describe(way) for c in way.changes)
        for change in way.changes:
            for value in allowed(change, declared[change.fact].type):
                assert lifted(policy, facts, key, dict(changes) | {change.fact: value})
    assert len({frozenset(c.fact for c in way.changes) for way in ways}) == len(ways)
    assert [len(w.changes) for w in ways] == sorted(len(w.changes) for w in ways)
    return len(ways)


def allowed(change: Change, of: Type) -> Iterator[Value]:
    """Values that the words of a change allow, read back: members of an enum, integers near the bounds."""
    if of is Type.ENUM and change.needed.startswith("属于 "):
        yield from change.needed.removeprefix("属于 ").split("、")
    bounds = {word: int(n) for word, n in re.findall(r"(不少于|不超过) (-?\d+)", change.needed)}
    if of is Type.INTEGER and bounds:
        low = bounds.get("不少于", bounds.get("不超过", 0) - 70)
        high = bounds.get("不超过", low + 70)
        yield from (n for n in {*range(low, min(low + 70, high)), *range(max(low, high - 70), high + 1)} if n >= 0)


def exhaust(policy: Policy, facts: Facts, key: str, size: int) -> bool:
    """Whether any change of at most `size` of the finite changeable facts lifts `key`."""
    free = [n for n, t in policy.lists["list"].facts.items() if t.changeable and t.type in CHOICES]
    return any(
        lifted(policy, facts, key, dict(zip(names, values, strict=True)))
        for count in range(1, size + 1)
        for names in combinations(free, count)
        for values in product(*(CHOICES[policy.lists["list"].facts[n].type] for n in names))
    )


def tangled(names: Mapping[str, Type]) -> st.SearchStrategy[Condition]:
    """Conditions that several facts hold up: only changing them together brings one down."""
    leaf = comparisons(dict(names))
    group = st.lists(leaf, min_size=1, max_size=2).map(lambda parts: both(*parts))
    return st.lists(leaf | group, min_size=1, max_size=3).map(lambda parts: either(*parts))


@st.composite
def finite(draw: st.DrawFn) -> Situation:
    """A memorandum over booleans and enums alone, with a derived fact, and subjects with few gaps."""
    truth = draw(tangled(FINITE_FACTS) | conditions(FINITE_FACTS, records=False, depth=1))
    derivation = Derivation(FactType("derived0", Type.BOOLEAN, "", HERE), truth, (), None, 0, HERE)
    names = FINITE_FACTS | {"derived0": Type.BOOLEAN}
    whens = draw(st.lists(tangled(names) | conditions(names, records=False, depth=2), min_size=1, max_size=3))
    values = st.fixed_dictionaries({n: VALUES[t] for n, t in FINITE_FACTS.items()})
    gap = st.none() | st.sampled_from(sorted(FINITE_FACTS))
    subjects = [facts_of({n: v for n, v in draw(values).items() if n != draw(gap)}) for _ in range(SUBJECTS)]
    return Situation(replace(memorandum_of(whens), derivations=(derivation,)), {}, tuple(subjects))


def generated(data: st.DataObject, memorandum: Memorandum, types: Mapping[str, Type]) -> Policy:
    """`memorandum`, some rules tangled up, with consequences for its rules and a list with changeable facts."""
    also = [data.draw(st.just(Any((), HERE)) | tangled(types)) for _ in memorandum.rules]
    rules = tuple(replace(r, when=either(r.when, a)) for r, a in zip(memorandum.rules, also, strict=True))
    then = [owe(data.draw(st.sampled_from(("standing", "publish")))) for _ in rules]
    fixed = data.draw(st.lists(st.sampled_from(sorted(types)), max_size=2))
    return policy_for(replace(memorandum, rules=rules), types, fixed, then)


def run(drawn: st.SearchStrategy[Situation], types: Mapping[str, Type], examples: int) -> int:
    """Draw policies and subjects; the number of ways out that were held against the reference interpreter."""
    ways = 0

    @seed(1)
    @settings(
        max_examples=examples, deadline=None, database=None, phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(drawn, st.data(), st.integers(1, 3))
    def check(situation: Situation, data: st.DataObject, size: int) -> None:
        nonlocal ways
        policy = replace(generated(data, situation.memorandum, types), tables=situation.tables)
        for facts in situation.subjects:
            for obligation in Interpreter(policy).decide(facts).obligations:
                found = hold(policy, facts, obligation.key, size)
                ways += found

                assert found or not exhaust(policy, facts, obligation.key, size)

    check()
    return ways


def test_every_way_out_holds_on_generated_policies() -> None:
    """Every type, gaps, derived facts, records and answers: the ways are ways, minimal, and of changeable facts."""
    assert run(situations(SUBJECTS), INPUTS, 30) > 10


def test_a_way_out_is_found_whenever_there_is_one() -> None:
    """Over booleans and enums: none is returned exactly where no change of that size would lift the measure."""
    assert run(finite(), FINITE_FACTS, 60) > 100


def _unknown_is_enough(self: _Search, assignment: Assignment) -> bool:
    env = self.env | dict(assignment)
    return not any(self.part.evaluate(memorandum, self.facts, env).fired for memorandum in self.memoranda)


def _in_vain(self: _Search, names: tuple[str, ...]) -> Iterator[Assignment]:
    assignments = (tuple(zip(names, values, strict=True)) for values in product(*(self.options[n] for n in names)))
    return islice((assignment for assignment in assignments if self.enough(assignment)), 1)


def _one_fact_alone(self: _Search, names: tuple[str, ...]) -> Iterator[Assignment]:
    return REAL_NEAREST(self, names) if len(names) == 1 else iter(())


def _fixed_facts_move(self: _Search, policy: Policy, facts: Facts, key: str) -> None:
    declared = {n: replace(s, changeable=True) for n, s in policy.lists["list"].facts.items()}
    REAL_INIT(self, replace(policy, lists={"list": replace(policy.lists["list"], facts=declared)}), facts, key)


REAL_NEAREST, REAL_INIT = _Search.nearest, _Search.__init__
BUGS = {
    "a rule left unknown counts as gone": ("enough", _unknown_is_enough),
    "changes are asked for in vain": ("nearest", _in_vain),
    "facts are not combined": ("nearest", _one_fact_alone),
    "facts that are fixed move": ("__init__", _fixed_facts_move),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_caught(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of these mistakes in the search makes the property fail."""
    monkeypatch.setattr(_Search, *BUGS[bug])

    with pytest.raises(AssertionError):
        run(finite(), FINITE_FACTS, 200)
