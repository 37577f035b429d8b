"""Who may see which field of a decision, its explanation, a case, its obligations and events. One table, one function.

There are four audiences: the subject (or a related person whom the listing reaches), the initiating department, a
department that implements, and the auditor, who sees everything. `FIELDS` says of each field which of the first three
may see it; a field that is not there is shown to auditors alone. `Scope` says which rows of what may be seen concern
the one who looks: an implementing department sees the rules that oblige it, the facts that those rules use and the
records that it supplied itself, and nothing of what others owe.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.casework.terms import find_rule
from engine.decision.explain import RuleTrace, Step, WhyNot
from engine.language import ir
from engine.language.ir import Policy

Audience = Literal["subject", "initiator", "implementer", "auditor"]
AUDIENCES: tuple[Audience, ...] = ("subject", "initiator", "implementer", "auditor")
Document = Mapping[str, Any]

ALL, DEPARTMENTS, WITH_SUBJECT = "sim", "im", "si"
"""Letters of who may see a field: s the subject, i the initiating department, m a department that implements."""
INITIATOR, AUDITOR_ALONE = "i", ""
_LETTERS: Mapping[str, Audience] = {"s": "subject", "i": "initiator", "m": "implementer"}


def _every(letters: str, names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), letters)


FIELDS: Mapping[str, Mapping[str, str]] = {
    # the explanation of a decision
    "Explained": _every(ALL, "digest reproduced document rules") | _every(INITIATOR, "why_not"),
    "Decision": _every(ALL, "policy facts obligations limits fired derived")
    | _every(INITIATOR, "advice unknown contradictions"),
    "Facts": _every(ALL, "subject subject_kind list initiator as_of known_at values records")
    | _every(DEPARTMENTS, "relations responses")
    | _every(AUDITOR_ALONE, "salt"),  # with it, whoever sees a part could guess the rest and hold it to the digest
    "Record": _every(ALL, "kind date fields excluded") | _every(DEPARTMENTS, "id"),
    "RelatedPerson": _every(DEPARTMENTS, "id role kind"),
    "Response": _every(DEPARTMENTS, "measure department outcome"),
    "Owed": _every(ALL, "key measure department target target_role rules basis duty advice")
    | _every(INITIATOR, "after"),
    "SuggestedLimit": _every(ALL, "rule table departments amount parts"),
    "UnknownRule": _every(INITIATOR, "rule missing"),
    "Contradiction": _every(INITIATOR, "matter target keys"),
    "Explanation": _every(ALL, "list as_of rules") | _every(INITIATOR, "derived"),
    "RuleTrace": _every(ALL, "rule title clause truth measures departments condition span")
    | _every(INITIATOR, "missing"),
    "Step": _every(ALL, "text found truth span steps"),
    "WhyNot": _every(INITIATOR, "department owes advice rules reason"),
    # the case
    "Case": _every(ALL, "id subject list initiator policy state filed_on ended_on ground decided_on publicity listing")
    | _every(DEPARTMENTS, "version total unclosed obligations edges last_on")
    | _every(WITH_SUBJECT, "number parties objections repairs tasks shielded")
    | _every(INITIATOR, "drafter shown_before warned_of"),
    "Party": _every(
        WITH_SUBJECT, "id role noticed_on statement_until hearing_until statements hearing served_on removed_on"
    ),
    "Statement": _every(WITH_SUBJECT, "id received_on points answers late"),
    "ObjectionRaised": _every(WITH_SUBJECT, "id party received_on points suspends due provider_due answered_on outcome")
    | _every(INITIATOR, "own rungs quiet"),
    "RepairApplication": _every(WITH_SUBJECT, "id party received_on proved state due extended answered_on")
    | _every(INITIATOR, "rungs quiet"),
    "Task": _every(WITH_SUBJECT, "name done_on") | _every(INITIATOR, "due rungs quiet"),
    "Clock": _every(ALL, "start minimum maximum ended_on"),
    "Due": _every(ALL, "on provisional since term"),
    "Obligation": _every(
        ALL,
        "key measure department kind mode restrictive reversible matter effect rules basis state outcome effective_on "
        "expires_on lift_by",
    )
    | _every(
        DEPARTMENTS,
        "id case target target_role duty evidence_required feedback policy unmet unlifted confirmed_by reason "
        "accept_by act_by feedback_by rearm_by rungs quiet",
    ),
    "Edge": _every(DEPARTMENTS, "before after kind"),
    "Evidence": _every(INITIATOR, "sha256 title"),
    "Actor": _every(INITIATOR, "department officer"),
    # what happened to it
    "CaseFiled": _every(INITIATOR, "on actor case subject list policy decision"),
    "ObligationsAdded": _every(INITIATOR, "on actor decision obligations edges"),
    "ObligationMoved": _every(INITIATOR, "on actor obligation action changes detail"),
    "CaseMoved": _every(INITIATOR, "on actor action changes detail decision"),
    "ListingEnded": _every(INITIATOR, "on actor ground reason"),
    "CaseClosed": _every(INITIATOR, "on actor"),
}
"""Type → field → letters of who may see it besides the auditor."""

INSIDE: Mapping[str, str] = {
    "Explained.document": "Decision", "Explained.rules": "RuleTrace", "Explained.why_not": "WhyNot",
    "Decision.facts": "Facts", "Decision.obligations": "Owed", "Decision.advice": "Owed",
    "Decision.limits": "SuggestedLimit", "Decision.unknown": "UnknownRule", "Decision.contradictions": "Contradiction",
    "Facts.records": "Record", "Facts.relations": "RelatedPerson", "Facts.responses": "Response",
    "Explanation.rules": "RuleTrace", "RuleTrace.condition": "Step", "Step.steps": "Step",
    "WhyNot.rules": "RuleTrace", "Case.parties": "Party", "Case.objections": "ObjectionRaised",
    "Case.repairs": "RepairApplication", "Case.tasks": "Task", "Party.statements": "Statement",
}  # fmt: skip
"""Fields whose content is looked at in its turn: one value, a list, or (`BY_NAME`) an object of them.

Other content is shown as it is.
"""
BY_NAME = frozenset({"Case.parties", "Case.objections", "Case.repairs", "Case.tasks"})


@dataclass(frozen=True, slots=True)
class Explained:
    """A decision with its explanation, as JSON: what a view is made of."""

    digest: str
    reproduced: bool
    document: Document
    rules: tuple[Document, ...]
    why_not: Document | None = None

    def plain(self) -> dict[str, Any]:
        """As a document."""
        return {
            "digest": self.digest, "reproduced": self.reproduced, "document": self.document, "rules": list(self.rules),
            "why_not": self.why_not,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scope:
    """What concerns the one who looks. None: all of them.

    `party` and `department` say whose view it is; `record_fields` names, by kind, the fields of records that are shown.
    """

    audience: Audience
    party: str | None = None
    department: str | None = None
    rules: frozenset[str] | None = None
    facts: frozenset[str] | None = None
    records: frozenset[str] | None = None
    record_fields: Mapping[str, frozenset[str]] | None = None
    people: frozenset[str] | None = None
    measures: frozenset[str] | None = None
    departments: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Used:
    """What rules look at: facts of the listing, derived facts, and fields of records by kind."""

    facts: frozenset[str]
    derived: frozenset[str]
    records: Mapping[str, frozenset[str]] = field(default_factory=dict)


def may_see(kind: str, name: str, audience: Audience) -> bool:
    """Whether an audience may see a field at all. What the table does not know is the auditor's alone."""
    return audience == "auditor" or audience in {_LETTERS[x] for x in FIELDS.get(kind, {}).get(name, "")}


def view(document: Document, scope: Scope, kind: str = "Explained") -> dict[str, Any]:
    """What of a document of a `kind` of `FIELDS` is shown to the one whose scope it is."""
    if scope.audience == "auditor":
        return dict(document)
    shown = {}
    for name, value in document.items():
        if not may_see(kind, name, scope.audience):
            continue
        inner = INSIDE.get(f"{kind}.{name}")
        if inner is None or value is None:
            cut = _CUTS.get(f"{kind}.{name}")
            shown[name] = cut(value, document, scope) if cut is not None else value
        elif f"{kind}.{name}" in BY_NAME:
            shown[name] = {n: view(row, scope, inner) for n, row in value.items() if _concerns(inner, row, scope)}
        elif isinstance(value, Mapping):
            shown[name] = view(value, scope, inner)
        else:
            shown[name] = [view(row, scope, inner) for row in value if _concerns(inner, row, scope)]
    return shown


def _concerns(kind: str, row: Document, scope: Scope) -> bool:
    return kind not in _ROWS or _ROWS[kind](row, scope)


def _among(value: object, wanted: Collection[str] | None) -> bool:
    return wanted is None or value in wanted


def _owed(row: Document, scope: Scope) -> bool:
    if scope.party is not None:
        return bool(row["target"] == scope.party)
    if scope.department is not None:
        return bool(row["department"] == scope.department)
    return True


def _limit(row: Document, scope: Scope) -> bool:
    return _among(row["rule"], scope.rules) and (scope.department is None or scope.department in row["departments"])


_ROWS: Mapping[str, Callable[[Document, Scope], bool]] = {
    "Owed": _owed,
    "SuggestedLimit": _limit,
    "Record": lambda row, scope: _among(row["id"], scope.records),
    "RelatedPerson": lambda row, scope: _among(row["id"], scope.people),
    "Response": lambda row, scope: scope.department in {None, row["department"]},
    "RuleTrace": lambda row, scope: _among(row["rule"], scope.rules),
    "Party": lambda row, scope: scope.party in {None, row["id"]},
    "ObjectionRaised": lambda row, scope: scope.party in {None, row["party"]},
    "RepairApplication": lambda row, scope: scope.party in {None, row["party"]},
}
"""Whether a row concerns the one who looks."""

_CUTS: Mapping[str, Callable[[Any, Document, Scope], Any]] = {
    "Decision.fired": lambda value, _, scope: [rule for rule in value if _among(rule, scope.rules)],
    "Decision.derived": lambda value, _, scope: [row for row in value if _among(row[1], scope.facts)],
    "Facts.values": lambda value, _, scope: {n: v for n, v in value.items() if _among(n, scope.facts)},
    "Record.fields": lambda value, record, scope: {
        n: v
        for n, v in value.items()
        if scope.record_fields is None or n in scope.record_fields.get(record["kind"], ())
    },
    "Owed.rules": lambda value, _, scope: [rule for rule in value if _among(rule, scope.rules)],
    "SuggestedLimit.departments": lambda value, _, scope: [d for d in value if scope.department in {None, d}],
    "RuleTrace.measures": lambda value, _, scope: [m for m in value if _among(m, scope.measures)],
    "RuleTrace.departments": lambda value, _, scope: [d for d in value if _among(d, scope.departments)],
}
"""Fields of which a part is shown."""


def auditing() -> Scope:
    """Everything."""
    return Scope("auditor")


def initiating(policy: Policy, document: Document) -> Scope:
    """The department that filed the case: all of the decision, and of records what the list's rules look at."""
    rules = {rule.id for m in policy.memoranda.values() if m.list == document["facts"]["list"] for rule in m.rules}
    used = used_by(policy, rules)
    return Scope("initiator", records=_of_kinds(document, used.records), record_fields=used.records)


def implementing(
    policy: Policy, document: Document, department: str, rules: Iterable[str], suppliers: Mapping[str, str]
) -> Scope:
    """A department that owes something by `rules`. `suppliers` says which department supplied a record, by its id."""
    owed = [o for o in document["obligations"] if o["department"] == department]
    own = frozenset(rules).union(*(o["rules"] for o in owed))
    used = used_by(policy, own)
    return Scope(
        "implementer",
        department=department,
        rules=own,
        facts=used.facts | used.derived,
        records=frozenset(r for r in _of_kinds(document, used.records) if suppliers.get(r) == department),
        record_fields=used.records,
        people=frozenset(o["target"] for o in owed),
        measures=frozenset(o["measure"] for o in owed),
        departments=frozenset({department}),
    )


def concerning(policy: Policy, document: Document, party: str) -> Scope:
    """The subject, or a related person: what leads to the measures about them; of the subject's own data, all."""
    owed = [o for o in document["obligations"] if o["target"] == party]
    own = party == document["facts"]["subject"]
    rules = frozenset[str]().union(*(o["rules"] for o in owed))
    if own:
        rules |= {limit["rule"] for limit in document["limits"]}
    used = used_by(policy, rules)
    return Scope(
        "subject",
        party=party,
        rules=rules,
        facts=None if own else used.facts | used.derived,
        records=_of_kinds(document, used.records),
        record_fields=None if own else {},
        people=frozenset(),
        measures=frozenset(o["measure"] for o in owed),
        departments=frozenset(o["department"] for o in owed),
    )


def _of_kinds(document: Document, kinds: Collection[str]) -> frozenset[str]:
    return frozenset(r["id"] for r in document["facts"]["records"] if r["kind"] in kinds)


def used_by(policy: Policy, rules: Iterable[str]) -> Used:
    """What rules (`<memorandum>/<rule>`) look at, also by way of derived facts."""
    facts: set[str] = set()
    derived: set[str] = set()
    records: dict[str, set[str]] = {}
    for name in rules:
        rule = find_rule(policy, name)
        if rule is None:
            continue
        derivations = {d.fact.name: d for d in policy.memoranda[name.partition("/")[0]].derivations}
        pending: list[tuple[ir.Condition, str]] = [(rule.when, "")]  # with the kind of record that is looked at
        while pending:
            condition, kind = pending.pop()
            asked: set[str] = set()
            match condition:
                case ir.All(parts) | ir.Any(parts):
                    pending += [(part, kind) for part in parts]
                case ir.Compare(left, _, right):
                    asked = {left.name} | {o.name for o in right if isinstance(o, ir.Fact)}
                case ir.Known(fact):
                    asked = {fact.name}
                case ir.Count(quantifier):
                    pending += _counted(quantifier, records)
                case ir.Responded():
                    pass
            for one in asked:
                declared = policy.records.get(kind)
                if kind and (declared is None or one in declared.fields):
                    records[kind].add(one)
                elif (derivation := derivations.pop(one, None)) is not None:
                    derived.add(one)
                    pending += _behind(derivation, records)
                elif one not in derived:
                    facts.add(one)
    return Used(frozenset(facts), frozenset(derived), {kind: frozenset(names) for kind, names in records.items()})


def _counted(quantifier: ir.Quantifier, records: dict[str, set[str]]) -> list[tuple[ir.Condition, str]]:
    records.setdefault(quantifier.record, set())
    return [(quantifier.where, quantifier.record)] if quantifier.where is not None else []


def _behind(derivation: ir.Derivation, records: dict[str, set[str]]) -> list[tuple[ir.Condition, str]]:
    """The conditions that a derived fact comes from."""
    conditions = [(choice.when, "") for choice in derivation.choices]
    if derivation.truth is not None:
        conditions.append((derivation.truth, ""))
    return conditions + (_counted(derivation.count, records) if derivation.count is not None else [])


def traced(trace: RuleTrace) -> dict[str, Any]:
    """A rule's trace as a document; `span` is `path:line:column`."""
    return {
        "rule": trace.rule, "title": trace.title, "clause": trace.clause, "truth": trace.truth,
        "measures": list(trace.measures), "departments": list(trace.departments), "missing": list(trace.missing),
        "condition": stepped(trace.condition), "span": str(trace.span),
    }  # fmt: skip


def stepped(step: Step) -> dict[str, Any]:
    """A comparison with those below it as a document."""
    return {
        "text": step.text, "found": step.found, "truth": step.truth, "span": str(step.span),
        "steps": [stepped(s) for s in step.steps],
    }  # fmt: skip


def absent(why: WhyNot) -> dict[str, Any]:
    """Why a department owes nothing, as a document."""
    return {
        "department": why.department, "reason": why.reason, "owes": list(why.owes), "advice": list(why.advice),
        "rules": [traced(t) for t in why.rules],
    }  # fmt: skip
