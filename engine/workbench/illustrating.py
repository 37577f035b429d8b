"""What the compiler has found, each finding shown on a case that the reference interpreter was seen to decide so.

A bundle that does not compile is looked at as far as it was built (`Compiled.draft`). Anything may be missing from such
a draft, so a finding that cannot be shown passes through as it is.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any as Anything

import z3

from engine.analysis.clocks import EXITS
from engine.casework.clocks import start_clocks
from engine.decision.model import Facts
from engine.language.bundle import find_cycle, intersection
from engine.language.diagnostics import Diagnostic
from engine.language.ir import ADVERSE, FAVOURABLE, Basis, Limit, Oblige, Policy, Rule, Span, Table
from engine.language.legality import HIGH_ENOUGH, overlap
from engine.workbench.checks.firing import clash
from engine.workbench.findings import Finding, witnessed
from engine.workbench.symbolic import EFFORT, NO, YES
from engine.workbench.unread import derived_in_vain, filed_in_vain
from engine.workbench.views import Due, Firing, ListView, days_for

MOST = 20
"""Findings of one kind that are shown on a case. Whoever has more of them needs no more cases."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The case or the two cases that show a finding, and what else there is to say of them."""

    witness: tuple[Facts, ...]
    notes: tuple[str, ...] = ()


def illustrate(
    policy: Policy, diagnostics: Sequence[Diagnostic], day: dt.date, *, effort: int = EFFORT
) -> tuple[Finding, ...]:
    """The compiler's diagnostics in their order, with a witness wherever one can be found. Never raises.

    Args:
        policy: the policy, or its draft if it does not compile.
        diagnostics: what the compiler said of it.
        day: where witnesses are looked for first.
        effort: the solver's resource limit for one question.

    """
    draft = Draft(policy, day, effort)
    seen: Counter[str] = Counter()
    found = []
    for diagnostic in diagnostics:
        shower = SHOWERS.get(diagnostic.code)
        seen[diagnostic.code] += 1
        shown = _try(shower, draft, diagnostic) if shower and seen[diagnostic.code] <= MOST else None
        if shown is None:
            found.append(Finding(diagnostic))
            continue
        one = witnessed(policy, diagnostic, shown.witness)
        found.append(replace(one, diagnostic=replace(one.diagnostic, notes=(*one.diagnostic.notes, *shown.notes))))
    return tuple(found)


class Draft:
    """A policy of which something may be missing, and its lists as formulas, each made when it is first wanted."""

    def __init__(self, policy: Policy, day: dt.date, effort: int) -> None:
        self.policy, self.day, self.effort = policy, day, effort
        self._views: dict[str, ListView] = {}

    def view(self, list_id: str) -> ListView:
        """A list and its memoranda."""
        if list_id not in self._views:
            days = days_for(self.policy, list_id, self.day)
            self._views[list_id] = ListView(self.policy, list_id, days, effort=self.effort)
        return self._views[list_id]

    def dues_at(self, span: Span) -> tuple[ListView, list[Due]]:
        """The consequence in which a place lies, as what is owed by it.

        Raises:
            LookupError: there is none.

        """
        before = [
            (consequence.span.line, consequence.span.column, memorandum.list, consequence)
            for memorandum in self.policy.memoranda.values()
            for rule in memorandum.rules
            for consequence in rule.then
            if isinstance(consequence, Oblige) and consequence.span.path == span.path
            if (consequence.span.line, consequence.span.column) <= (span.line, span.column)
        ]
        if not before:
            raise LookupError(span)
        *_, list_id, nearest = max(before, key=lambda b: b[:2])
        view = self.view(list_id)
        return view, [due for due in view.dues if due.oblige.span == nearest.span]

    def firing_at(self, span: Span) -> tuple[ListView, Firing] | None:
        """The rule whose id stands at a place."""
        for memorandum in self.policy.memoranda.values():
            for rule in memorandum.rules:
                if rule.span == span:
                    view = self.view(memorandum.list)
                    return view, view.firings[rule.id]
        return None


Shower = Callable[[Draft, Diagnostic], Shown | None]


def _try(shower: Shower, draft: Draft, diagnostic: Diagnostic) -> Shown | None:
    try:
        return shower(draft, diagnostic)
    except Exception:  # noqa: BLE001 - whatever was reported may be missing or of a wrong type; the finding stands alone
        return None


def _owed(view: ListView, dues: Sequence[Due], *conditions: Anything) -> Facts | None:
    """A case in which one of `dues` is owed, as the reference interpreter sees it too."""
    _, facts = view.witness(z3.Or([due.owed for due in dues]), *conditions)
    return facts if facts is not None and {due.key for due in dues} & view.keys(facts).keys() else None


# --- tables -------------------------------------------------------------------------------------------------------


def _users(draft: Draft, table: Table) -> Iterator[tuple[ListView, Firing]]:
    """The rules that take a limit from a table."""
    for memorandum in draft.policy.memoranda.values():
        for rule in memorandum.rules:
            if any(isinstance(c, Limit) and c.table == table.id for c in rule.then):
                view = draft.view(memorandum.list)
                yield view, view.firings[rule.id]


def _table(draft: Draft, diagnostic: Diagnostic) -> Shown | None:
    """A gap: no row holds. An overlap: both rows do. A row never reached: it holds, and so does one before it."""
    table = next(t for t in draft.policy.tables.values() if t.span.path == diagnostic.span.path)
    here = next((row.index for row in table.rows if row.span == diagnostic.span), None)
    told = " ".join(diagnostic.notes)
    other = next((row.index for row in table.rows if row.index != here and str(row.span) in told), None)
    for view, firing in _users(draft, table):
        env = view.situation.env(firing.memorandum)
        truths = [view.situation.truth(row.when, env) for row in table.rows]
        if here is None:
            wanted, rows = [t.false for t in truths], set[int]()
        elif other is not None:
            wanted, rows = [truths[here].true, truths[other].true], {here, other}
        else:
            wanted, rows = [truths[here].true, z3.Or([t.true for t in truths[:here]])], {here}
        answer, facts = view.witness(firing.fires, *wanted)
        if facts is not None and view.fires(firing.rule.id, facts):
            true, unknown = view.interpreter.evaluate(firing.memorandum, facts).rows[table.id]
            if (rows <= true and (here is None or len(true) > 1)) if rows else not true | unknown:
                return Shown((facts,))
        elif answer.status == "no" and here is not None and other is None:
            why = clash(view, firing.memorandum, table.rows[here].when)
            return Shown((why.facts,), why.notes()) if why.facts is not None else None
    return None


# --- legality -----------------------------------------------------------------------------------------------------


def _basis(draft: Draft, diagnostic: Diagnostic) -> Shown | None:
    """A subject whom no basis reaches; if each reaches some of those the rule is for, one that the first misses."""
    view, dues = draft.dues_at(diagnostic.span)
    bases = dues[0].oblige.basis
    missed = [[z3.And(due.owed, _misses(view, due, basis)) for due in dues] for basis in bases]
    together = [z3.Or([z3.And(row) for row in zip(*missed, strict=True)])] if bases else []
    facts = _owed(view, dues, *together)
    if facts is None:
        facts = _owed(view, dues, z3.Or(missed[0]))
        return Shown((facts,), (f"见证是 {bases[0].span} 的依据所不及的；其余依据又各有所不及",)) if facts else None
    return Shown((facts,))


def _misses(view: ListView, due: Due, basis: Basis) -> Anything:
    """Where a basis does not carry what is owed (as `engine.language.legality.shortcomings`)."""
    law = view.policy.laws[basis.law]
    restrictive = due.measure.cls == "restrictive" and due.measure.kind == "sanction"
    beyond = due.role != "subject" and due.role not in basis.roles
    if beyond or (restrictive and law.level not in HIGH_ENOUGH) or (basis.lists and view.list.id not in basis.lists):
        return YES
    firing, world = due.firing, view.world
    period = intersection(firing.memorandum.validity, firing.rule.validity, due.measure.validity)
    ended = (
        z3.Not(world.covers(law.validity))
        if restrictive
        else z3.BoolVal(not (period and overlap(law.validity, period)))
    )
    kinds = [view.situation.kind == world.text(kind) for kind in basis.subjects]
    return z3.Or(ended, z3.Not(z3.Or(kinds)) if kinds else NO)


def _imposed(draft: Draft, diagnostic: Diagnostic) -> Shown | None:
    """Anyone on whom a measure is imposed."""
    facts = _owed(*draft.dues_at(diagnostic.span))
    return Shown((facts,)) if facts is not None else None


# --- rules --------------------------------------------------------------------------------------------------------


def _circle(draft: Draft, diagnostic: Diagnostic) -> Shown | None:
    """A subject who owes all of a circle."""
    memorandum = next(m for m in draft.policy.memoranda.values() if m.span.path == diagnostic.span.path)
    obliges = [c for rule in memorandum.rules for c in rule.then if isinstance(c, Oblige)]
    edges: dict[str, list[str]] = {o.measure: [] for o in obliges}
    for oblige in obliges:
        edges[oblige.measure] += [before for before in oblige.after if before in edges]
    circle = find_cycle(edges) or []
    view = draft.view(memorandum.list)
    own = [due for due in view.dues if due.firing.memorandum is memorandum]
    _, facts = view.witness(*(z3.Or([d.owed for d in own if d.measure.id == measure]) for measure in circle))
    if not circle or facts is None or not set(circle) <= {measure for measure, _, _ in view.keys(facts)}:
        return None
    return Shown((facts,))


def _silent(draft: Draft, diagnostic: Diagnostic) -> Shown | None:
    """A rule that does not fire though all but one of its conditions hold, or fires and imposes nothing."""
    rule = draft.firing_at(diagnostic.span)
    if rule is not None:
        view, firing = rule
        why = clash(view, firing.memorandum, firing.rule.when, firing.rule)
        if why.facts is None or view.fires(firing.rule.id, why.facts):
            return None
        return Shown((why.facts,), why.notes())
    view, firing = _rule_around(draft, diagnostic.span)
    _, facts = view.witness(firing.fires)
    measures = {c.measure for c in firing.rule.then if isinstance(c, Oblige) and c.measure in diagnostic.message}
    if facts is None or not view.fires(firing.rule.id, facts):
        return None
    if measures & {measure for measure, _, _ in view.keys(facts)}:
        return None
    return Shown((facts,), ("规则对见证成立，却没有引出该措施",))


def _rule_around(draft: Draft, span: Span) -> tuple[ListView, Firing]:
    """The rule in which a place lies."""

    def place(rule: Rule) -> tuple[int, int]:
        return rule.span.line, rule.span.column

    memorandum = next(m for m in draft.policy.memoranda.values() if m.span.path == span.path)
    rule = max((r for r in memorandum.rules if place(r) <= (span.line, span.column)), key=place)
    view = draft.view(memorandum.list)
    return view, view.firings[rule.id]


def _contradiction(draft: Draft, diagnostic: Diagnostic) -> Shown | None:
    """One person whom a counter is told to favour and to burden, or the proof that there is none."""
    view, burdens = draft.dues_at(diagnostic.span)
    told = " ".join(diagnostic.notes)
    favours = [due for due in view.dues if f"{due.oblige.span}" in told and _effect(due) in FAVOURABLE]
    proved = True
    for favour in favours:
        for burden in (b for b in burdens if b.role == favour.role and _effect(b) in ADVERSE):
            answer, facts = view.witness(favour.owed, burden.owed)
            proved &= answer.status == "no"
            if facts is not None and {favour.key, burden.key} <= view.keys(facts).keys():
                return Shown((facts,))
    if not favours or not proved:
        return None
    return Shown((), ("求解证明二者不会对同一人同时成立，只是编译器的判断较简单，看不出来；写明 overrides 即可",))


def _effect(due: Due) -> str:
    return due.measure.directive.effect if due.measure.directive else ""


def _untested(draft: Draft, diagnostic: Diagnostic) -> Shown | None:
    """A case in which a rule fires and one in which it does not, as a test could have them."""
    found = draft.firing_at(diagnostic.span)
    if found is None:
        return None
    view, firing = found
    _, yes = view.witness(firing.fires)
    _, no = view.witness(view.world.covers(firing.memorandum.validity, firing.rule.validity), firing.truth.false)
    rule = firing.rule.id
    if yes is None or not view.fires(rule, yes) or (no is not None and view.fires(rule, no)):
        return None
    if no is None:
        return Shown((yes,), ("规则对见证成立，可以照此写一个测试",))
    return Shown((yes, no), ("规则对见证甲成立，对见证乙不成立，可以照此写两个测试",))


# --- facts and lists ----------------------------------------------------------------------------------------------


def _unread(draft: Draft, diagnostic: Diagnostic) -> Shown | None:
    """Two subjects who differ in a fact and are decided alike."""
    for memorandum in draft.policy.memoranda.values():
        for derivation in memorandum.derivations:
            if derivation.fact.span == diagnostic.span:
                found = derived_in_vain(draft.view(memorandum.list), memorandum, derivation, draft.effort)
                return Shown(*found) if found else None
    for listed in draft.policy.lists.values():
        for fact in listed.facts.values():
            if fact.span == diagnostic.span:
                pair = filed_in_vain(draft.view(listed.id), fact)
                return Shown(pair, (f"见证甲、乙只有{fact.title}不同，决定相同",)) if pair else None
    return None


def _no_exit(draft: Draft, diagnostic: Diagnostic) -> Shown | None:
    """A subject on the list, whose listing no clock ends."""
    listed = next(one for one in draft.policy.lists.values() if one.span.path == diagnostic.span.path)
    view = draft.view(listed.id)
    facts = _owed(view, view.dues) if view.dues else None
    if facts is None:
        return None
    procedure = listed.procedure
    _, listing = start_clocks(listed, facts.values, facts.as_of)
    if listing.maximum is not None or procedure.repair is not None or EXITS & set(procedure.ends):
        return None
    return Shown((facts,), (f"{facts.as_of} 列入之后没有终点，也不能申请修复",))


SHOWERS: Mapping[str, Shower] = {
    "XH094": _circle, "XH104": _imposed, "XH110": _table, "XH111": _table, "XH113": _table, "XH120": _basis,
    "XH121": _basis, "XH122": _basis, "XH124": _silent, "XH125": _contradiction, "XH142": _untested,
    "XH150": _unread, "XH151": _unread, "XH169": _no_exit,
}  # fmt: skip
