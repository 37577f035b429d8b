"""Rules that can never fire, rows that are never reached, and rules that add nothing to others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any as Anything

import z3

from engine.decision.model import Facts
from engine.language.bundle import intersection
from engine.language.ir import All, Condition, Derivation, Limit, Memorandum, Rule
from engine.language.legality import possible_kinds
from engine.workbench.findings import Finding, finding, undecided
from engine.workbench.symbolic import YES
from engine.workbench.views import Due, Firing, Key, ListView


def check(view: ListView) -> Iterator[Finding]:
    """Findings about the rules and the derived facts of one list's memoranda."""
    dead: set[str] = set()
    fired: set[str] = set()  # rules that the interpreter saw fire on a case that was found for another
    for rule, firing in view.firings.items():
        if _compiler_knows(view, firing):
            dead.add(rule)
            continue
        answer, facts = view.find(firing.fires) if rule not in fired else (None, None)
        if facts is not None:
            fired |= {r for e in view.interpreter.evaluate_all(facts) for r in e.fired}
        if answer is not None and answer.status == "no":
            dead.add(rule)
            yield _never(view, firing)
        elif rule not in fired:
            differs = "（见证与参考解释器不一致）" if facts is not None else ""
            yield undecided(firing.rule.span, f"规则 {rule} 能否成立{differs}")
    for memorandum in view.memoranda:
        for derivation in memorandum.derivations:
            yield from _unreached(view, memorandum, derivation)
    yield from _shadowed(view, dead)


def _compiler_knows(view: ListView, firing: Firing) -> bool:
    """Whether XH124 has already said that the rule never fires: by the subject's kind alone, or by the dates."""
    in_force = intersection(firing.memorandum.validity, firing.rule.validity)
    return in_force is None or not possible_kinds(firing.rule.when, view.list.subjects)


@dataclass(frozen=True, slots=True)
class Clash:
    """Why conditions cannot hold together.

    places: those that clash, none of them in vain.
    missed: what `facts` miss of them, while they meet all the others; nobody does if `facts` are None.
    """

    places: tuple[str, ...]
    missed: str
    facts: Facts | None

    def notes(self) -> tuple[str, ...]:
        """For a diagnostic, after the witness."""
        told = (f"不能同时成立的是：{'、'.join(self.places)}",) if len(self.places) > 1 else ()
        return (*told, f"见证只差一步：其余都满足，唯独{self.missed}") if self.facts is not None else told


def clash(view: ListView, memorandum: Memorandum, when: Condition, rule: Rule | None = None) -> Clash:
    """Why a condition of a memorandum never holds, for a rule within its dates, and who comes nearest to meeting it."""
    parts = when.parts if isinstance(when, All) else (when,)
    env = view.situation.env(memorandum)
    formulas = [view.situation.truth(part, env).true for part in parts]
    places = [str(part.span) for part in parts]
    if rule is not None:
        formulas.append(view.world.covers(memorandum.validity, rule.validity))
        places.append(f"规则 {rule.id} 的有效期")
    core = view.world.clash(formulas)
    for missed in reversed(core):
        _, facts = view.witness(*formulas[:missed], *formulas[missed + 1 :])
        if facts is not None:
            one = f"不满足 {places[missed]} 的条件" if missed < len(parts) else f"不在{places[missed]}内"
            return Clash(tuple(dict.fromkeys(places[k] for k in core)), one, facts)
    return Clash(tuple(dict.fromkeys(places[k] for k in core)), "", None)


def _never(view: ListView, firing: Firing) -> Finding:
    rule = firing.rule
    why = clash(view, firing.memorandum, rule.when, rule)
    shown = [why.facts] if why.facts is not None and not view.fires(rule.id, why.facts) else []
    reason = "它的条件不能同时成立" if len(why.places) > 1 else "它的条件自相矛盾"
    message = f"规则 {rule.id} 对任何主体、在任何一天都不成立：{reason}"
    return finding(view.policy, "XH200", rule.span, message, shown, notes=why.notes() if shown else ())


def _unreached(view: ListView, memorandum: Memorandum, derivation: Derivation) -> Iterator[Finding]:
    """Rows of a derived fact that are never the first to hold."""
    env = view.situation.env(memorandum)
    before = [z3.BoolVal(True)]
    for number, choice in enumerate(derivation.choices, 1):
        truth = view.situation.truth(choice.when, env)
        empty = isinstance(choice.when, All) and not choice.when.parts
        if not empty:  # an "otherwise" is a net, even where nothing falls into it
            answer, _ = view.find(*before, truth.true)
            if answer.status == "no":
                yield _dead_row(view, memorandum, derivation, number)
            elif answer.status == "unknown":
                yield undecided(choice.when.span, f"推导 {derivation.fact.name} 的第 {number} 行能否轮到")
        before.append(truth.false)


def _dead_row(view: ListView, memorandum: Memorandum, derivation: Derivation, number: int) -> Finding:
    when = derivation.choices[number - 1].when
    message = f"推导 {derivation.fact.name} 的第 {number} 行永远轮不到："
    env = view.situation.env(memorandum)
    truth, taken = view.situation.truth(when, env).true, env[derivation.fact.name].present
    for condition, why in ((taken, "它成立时前面总有一行已经成立"), (YES, "它成立时前面总有一行还是未知")):
        _, facts = view.witness(truth, condition)
        if facts is not None and view.holds(when, memorandum, facts):
            return finding(view.policy, "XH201", when.span, message + why, [facts])
    reason = clash(view, memorandum, when)
    shown = [reason.facts] if reason.facts is not None else []
    return finding(view.policy, "XH201", when.span, f"{message}它的条件自相矛盾", shown, notes=reason.notes())


def _shadowed(view: ListView, dead: set[str]) -> Iterator[Finding]:
    """From the last rule to the first, so that of two equal ones the later is named."""
    gone = set(dead)
    overriding = {o for f in view.firings.values() for o in f.rule.overridden_by}  # they also keep others from firing
    by_key = view.by_key()
    by_rule: defaultdict[str, list[Due]] = defaultdict(list)
    for due in view.dues:
        by_rule[due.firing.rule.id].append(due)
    for rule, own in reversed(by_rule.items()):
        firing = view.firings[rule]
        if rule in gone or rule in overriding or any(isinstance(c, Limit) for c in firing.rule.then):
            continue
        others = {d.key: [o for o in by_key[d.key] if _covers(o, d, gone)] for d in own}
        if not all(others.values()):
            continue
        answer, _ = view.find(_uncovered(own, others))
        if answer.status == "unknown":
            yield undecided(firing.rule.span, f"规则 {rule} 是否多余")
        if answer.status != "no":
            continue
        answer, facts = view.witness(z3.Or([d.owed for d in own]))
        if answer.status == "unknown":
            yield undecided(firing.rule.span, f"规则 {rule} 是否多余")
        if facts is None or not view.fires(rule, facts):
            continue
        gone.add(rule)
        covering = [r.split("/", 1)[1] for r in _needed(view, own, others)]
        whose = f"同一备忘录的规则 {'、'.join(covering)} {'合起来总已引出' if len(covering) > 1 else '总已引出'}"
        yield finding(view.policy, "XH202", firing.rule.span, f"规则 {rule} 引出的事项，{whose}", [facts])


def _uncovered(own: list[Due], others: Mapping[Key, list[Due]]) -> Anything:
    """That something of one's own is owed, and by none of the others."""
    return z3.Or([z3.And(d.owed, *(z3.Not(o.owed) for o in others[d.key])) for d in own])


def _needed(view: ListView, own: list[Due], others: Mapping[Key, list[Due]]) -> list[str]:
    """The rules that it takes to cover what is owed, none of them in vain."""
    rules = list(dict.fromkeys(o.firing.rule.id for group in others.values() for o in group))
    for rule in tuple(rules):
        fewer = {
            key: [o for o in group if o.firing.rule.id in rules and o.firing.rule.id != rule]
            for key, group in others.items()
        }
        if all(fewer.values()) and view.find(_uncovered(own, fewer))[0].status == "no":
            rules.remove(rule)
    return rules


def _covers(other: Due, due: Due, gone: set[str]) -> bool:
    """Whether one due makes another needless: same obligation, same memorandum and terms, as strong, as ordered."""
    return (
        other.firing is not due.firing
        and other.firing.memorandum is due.firing.memorandum
        and other.firing.rule.id not in gone
        and other.key == due.key
        and other.oblige.response == due.oblige.response
        and (other.oblige.advice is None or due.oblige.advice is not None)
        and set(due.oblige.after) <= set(other.oblige.after)
    )
