"""Policies and subjects with everything that decides what is owed: those of the properties, and obligations to them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from engine.decision.model import Facts, RelatedPerson
from engine.language.ir import (
    Basis,
    Directive,
    Duration,
    Measure,
    Memorandum,
    Oblige,
    Policy,
    ResponseTerms,
    Rule,
    Target,
    Validity,
)
from tests.properties.generate import DAYS, HERE, KINDS, situations

IDS = ("ban", "favour", "notice")
ROLES = ("legal-representative", "principal")
DEPARTMENTS = ("finance", "tax")
TERMS = ResponseTerms(*(Duration(3, "working days"),) * 3, "none", evidence=False)
SHORT = (Validity(dt.date(2024, 2, 1)), Validity(None, dt.date(2025, 3, 31)), Validity(DAYS[0], DAYS[0]))
PERIODS = st.sampled_from((Validity(), Validity(), *SHORT))


@dataclass(frozen=True)
class Drawn:
    """A policy and subjects to decide on."""

    policy: Policy
    subjects: tuple[Facts, ...]


def several(items: tuple[str, ...], *, least: int = 0) -> st.SearchStrategy[tuple[str, ...]]:
    """Some of a few."""
    return st.lists(st.sampled_from(items), min_size=least, max_size=2, unique=True).map(tuple)


EFFECTS = st.none() | st.sampled_from(("refuse", "expedite", "limit", "publicise", "tolerate-missing")).map(
    lambda effect: Directive("permit", effect)
)


@st.composite
def measures(draw: st.DrawFn) -> dict[str, Measure]:
    """Three measures; on one matter they may say opposite things."""
    return {
        name: Measure(
            name, name, "sanction", "managerial", "market", "standing", True, draw(several(KINDS)), (), draw(EFFECTS),
            (), TERMS, (), None, None, None, draw(PERIODS), HERE,
        )
        for name in IDS
    }  # fmt: skip


@st.composite
def obligations(draw: st.DrawFn) -> Oblige:
    """One clause."""
    bases = tuple(Basis(law, "第一条", None, None, (), (), (), HERE) for law in draw(several(("a", "b", "c"))))
    return Oblige(
        draw(st.sampled_from(IDS)), draw(several(DEPARTMENTS, least=1)), Target(draw(several(ROLES))),
        draw(several(IDS)), bases, draw(st.sampled_from((None, None, "advised"))),
        draw(st.sampled_from(("implement", "transmit"))), TERMS, HERE,
    )  # fmt: skip


@st.composite
def drawn(draw: st.DrawFn, size: int = 6) -> Drawn:
    """Two memoranda for a list, one of them with everything that conditions may say."""
    situation = draw(situations(size))
    more: Callable[[], Any] = lambda: tuple(draw(st.lists(obligations(), max_size=3)))  # noqa: E731
    memorandum = situation.memorandum
    rules = tuple(replace(r, then=(*r.then, *more()), validity=draw(PERIODS)) for r in memorandum.rules)
    second = Rule("n/0", "", None, rules[0].when, more(), (), Validity(), HERE)
    other = Memorandum("n", "", None, "list", (), (second,), (), draw(PERIODS), HERE)
    policy = Policy(
        "v", {}, {}, {}, {}, draw(measures()), {}, situation.tables,
        {"m": replace(memorandum, rules=rules, validity=draw(PERIODS)), "n": other}, {}, {}, (), {},
    )  # fmt: skip
    person = st.builds(RelatedPerson, st.sampled_from(("p", "q")), st.sampled_from(ROLES), st.sampled_from(KINDS))
    people = st.lists(person, max_size=3, unique_by=lambda p: (p.id, p.role)).map(tuple)
    salted = tuple(
        replace(facts, relations=draw(people), salt=draw(st.sampled_from(("", "5a" * 16))))
        for facts in situation.subjects
    )
    return Drawn(policy, salted)
