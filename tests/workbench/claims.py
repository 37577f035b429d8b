"""What each kind of finding says of its witness, asked of the reference interpreter anew and not of the workbench."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace

import networkx as nx

from engine.casework.clocks import start_clocks
from engine.decision.conditions import compile_condition, environment
from engine.decision.consequences import suspended_by
from engine.decision.model import Decision, Facts
from engine.decision.reference import Interpreter
from engine.language.build_procedure import in_house
from engine.language.dates import plus
from engine.language.ir import All, Basis, Condition, Memorandum, Oblige, Policy, Rule, Table
from engine.language.legality import HIGH_ENOUGH
from engine.workbench.findings import Finding
from engine.workbench.weights import weight

Owed = dict[tuple[str, str, str], str | None]


class Case:
    """A finding, the policy that it is about, and the interpreter to ask."""

    def __init__(self, policy: Policy, finding: Finding) -> None:
        self.policy, self.span, self.witness = policy, finding.diagnostic.span, finding.witness
        self.interpreter = Interpreter(policy)

    @property
    def one(self) -> Facts:
        """The only case of the witness."""
        (facts,) = self.witness
        return facts

    @property
    def memorandum(self) -> Memorandum:
        """The memorandum in which the finding stands."""
        return next(m for m in self.policy.memoranda.values() if m.span.path == self.span.path)

    @property
    def table(self) -> Table:
        """The table in which the finding stands."""
        return next(t for t in self.policy.tables.values() if t.span.path == self.span.path)

    @property
    def rule(self) -> Rule:
        """The rule in which the finding stands."""
        return max((r for r in self.memorandum.rules if r.span.line <= self.span.line), key=lambda r: r.span.line)

    @property
    def oblige(self) -> Oblige:
        """The consequence at which the finding stands."""
        return next(c for c in self.rule.then if isinstance(c, Oblige) and c.span.line == self.span.line)

    def fires(self, facts: Facts) -> bool:
        """Whether the rule fires."""
        return any(self.rule.id in e.fired for e in self.interpreter.evaluate_all(facts))

    def met(self, when: Condition, facts: Facts) -> list[bool]:
        """Which parts of a condition of the memorandum hold."""
        env = {**environment(facts), **self.interpreter.evaluate(self.memorandum, facts).derived}
        parts = when.parts if isinstance(when, All) else (when,)
        return [compile_condition(part)(env) is True for part in parts]

    def imposed(self, facts: Facts | None = None) -> Oblige:
        """The consequence at which the finding stands, which the case is seen to owe by that rule."""
        facts = facts or self.one
        assert self.fires(facts)
        assert self.oblige.measure in {measure for measure, _, _ in owed(self.policy, facts)}
        return self.oblige


def owed(policy: Policy, facts: Facts) -> Owed:
    """What is owed or advised, by measure, department and role, and why it is only advised."""
    decision = Interpreter(policy).decide(facts)
    return {(o.measure, o.department, o.target_role): o.advice for o in (*decision.obligations, *decision.advice)}


def said(decision: Decision) -> tuple[object, ...]:
    """A decision without the facts that it was made from, and without what it derived from them."""
    parts = (decision.obligations, decision.advice, decision.limits, decision.unknown, decision.fired)
    return (*parts, decision.contradictions)


# --- rules, rows and tables ---------------------------------------------------------------------------------------


def rule_is_dead(case: Case) -> None:
    """It does not fire on one who misses nothing but one of its conditions, or its time."""
    rule, facts = case.rule, case.one
    in_force = case.memorandum.validity.covers(facts.as_of) and rule.validity.covers(facts.as_of)
    assert not case.fires(facts)
    assert [*case.met(rule.when, facts), in_force].count(False) == 1


def rule_is_in_vain(case: Case) -> None:
    """It is dead, or it fires and the measure does not follow."""
    if case.span == case.rule.span:
        rule_is_dead(case)
    else:
        assert case.fires(case.one)
        assert case.oblige.measure not in {measure for measure, _, _ in owed(case.policy, case.one)}


def rule_is_needless(case: Case) -> None:
    """It fires, and without it the same is owed."""
    kept = tuple(r for r in case.memorandum.rules if r is not case.rule)
    memoranda = {**case.policy.memoranda, case.memorandum.id: replace(case.memorandum, rules=kept)}
    assert case.fires(case.one)
    assert owed(replace(case.policy, memoranda=memoranda), case.one) == owed(case.policy, case.one)


def rule_is_untested(case: Case) -> None:
    """It fires on the first and not on the second."""
    assert [case.fires(facts) for facts in case.witness] == [True, False]


def row_is_dead(case: Case) -> None:
    """It holds, and the value is that of an earlier row; or the one who comes nearest misses one part of it."""
    here, derivation = next(
        (n, d) for d in case.memorandum.derivations for n, c in enumerate(d.choices) if c.when.span == case.span
    )
    met = [case.met(choice.when, case.one) for choice in derivation.choices]
    if not all(met[here]):
        assert met[here].count(False) == 1
        return
    first = [all(parts) for parts in met].index(True)
    derived = case.interpreter.evaluate(case.memorandum, case.one).derived
    assert first < here
    assert derived[derivation.fact.name] == derivation.choices[first].value


def _rows(case: Case) -> tuple[frozenset[int], frozenset[int]]:
    return next(e.rows[case.table.id] for e in case.interpreter.evaluate_all(case.one) if case.table.id in e.rows)


def table_has_a_gap(case: Case) -> None:
    """The rule fires, no row holds or may hold, and so it suggests no limit."""
    users = {r.id for m in case.policy.memoranda.values() for r in m.rules for c in r.then if _takes(c, case.table)}
    decision = case.interpreter.decide(case.one)
    assert users & set(decision.fired)
    assert _rows(case) == (frozenset(), frozenset())
    assert not users & {limit.rule for limit in decision.limits}


def _takes(consequence: object, table: Table) -> bool:
    return getattr(consequence, "table", None) == table.id


def rows_overlap(case: Case) -> None:
    """The row holds, and another one too."""
    (here,) = (row.index for row in case.table.rows if row.span == case.span)
    true, _ = _rows(case)
    assert here in true
    assert len(true) > 1


def row_is_taken(case: Case) -> None:
    """The row holds, but an earlier one is taken; or the one who comes nearest misses one part of it."""
    (row,) = (row for row in case.table.rows if row.span == case.span)
    true, unknown = _rows(case)
    if row.index in true:
        assert min(true | unknown) < row.index
        return
    parts = row.when.parts if isinstance(row.when, All) else (row.when,)
    assert [compile_condition(part)(environment(case.one)) for part in parts].count(False) == 1


# --- what is imposed ----------------------------------------------------------------------------------------------


def counter_is_torn(case: Case) -> None:
    """The interpreter itself finds the contradiction, on the matter of the measure."""
    directive = case.policy.measures[case.imposed().measure].directive
    assert directive is not None
    assert directive.matter in {c.matter for c in case.interpreter.decide(case.one).contradictions}


def incentive_stays(case: Case) -> None:
    """It is owed to a subject on a severe list, and no counter would ask."""
    measure = case.policy.measures[case.imposed().measure]
    assert suspended_by(case.one)
    assert measure.kind == "incentive"
    assert measure.directive is None


def kinds_differ(case: Case) -> None:
    """A measure of one kind is owed by a list of another."""
    assert case.policy.measures[case.imposed().measure].kind != case.policy.lists[case.one.list].kind


def basis_is_missing(case: Case) -> None:
    """What is owed has no basis."""
    assert case.imposed().basis == ()


def basis_is_gone(case: Case) -> None:
    """On the day on which it is owed no basis is in force."""
    bases = case.imposed().basis
    assert bases
    assert not any(case.policy.laws[basis.law].validity.covers(case.one.as_of) for basis in bases)


def basis_falls_short(case: Case) -> None:
    """No basis reaches the case; where several share the subjects among them, the first does not."""
    bases = case.imposed().basis
    reaches = [_reaches(case, basis) for basis in bases]
    assert not reaches[0]
    assert not any(reaches) or len(bases) > 1


def _reaches(case: Case, basis: Basis) -> bool:
    law, facts, measure = case.policy.laws[basis.law], case.one, case.policy.measures[case.oblige.measure]
    restrictive = measure.cls == "restrictive"
    roles = {person.role for person in facts.relations} & set(case.oblige.target.roles)
    return (
        (not restrictive or (law.level in HIGH_ENOUGH and law.validity.covers(facts.as_of)))
        and (not basis.lists or facts.list in basis.lists)
        and (not basis.subjects or facts.subject_kind in basis.subjects)
        and roles <= set(basis.roles)
    )


def _ends(case: Case) -> dt.date | None:
    """The last day of the listing, if it is extended."""
    term = case.policy.lists[case.one.list].procedure.term
    _, listing = start_clocks(case.policy.lists[case.one.list], case.one.values, case.one.as_of)
    if listing.maximum is None or term.extension is None:
        return listing.maximum
    return plus(listing.maximum, term.extension)


def measure_outlives_list(case: Case) -> None:
    """The listing ends, and the measure runs on."""
    term, ends = case.policy.measures[case.imposed().measure].term, _ends(case)
    assert term is not None
    assert ends is not None
    assert plus(case.one.as_of, term) > ends


def measure_outlives_law(case: Case) -> None:
    """Neither measure nor listing ends by the day on which the last basis has it end."""
    oblige = case.imposed()
    term, day = case.policy.measures[oblige.measure].term, case.one.as_of
    last = max(plus(day, basis.maximum) for basis in oblige.basis if basis.maximum)
    ends = [end for end in (plus(day, term) if term else None, _ends(case)) if end is not None]
    assert min(ends, default=dt.date.max) > last


def list_has_no_exit(case: Case) -> None:
    """Something is owed, the listing never ends by itself, and nothing can be applied for."""
    procedure = case.policy.lists[case.one.list].procedure
    assert owed(case.policy, case.one)
    assert _ends(case) is None
    assert procedure.repair is None
    assert not procedure.ends


def nobody_confirms(case: Case) -> None:
    """A refusal that casework would not hold for confirmation, or a restriction by a list on which nobody decides."""
    measure = case.policy.measures[case.imposed().measure]
    procedure = case.policy.lists[case.one.list].procedure
    if measure.cls == "restrictive":
        assert "decision" not in {*in_house(procedure), *procedure.upstream}
    else:
        assert measure.directive is not None
        assert measure.directive.effect == "refuse"
    assert owed(case.policy, case.one)[measure.id, case.oblige.by[0], "subject"] is None


def punished_twice(case: Case) -> None:
    """By two memoranda for one listing, or on two lists for one conduct: one department, matter and effect."""
    kinds = []
    for facts in case.witness:
        decision = case.interpreter.decide(facts)
        for one in decision.obligations:
            directive = case.policy.measures[one.measure].directive
            if directive is not None and directive.effect == "refuse":
                memoranda = {rule.split("/", 1)[0] for rule in one.rules}
                kinds.append((directive.matter, directive.effect, one.department, one.target_role, memoranda))
    first, second = kinds
    assert first[:4] == second[:4]
    assert first[4] != second[4]
    if len(case.witness) > 1:
        conducts = [case.policy.lists[f.list].facts["conduct"].titles[str(f.values["conduct"])] for f in case.witness]
        assert conducts[0] == conducts[1]
        assert case.witness[0].subject_kind == case.witness[1].subject_kind


# --- waiting ------------------------------------------------------------------------------------------------------


def departments_wait(case: Case) -> None:
    """The decision orders obligations in a circle; or the rule needs answers that nobody is asked for without it."""
    decision = case.interpreter.decide(case.one)
    if case.span != case.rule.span:
        graph = nx.DiGraph([(o.key, before) for o in decision.obligations for before in o.after])
        measures = {key.split("@", 1)[0] for cycle in nx.simple_cycles(graph) for key in cycle}
        assert case.imposed().measure in measures
        return
    assert case.fires(case.one)
    answered = replace(case.one, responses=())
    while True:
        asked = {(o.measure, o.department) for o in case.interpreter.decide(answered).obligations}
        more = tuple(r for r in case.one.responses if (r.measure, r.department) in asked)
        if more == answered.responses:
            break
        answered = replace(answered, responses=more)
    assert more != case.one.responses
    assert not case.fires(answered)


# --- facts --------------------------------------------------------------------------------------------------------


def fact_is_unread(case: Case) -> None:
    """Two subjects differ in that fact alone, and are decided alike."""
    one, other = case.witness
    fact = next(f for x in case.policy.lists.values() for f in x.facts.values() if f.span == case.span)
    assert one.values[fact.name] != other.values[fact.name]
    assert replace(one, values={**one.values, fact.name: other.values[fact.name]}) == other
    assert said(case.interpreter.decide(one)) == said(case.interpreter.decide(other))


def derived_is_unread(case: Case) -> None:
    """Two subjects for whom it is derived differently are decided alike; or one is, with it and without it."""
    fact = next(d.fact for d in case.memorandum.derivations if d.fact.span == case.span)
    derived = [case.interpreter.evaluate(case.memorandum, facts).derived[fact.name] for facts in case.witness]
    decisions = [said(case.interpreter.decide(facts)) for facts in case.witness]
    if len(derived) == 1:
        kept = tuple(d for d in case.memorandum.derivations if d.fact is not fact)
        memoranda = {**case.policy.memoranda, case.memorandum.id: replace(case.memorandum, derivations=kept)}
        decisions.append(said(Interpreter(replace(case.policy, memoranda=memoranda)).decide(case.one)))
    else:
        assert derived[0] != derived[1]
    assert decisions[0] == decisions[1]


# --- proportion ---------------------------------------------------------------------------------------------------


def _worse(case: Case) -> None:
    """The second case is the first with nothing changed but for the worse."""
    mild, grave = case.witness
    facts, changed = case.policy.lists[mild.list].facts, 0
    assert mild.values.keys() == grave.values.keys()
    assert replace(mild, values=grave.values, records=grave.records) == grave
    for name, before in mild.values.items():
        after, fact = grave.values[name], facts[name]
        if before != after:
            order = fact.values.index if fact.values else int
            assert (order(after) > order(before)) is (fact.worse == "higher")  # type: ignore[arg-type]
            assert fact.worse is not None
            changed += 1
    more = [record for record in grave.records if record not in mild.records]
    assert all(record in grave.records for record in mild.records)
    assert all(case.policy.records[record.kind].worse == "more" for record in more)
    assert changed + len(more) > 0


def lighter(case: Case) -> None:
    """The worse loses a sanction and gains none as heavy, or gains an incentive and loses none as valuable."""
    _worse(case)
    measure = case.policy.measures[case.oblige.measure]
    mild, grave = (_weighed(case, facts, measure.kind) for facts in case.witness)
    more, less = (mild, grave) if measure.kind == "sanction" else (grave, mild)
    lost = more[measure.id]
    assert measure.id not in less
    assert all(less[other] < lost for other in less.keys() - more.keys())


def _weighed(case: Case, facts: Facts, kind: str) -> dict[str, tuple[int, int]]:
    found = owed(case.policy, facts)
    measures = {m: (case.policy.measures[m], advice is not None) for (m, _, _), advice in found.items()}
    return {m: weight(measure, advised=advised) for m, (measure, advised) in measures.items() if measure.kind == kind}


def richer(case: Case) -> None:
    """The worse may borrow more by the rule, or may borrow at all."""
    _worse(case)
    decisions = [case.interpreter.decide(facts) for facts in case.witness]
    mild, grave = ({limit.rule: limit.amount for limit in decision.limits} for decision in decisions)
    assert case.rule.id not in {u.rule for decision in decisions for u in decision.unknown}
    assert grave[case.rule.id] > max(mild.values(), default=0)


CLAIMS: Mapping[str, Callable[[Case], None]] = {
    "XH094": departments_wait, "XH104": kinds_differ, "XH110": table_has_a_gap, "XH111": rows_overlap,
    "XH113": row_is_taken, "XH120": basis_is_missing, "XH121": basis_falls_short, "XH122": basis_falls_short,
    "XH124": rule_is_in_vain, "XH125": counter_is_torn, "XH142": rule_is_untested, "XH150": derived_is_unread,
    "XH151": fact_is_unread, "XH169": list_has_no_exit, "XH200": rule_is_dead, "XH201": row_is_dead,
    "XH202": rule_is_needless, "XH203": counter_is_torn, "XH204": incentive_stays, "XH205": basis_is_gone,
    "XH206": measure_outlives_list, "XH207": measure_outlives_law, "XH208": departments_wait,
    "XH209": nobody_confirms, "XH210": punished_twice, "XH211": lighter, "XH212": richer,
}  # fmt: skip
