"""A list's procedure and the ladders as the rest of the program reads them."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.compiler import compile_policy
from engine.language.build_procedure import in_house
from engine.language.dates import may_exceed, plus
from engine.language.ir import Duration, Policy, Procedure, Publicity, Repair, Term
from tests.language.bundles import good

PLAIN = "list: plain\ntitle: 名单\nkind: incentive\nfiled_by: [finance]\nsubjects: [enterprise]\n"


def days(amount: int) -> Duration:
    """So many working days."""
    return Duration(amount, "working days")


def years(amount: int) -> Duration:
    """So many years."""
    return Duration(amount, "years")


def policy_of(**extra: str) -> Policy:
    """The sound bundle with further files in `rules/lists`."""
    compiled = compile_policy({**good(), **{f"rules/lists/{name}.yaml": text for name, text in extra.items()}})
    assert compiled.policy is not None, compiled.diagnostics
    return compiled.policy


def test_a_procedure_is_typed() -> None:
    """Stages, clocks, remedies, and where each comes from."""
    policy = policy_of()
    procedure = policy.lists["wage-arrears"].procedure
    (limit,) = procedure.publicity.limits
    upstream = procedure.upstream["notice"]

    assert (upstream.date, upstream.number, upstream.proof) == ("notice_date", None, None)
    assert str(upstream.span) == "rules/lists/wage-arrears.yaml:20:5"
    assert in_house(procedure) == ("statement", "hearing", "decision", "service")
    assert (procedure.statement, procedure.service) == (days(5), days(7))
    assert (procedure.hearing_request, procedure.hearing_notice) == (days(5), days(7))
    assert procedure.decided_by == ("human-resources",)
    assert procedure.publicity == Publicity(
        public=True,
        within=days(7),
        minimum=years(1),
        maximum=years(3),
        limits=(limit,),
        channels=("credit-website",),
    )
    assert (limit.law, limit.article, limit.minimum, limit.maximum) == ("wage-regulation", "第五条", years(1), years(3))
    assert procedure.term == Term(years(3), ("grade", ("A",)), years(1))
    assert procedure.repair == Repair(Duration(6, "months"), ("corrected", "commitment"), days(1), days(10), None)
    assert procedure.objection.suspends
    assert dict(procedure.ends) == {"annulment": days(1), "not-listed": days(1)}
    assert procedure.ladder == "standard"
    assert dict(procedure.sources) == {"notice": "第五条"}


def test_what_a_procedure_leaves_out_has_a_default() -> None:
    """No stage, shown while it lasts, no end of its own, and the provincial times for an objection."""
    procedure = policy_of(plain=PLAIN).lists["plain"].procedure

    expected = Procedure(
        upstream={},
        notice=False,
        statement=None,
        hearing_request=None,
        hearing_notice=None,
        pre_publicity=None,
        decision=False,
        decided_by=(),
        service=None,
        publicity=Publicity(public=True, within=None, minimum=None, maximum=None, limits=(), channels=()),
        term=Term(None, None, None),
        repair=None,
        objection=procedure.objection,
        ends={},
        ladder=None,
        sources={},
        span=procedure.span,
    )
    objection = procedure.objection
    assert procedure == expected
    assert in_house(procedure) == ()
    assert (objection.own, objection.verify, objection.provider, objection.suspends) == (
        days(3),
        days(7),
        days(3),
        False,
    )
    assert str(procedure.span) == "rules/lists/plain.yaml:1:1"


def test_an_empty_stage_is_a_stage() -> None:
    """`decision: {}` says that the decision is made here, by the initiator."""
    procedure = policy_of(plain=f"{PLAIN}procedure:\n  decision: {{}}\n").lists["plain"].procedure

    assert in_house(procedure) == ("decision",)
    assert procedure.decided_by == ()


def test_ladders_lead_from_rung_to_rung() -> None:
    """In the order written, with whom each tells."""
    ladder = policy_of().ladders["standard"]

    assert (ladder.id, ladder.title, ladder.default) == ("standard", "逾期督办", True)
    assert [(rung.act, rung.after.amount, rung.to) for rung in ladder.rungs] == [
        ("remind", 1, ()),
        ("chief", 3, ()),
        ("joint-office", 5, ("finance",)),
        ("report", 10, ("human-resources",)),
    ]


def test_a_bundle_without_ladders_compiles() -> None:
    """Nothing is escalated then, and nobody has to say by which ladder."""
    bundle = {path: text for path, text in good().items() if "ladders" not in path}
    unnamed = {path: re.sub(r"\n *ladder: standard", "", text) for path, text in bundle.items()}

    compiled = compile_policy(unnamed)

    assert [d for d in compiled.diagnostics if d.severity == "error"] == []
    assert compiled.policy is not None
    assert dict(compiled.policy.ladders) == {}


def test_facts_and_measures_carry_what_the_clocks_need() -> None:
    """Whether a subject can still change a fact; the longest time a measure lasts, and its ladder."""
    policy = policy_of()
    facts = policy.lists["wage-arrears"].facts
    measure = policy.measures["no-procurement"]

    assert [name for name, fact in facts.items() if fact.changeable] == ["amount_paid"]
    assert (measure.term, measure.ladder) == (years(3), "standard")
    assert (policy.measures["no-posts"].term, policy.measures["no-posts"].ladder) == (None, None)


def test_a_ladder_is_part_of_the_version() -> None:
    """Another rung is another policy."""
    changed = good()
    changed["rules/ladders/standard.yaml"] = changed["rules/ladders/standard.yaml"].replace("10 working", "11 working")
    other = compile_policy(changed).policy

    assert other is not None
    assert policy_of().version != other.version


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (Duration(12, "months"), years(1), False),
        (Duration(13, "months"), years(1), True),
        (years(3), Duration(36, "months"), False),
        (Duration(365, "days"), years(1), False),
        (Duration(366, "days"), years(1), True),  # in a common year
        (Duration(30, "days"), Duration(1, "months"), True),  # in February
        (days(20), days(20), False),
        (days(5), Duration(4, "days"), True),
        (Duration(5, "days"), days(5), False),
        (Duration(6, "days"), days(5), True),
        (days(7), Duration(3, "months"), False),
    ],
)
def test_a_period_may_exceed_another(one: Duration, other: Duration, expected: bool) -> None:
    """If on any day it would end later."""
    assert may_exceed(one, other) is expected


UNITS = st.sampled_from(["days", "months", "years"])
DURATIONS = st.builds(Duration, st.integers(min_value=1, max_value=60), UNITS)


@given(DURATIONS, DURATIONS, st.dates(dt.date(1999, 1, 1), dt.date(2030, 12, 31)))
def test_what_may_not_exceed_never_does(one: Duration, other: Duration, day: dt.date) -> None:
    """The days of four years stand for all."""
    if not may_exceed(one, other):
        assert plus(day, one) <= plus(day, other)
