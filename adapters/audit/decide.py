"""What follows from facts under a compiled policy: a second reading of the rules, apart from the code that it judges.

Written from docs/language.md and docs/archive.md with the standard library alone; `verify.py` beside it makes every
decision of an archive again with it. A condition is true, false, or unknown; what is unknown is the set of the facts
that would settle it.
"""

# fmt: off
from __future__ import annotations

import datetime as dt
import json
import operator
from collections.abc import Callable, Sequence
from typing import Any

COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq, "ne": operator.ne, "lt": operator.lt, "lte": operator.le, "gt": operator.gt, "gte": operator.ge,
    "in": lambda one, many: one in many, "not_in": lambda one, many: one not in many,
    "contains": lambda many, one: one in many, "not_contains": lambda many, one: one not in many}

def _open(truth: object) -> bool:  # what is unknown is a set: of the facts that would settle it
    return isinstance(truth, frozenset)

def _gaps(truths: Sequence[Any]) -> frozenset[str]:
    return frozenset().union(*filter(_open, truths))

class Decision:
    """What follows from typed facts under a compiled policy. `names`: facts by name; of unknown ones, their gaps."""
    def __init__(self, ir: Any, facts: Any) -> None:
        self.ir, self.facts, self.day = ir, facts, dt.date.fromisoformat(facts["as_of"])
        self.unknown, self.duties = dict[str, Any](), dict[str, list[Any]]()  # rule → gaps; key → what makes it owed
        self.limits, self.fired, self.derived = list[Any](), list[str](), list[Any]()
    def _valid(self, thing: Any) -> bool:  # ISO dates sort as text
        start, end = thing["validity"]["start"] or "", thing["validity"]["end"] or "9999-12-31"
        return bool(start <= self.facts["as_of"] <= end)
    def _before(self, duration: Any) -> int:  # an ordinal; in a month that is too short, its last day
        if duration["unit"] == "days":
            return self.day.toordinal() - int(duration["amount"])
        month = self.day.year * 12 + self.day.month - duration["amount"] * {"months": 1, "years": 12}[duration["unit"]]
        first, following = (dt.date(m // 12, m % 12 + 1, 1).toordinal() for m in (month - 1, month))
        return min(first + self.day.day, following) - 1
    def judge(self, test: Any, names: Any) -> Any:
        """Whether a condition holds; if that is unknown, the facts that would settle it."""
        kind = test["is"]
        if kind == "Compare":
            values = [o["value"] if o["is"] == "Constant" else self._before(o["duration"]) if o["is"] == "AsOfMinus"
                      else names.get(o["name"], frozenset({o["name"]})) for o in (test["left"], *test["right"])]
            for value in values:
                if isinstance(value, frozenset):
                    return _gaps(values)
            return COMPARE[test["op"]](values[0], values[1:] if test["op"] in ("in", "not_in") else values[1])
        if kind == "Known":
            return _open(names.get(test["fact"]["name"], frozenset())) is not test["present"]
        if kind == "Count":
            fewest, most, gaps = self._matching(test["quantifier"])
            truths = {COMPARE[test["op"]](number, test["number"]) for number in range(fewest, most + 1)}
            return truths.pop() if len(truths) == 1 else gaps
        if kind == "Responded":
            by, measure = test["department"], test["measure"]
            given = [outcome for m, d, outcome in self.facts["responses"] if m == measure and by in (None, d)]
            return (test["outcome"] in given) is test["holds"] if given else frozenset({f"response:{measure}"})
        settles, unknown = {"All": False, "Any": True}[kind], list[Any]()
        for part in test["parts"]:
            truth = self.judge(part, names)
            if truth is settles:
                return settles
            unknown += [truth] if _open(truth) else []
        return _gaps(unknown) if unknown else not settles
    def _matching(self, quantifier: Any) -> tuple[int, int, frozenset[str]]:  # fewest, most, fields that leave it open
        found, gaps, window, where = list[Any](), list[Any](), quantifier["window"], quantifier["where"]
        for _, kind, date, own, excluded in self.facts["records"]:
            if kind == quantifier["record"] and not excluded:
                within: Any = frozenset({"date"}) if window is not None and date is None else True
                if window is not None and date is not None:
                    within = self._before(window["within"]) <= date <= self.day.toordinal()
                inner = where is None or self.judge(where, {**own, "subject.kind": self.facts["subject_kind"]})
                gaps += within, inner
                found.append(False if False in (within, inner) else not (_open(within) or _open(inner)) or None)
        fields = frozenset(f"record:{quantifier['record']}.{name}" for name in _gaps(gaps))
        return found.count(True), len(found) - found.count(False), fields
    def _derive(self, rule: Any, names: Any) -> Any:
        if rule["count"] is not None:
            fewest, most, gaps = self._matching(rule["count"])
            return fewest if fewest == most else gaps
        rows = rule["choices"] or [{"when": rule["truth"], "value": True}]
        truths = [self.judge(row["when"], names) for row in rows]
        for truth, row in zip(truths, rows, strict=True):
            if truth is not False:
                return row["value"] if truth is True else _gaps(truths)
        return frozenset() if rule["choices"] else False
    def memorandum(self, document: Any) -> None:
        """What follows from one memorandum."""
        names = {**self.facts["values"], "subject.kind": self.facts["subject_kind"]}
        for rule in document["derivations"]:
            names[rule["fact"]["name"]] = value = self._derive(rule, names)
            self.derived.extend(() if _open(value) else ([document["id"], rule["fact"]["name"], value],))
        for rule in filter(self._valid, document["rules"]):
            truth = self.judge(rule["when"], names)
            if _open(truth):
                self.unknown[rule["id"]] = truth
            elif truth:
                self.fired.append(rule["id"])
                for then in rule["then"]:
                    (self._limit if then["is"] == "Limit" else self._oblige)(document["id"], rule["id"], then, names)
    def _oblige(self, memorandum: str, rule: str, then: Any, _: Any) -> None:
        measure, roles = self.ir["measures"][then["measure"]], then["target"]["roles"]
        related = sorted((person for person in self.facts["relations"] if person[1] in roles), key=lambda p: p[:2])
        people = related if roles else [[self.facts["subject"], "subject", self.facts["subject_kind"]]]
        for person, role, kind in people:
            for department in then["by"] if self._valid(measure) and kind in (measure["subjects"] or [kind]) else ():
                made = (then, rule, memorandum, department, person, role)
                self.duties.setdefault(f"{then['measure']}@{department}/{person}", []).append(made)
    def _limit(self, _: str, rule: str, limit: Any, names: Any) -> None:
        table = self.ir["tables"][limit["table"]]
        formula, hit, truths = table["limit"], table["hit"], [self.judge(row["when"], names) for row in table["rows"]]
        rows = [row["then"] for truth, row in zip(truths, table["rows"], strict=True) if truth is True]
        first = next((truth for truth in truths if truth is not False), False)
        settled = not any(map(_open, truths)) or {"first": first is True, "unique": rows, "any": rows}.get(hit)
        plus = formula["plus"] if formula else ()
        missing = _gaps([] if settled else truths) | {p["of"] for p in plus if _open(names.get(p["of"], frozenset()))}
        if formula and rows and settled and not missing:
            choose: Any = {"min": min, "max": max, "sum": sum}.get(hit, next)
            base = choose(row[formula["amount"]] for row in rows)
            parts = [(part["of"], part["basis_points"] * names[part["of"]]) for part in plus]
            yuan = (base * 10_000 + sum(part for _, part in parts)) // 1_000_000
            self.limits.append({
                "rule": rule, "table": limit["table"], "departments": limit["by"],
                "amount": min(max(100 * yuan, formula["floor"]), formula["cap"]),
                "parts": [[formula["amount"], base], *([name, part // 10_000] for name, part in parts)]})
        elif formula and (rows or not settled):
            self.unknown[rule] = missing
    def document(self) -> Any:
        """The whole decision, where integers are text."""
        for _, document in sorted(self.ir["memoranda"].items()):
            if document["list"] == self.facts["list"] and self._valid(document):
                self.memorandum(document)
        due = {key for key, made in self.duties.items() for then, *_ in made if then["advice"] is None}
        keys: dict[Any, set[str]] = {}  # (memorandum, measure) → keys
        sides: dict[Any, dict[bool, list[str]]] = {}  # (matter, person) → favours and burdens
        owed: dict[bool, list[Any]] = {True: [], False: []}
        for key in due:
            for then, _, memorandum, *_ in self.duties[key]:
                keys.setdefault((memorandum, then["measure"]), set()).add(key)
        for key, made in sorted(self.duties.items()):
            then, _, _, department, person, _ = next((m for m in made if m[0]["advice"] is None), made[0])
            after = {k for m in made for earlier in m[0]["after"] for k in keys.get((m[2], earlier), ())}
            owed[key in due].append({
                "key": key, "measure": then["measure"], "department": department, "target": person,
                "target_role": made[0][5], "rules": [*dict.fromkeys(m[1] for m in made)], "duty": then["duty"],
                "basis": [*dict.fromkeys((b["law"], b["article"]) for m in made for b in m[0]["basis"])],
                "after": sorted(after - {key}), "advice": then["advice"]})
            told = self.ir["measures"][then["measure"]]["directive"]
            if key in due and told is not None and then["duty"] != "transmit" and told["effect"] != "publicise":
                favour = told["effect"] in ("expedite", "tolerate-missing", "prioritise")
                sides.setdefault((told["matter"], person), {}).setdefault(favour, []).append(key)
        shapes = {"records": ("id", "kind", "date", "fields", "excluded"), "relations": ("id", "role", "kind"),
                  "responses": ("measure", "department", "outcome")}
        rows = {n: [dict(zip(shape, row, strict=True)) for row in self.facts[n]] for n, shape in shapes.items()}
        facts = {name: value for name, value in {**self.facts, **rows}.items() if name != "salt" or value}
        numbers = {"derived": sorted(self.derived, key=lambda row: row[:2]), "limits": self.limits, "facts": facts}
        return json.loads(json.dumps(numbers), parse_int=str) | {
            "policy": self.ir["version"], "fired": sorted(self.fired), "obligations": owed[True], "advice": owed[False],
            "unknown": [{"rule": rule, "missing": sorted(gaps)} for rule, gaps in sorted(self.unknown.items())],
            "contradictions": [{"matter": matter, "target": target, "keys": sorted(keys[True] + keys[False])}
                               for (matter, target), keys in sorted(sides.items()) if len(keys) > 1]}
