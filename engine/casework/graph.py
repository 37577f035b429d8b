"""The dependency graph of a case: what blocks what, whom to chase, and when it can be over. networkx stays in here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import networkx as nx

from engine.casework.calendar import Calendars, add
from engine.casework.deadlines import is_blocked, is_overdue, next_due
from engine.casework.model import Case, Due, Edge, Obligation
from engine.language.ir import Duration

UNFINISHED_BEFORE: frozenset[str] = frozenset({"waiting", "open", "accepted"})
DEFAULT_DAYS = 10  # working days assumed for an obligation that has no deadline yet


@dataclass(frozen=True, slots=True)
class Path:
    """The chain of obligations that decides when a case is over, and that day."""

    obligations: tuple[str, ...]
    due: Due


def find_cycle(edges: Iterable[Edge]) -> tuple[str, ...]:
    """Obligation ids that wait for each other in a ring, first repeated at the end; empty if there is none."""
    graph: nx.DiGraph[str] = nx.DiGraph((e.before, e.after) for e in edges)
    try:
        ring = nx.find_cycle(graph)
    except nx.NetworkXNoCycle:
        return ()
    return (*(before for before, _ in ring), ring[0][0])


def graph_of(case: Case) -> nx.DiGraph[str]:
    """Nodes are obligation ids, edges run from what comes first to what comes after (`kind` as attribute)."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(sorted(case.obligations))
    graph.add_edges_from((e.before, e.after, {"kind": e.kind}) for e in case.edges if e.kind != "releases")
    return graph


def layers_of(case: Case) -> tuple[frozenset[str], ...]:
    """Obligation ids by layer: an obligation stands one layer after the last of those it needs."""
    needs: nx.DiGraph[str] = nx.DiGraph((e.before, e.after) for e in case.edges if e.kind == "needs")
    needs.add_nodes_from(case.obligations)
    return tuple(frozenset(layer) for layer in nx.topological_generations(needs))


def shown_edges(case: Case) -> tuple[Edge, ...]:
    """The case's edges, and once the listing has ended the order in which measures are released."""
    lifting = {o.id for o in case.obligations.values() if o.state == "lifting"}
    releases = tuple(
        Edge(e.after, e.before, "releases")
        for e in case.edges
        if e.kind == "needs" and e.before in lifting and e.after in lifting
    )
    return case.edges + releases


def blockers(case: Case, obligation: str) -> tuple[str, ...]:
    """Ids of the obligations whose departments have to act before this one can go on, nearest the root first.

    Before it opens these are unsettled predecessors that are open themselves; while lifting, dependents that may be
    lifted now.
    """
    here = case.obligations[obligation]
    if not is_blocked(here):
        return ()
    needs: nx.DiGraph[str] = nx.DiGraph((e.before, e.after) for e in case.edges if e.kind == "needs")
    needs.add_node(obligation)  # one that only waits for the service on its person has no edge
    if here.state == "lifting":
        others = nx.descendants(needs, obligation)
        found = [o for o in others if case.obligations[o].state == "lifting" and not case.obligations[o].unlifted]
    else:
        others = nx.ancestors(needs, obligation)
        found = [o for o in others if case.obligations[o].state in {"open", "accepted"}]
    return tuple(sorted(found))


def whom_to_chase(case: Case, today: dt.date) -> dict[str, tuple[str, ...]]:
    """Departments that others wait for or that are late, with what they have to do, most depended on first."""
    waiting_for: dict[str, int] = {}
    for obligation in case.obligations.values():
        for blocker in blockers(case, obligation.id):
            waiting_for[blocker] = waiting_for.get(blocker, 0) + 1
    late = {o.id for o in case.obligations.values() if is_overdue(o, today)}
    chase: dict[str, list[str]] = {}
    for name in sorted(late | set(waiting_for), key=lambda n: (-waiting_for.get(n, 0), n)):
        chase.setdefault(case.obligations[name].department, []).append(name)
    return {department: tuple(names) for department, names in chase.items()}


def critical_path(case: Case, today: dt.date, calendars: Calendars) -> Path | None:
    """The longest chain of work still to do, in working days from `today`, and the day on which it ends.

    For a case in force this is the way until every measure has taken effect; for an ended one, until all are lifted.
    `None` when nothing is left to do.
    """
    releasing = case.state == "lifting"
    todo = {
        o.id: o
        for o in case.obligations.values()
        if (o.state == "lifting" if releasing else o.state in UNFINISHED_BEFORE)
    }
    if not todo:
        return None
    edges = [(e.before, e.after) for e in case.edges if e.kind == "needs" and e.before in todo and e.after in todo]
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(sorted(todo))
    graph.add_edges_from((after, before) if releasing else (before, after) for before, after in edges)
    ends: dict[str, tuple[Due, tuple[str, ...]]] = {}
    for name in nx.lexicographical_topological_sort(graph):
        before = max((ends[p] for p in graph.predecessors(name)), key=lambda e: e[0].on, default=(Due(today), ()))
        ends[name] = _finish(todo[name], before[0], calendars), (*before[1], name)
    due, path = max(ends.values(), key=lambda e: (e[0].on, e[1]))
    return Path(path, due)


def _finish(obligation: Obligation, start: Due, calendars: Calendars) -> Due:
    """When an obligation will be done if its department uses the time it has."""
    due = obligation.lift_by if obligation.state == "lifting" else obligation.act_by
    if due is None:
        due = add(start.on, Duration(DEFAULT_DAYS, "working days"), calendars)
    return Due(max(due.on, start.on), due.provisional or start.provisional)


def as_document(case: Case, today: dt.date, calendars: Calendars) -> dict[str, Any]:
    """The graph as JSON: nodes and edges in a stable order, who blocks, whom to chase, and the critical path."""
    path = critical_path(case, today, calendars)
    return {
        "case": case.id,
        "state": case.state,
        "nodes": [_node(case, case.obligations[name], today) for name in sorted(case.obligations, key=_number)],
        "edges": [
            {"before": e.before, "after": e.after, "kind": e.kind}
            for e in sorted(shown_edges(case), key=lambda e: (_number(e.before), _number(e.after), e.kind))
        ],
        "chase": {department: list(names) for department, names in whom_to_chase(case, today).items()},
        "critical_path": None
        if path is None
        else {
            "obligations": list(path.obligations),
            "due": path.due.on.isoformat(),
            "provisional": path.due.provisional,
        },
    }


def _node(case: Case, obligation: Obligation, today: dt.date) -> dict[str, Any]:
    due = next_due(obligation)
    return {
        "id": obligation.id,
        "measure": obligation.measure,
        "department": obligation.department,
        "target": obligation.target,
        "state": obligation.state,
        "blocked": is_blocked(obligation),
        "overdue": is_overdue(obligation, today),
        "due": due.on.isoformat() if due else None,
        "blocked_by": list(blockers(case, obligation.id)),
    }


def _number(name: str) -> tuple[str, int]:
    """Obligation ids sort by their number within the case."""
    case, _, number = name.rpartition(".")
    return case, int(number)
