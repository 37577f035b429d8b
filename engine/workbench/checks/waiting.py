"""Departments that would wait for each other for ever."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from typing import Any as Anything

import networkx as nx
import z3

from engine.decision.model import Decision
from engine.language.ir import Responded
from engine.workbench.findings import Finding, finding, undecided
from engine.workbench.views import Due, Firing, Key, ListView
from engine.workbench.vocabulary import reached

LONGEST, MOST = 6, 500
"""Circles of more obligations, and more circles, are not looked at; if there are more, the answer is *unknown*."""


def check(view: ListView) -> Iterator[Finding]:
    """Circles of `after` that meet in one case, and rules that only each other's answers could make fire."""
    yield from _circles(view)
    yield from _answers(view)


def _circles(view: ListView) -> Iterator[Finding]:
    """Within one memorandum the compiler refuses a circle; here two memoranda make one together."""
    by_measure: defaultdict[tuple[str, str], list[Due]] = defaultdict(list)
    for due in view.dues:
        if due.oblige.advice is None:
            by_measure[due.firing.memorandum.id, due.measure.id].append(due)
    edges: defaultdict[tuple[Key, Key], list[tuple[Due, Due]]] = defaultdict(list)
    for due in view.dues:
        for before in due.oblige.after if due.oblige.advice is None else ():
            for earlier in by_measure[due.firing.memorandum.id, before]:
                edges[due.key, earlier.key].append((due, earlier))
    graph: nx.DiGraph[Key] = nx.DiGraph(list(edges))
    cycles = list(islice(nx.simple_cycles(graph, length_bound=LONGEST), MOST))
    told: set[frozenset[str]] = set()
    for cycle in sorted(_from_least(cycle) for cycle in cycles):
        circle = frozenset(measure for measure, _, _ in cycle)
        if circle not in told:
            for found in _circle(view, cycle, edges):
                told.add(circle)
                yield found
    if len(cycles) == MOST and not told:
        yield undecided(view.memoranda[0].span, f"名单 {view.list.id} 的事项是否互相等待：先后关系的环太多")


def _from_least(cycle: list[Key]) -> list[Key]:
    """The same circle, wherever the search began."""
    start = cycle.index(min(cycle))
    return cycle[start:] + cycle[:start]


def _circle(view: ListView, cycle: list[Key], edges: dict[tuple[Key, Key], list[tuple[Due, Due]]]) -> Iterator[Finding]:
    pairs = [(cycle[n], cycle[(n + 1) % len(cycle)]) for n in range(len(cycle))]
    together = [z3.Or([z3.And(later.owed, earlier.owed) for later, earlier in edges[pair]]) for pair in pairs]
    answer, facts = view.witness(*together)
    later = edges[pairs[0]][0][0]
    policy = view.policy
    steps = [f"{policy.departments[d].title}“{policy.measures[m].title}”" for m, d, _ in (*cycle, cycle[0])]
    question = f"{' → '.join(steps)} 是否互相等待"
    if answer.status == "unknown":
        yield undecided(later.oblige.span, question)
    elif facts is not None and not waits_in_a_circle(view.interpreter.decide(facts)):
        yield undecided(later.oblige.span, f"{question}（见证与参考解释器不一致）")
    elif facts is not None:
        notes = [f"{one[0]} 须在 {other[0]} 之后：{edges[one, other][0][0].oblige.span}" for one, other in pairs]
        message = f"各部门互相等待，谁也不能先办：{' → '.join(steps)}（箭头指向先办的一项）"
        yield finding(policy, "XH208", later.oblige.span, message, [facts], notes=notes)


def waits_in_a_circle(decision: Decision) -> bool:
    """Whether a decision orders its obligations in a circle."""
    edges = [(o.key, before) for o in decision.obligations for before in o.after]
    return not nx.is_directed_acyclic_graph(nx.DiGraph(edges))


def _answers(view: ListView) -> Iterator[Finding]:
    """Rules that could fire if someone answered, where nobody can ever be asked."""
    waiting = {rule: asks for rule, firing in view.firings.items() if (asks := _asks(firing))}
    obtainable, unsure = _obtainable(view, sorted({measure for asks in waiting.values() for measure in asks}))
    silent = _silent(view, obtainable)
    for rule, asks in waiting.items():
        firing = view.firings[rule]
        lost = sorted(asks - obtainable)
        titles = "、".join(f"“{view.policy.measures[m].title}”" for m in lost or sorted(asks & unsure))
        status = view.find(firing.fires, *silent)[0].status if lost else "unknown" if titles else "yes"
        answer, facts = view.witness(firing.fires) if status == "no" else (None, None)
        if facts is not None and view.fires(rule, facts):
            message = f"规则 {rule} 要等{titles}的答复，而在它得到答复之前没有人承担该措施，谁也不能先办"
            yield finding(view.policy, "XH208", firing.rule.span, message, [facts])
        elif status == "unknown" or (answer is not None and answer.status != "no"):
            yield undecided(firing.rule.span, f"规则 {rule} 所等待的{titles}有没有人答复")


def _obtainable(view: ListView, asked: list[str]) -> tuple[set[str], set[str]]:
    """Measures that someone can come to owe, one answer after another; and those of which that is not certain."""
    owing = {m: [d.owed for d in view.dues if d.measure.id == m and d.oblige.advice is None] for m in asked}
    found: set[str] = set()
    unsure: set[str] = set()
    while True:
        silent = _silent(view, found)
        more = {m: view.find(z3.Or(owing[m]), *silent)[0].status for m in asked if m not in found}
        gained = {m for m, status in more.items() if status != "no"}
        unsure |= {m for m, status in more.items() if status == "unknown"}
        if not gained:
            return found, unsure
        found |= gained


def _silent(view: ListView, answered: set[str]) -> list[Anything]:
    """That nobody has answered but about `answered`."""
    return [z3.Not(cell.present) for (measure, _), cell in view.situation.answers.items() if measure not in answered]


def _asks(firing: Firing) -> set[str]:
    """The measures to whose answers a rule looks, by way of derived facts too."""
    found = reached(firing.rule.when, firing.memorandum)
    return {leaf.measure for leaf in found if isinstance(leaf, Responded)}
