"""What changes in meaning from one policy to another: who owes what for whom, proved where that can be decided.

Both policies are put over one situation. Where a department's obligation holds under one and not under the other the
solver gives a subject, which both reference interpreters confirm; where it finds none the two are proved equal.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any as Anything

import z3

from engine.decision.model import Facts
from engine.language.ir import Limit, ListDef, Policy, Type
from engine.workbench import attributes
from engine.workbench.attributes import OPPOSITE, Change, Sense
from engine.workbench.exchanging import Entry, Group, exchanges
from engine.workbench.limits import amount_of
from engine.workbench.normal import same
from engine.workbench.sentences import situation_words
from engine.workbench.symbolic import EFFORT, World
from engine.workbench.views import Due, ListView, memoranda_of
from engine.workbench.vocabulary import vocabulary
from engine.workbench.witness import KIND_TITLES, ROLE_TITLES
from engine.workbench.wording import money_words

Progress = Callable[[int, int, str], None]
VERDICTS = {
    "equivalent": "等价：含义没有变化", "stricter": "更严", "milder": "更宽",
    "incomparable": "不可比：有严有宽，或变的是别的", "unknown": "未能判定",
}  # fmt: skip
TEXTS = frozenset({Type.TEXT, Type.ENUM})


@dataclass(frozen=True, slots=True)
class Difference:
    """All changes from one policy to another, and the questions that could not be decided."""

    changes: tuple[Change, ...]
    undecided: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """`equivalent`, `stricter`, `milder` or `incomparable` for the subjects; `unknown` if nothing is proved."""
        senses = {change.sense for change in self.changes}
        if "neutral" in senses or {"stricter", "milder"} <= senses or senses == {"even"}:
            return "incomparable"
        senses.discard("even")
        if self.undecided:
            return "unknown"
        return next(iter(senses), "equivalent")


def diff(
    before: Policy,
    after: Policy,
    day: dt.date,
    *,
    lists: Collection[str] | None = None,
    effort: int = EFFORT,
    progress: Progress | None = None,
) -> Difference:
    """The differences; witnesses are looked for on `day` first.

    lists: only what concerns these lists; what belongs to no list is left out then, but for measures that they use.
    """
    changes: list[Change] = [c for c in attributes.of_policies(before, after) if _concerns(c, lists, before, after)]
    undecided: list[str] = []
    ids = [i for i in sorted({*before.lists, *after.lists}) if lists is None or i in lists]
    records_differ = not same(before.records, after.records)
    for number, list_id in enumerate(ids):
        title = (after.lists.get(list_id) or before.lists[list_id]).title
        if progress is not None:
            progress(number, len(ids), title)
        if list_id in before.lists and list_id in after.lists:
            if records_differ or not same(*(_read_for(policy, list_id) for policy in (before, after))):
                comparison = _Comparison(before, after, list_id, day, effort)
                changes += comparison.changes()
                undecided += [f"{title}：{question}" for question in dict.fromkeys(comparison.undecided)]
        else:
            changes += _whole(before, after, list_id, day, effort)
    if progress is not None:
        progress(len(ids), len(ids), "")
    return Difference(tuple(changes), tuple(undecided))


def summarise(before: Policy, after: Policy, day: dt.date) -> list[str]:
    """The changes as lines for a changelog, the verdict first."""
    found = diff(before, after, day)
    return [VERDICTS[found.verdict], *(change.message for change in found.changes), *found.undecided]


def _concerns(change: Change, lists: Collection[str] | None, *policies: Policy) -> bool:
    if lists is None or change.list in lists:
        return True
    return (
        bool(change.measure) and not change.list and any(change.measure in _used(p, i) for p in policies for i in lists)
    )


def _used(policy: Policy, list_id: str) -> set[str]:
    """The measures that the memoranda for a list speak of."""
    consequences = [c for m in memoranda_of(policy, list_id) for rule in m.rules for c in rule.then]
    return {c.measure for c in consequences if not isinstance(c, Limit)}


def _read_for(policy: Policy, list_id: str) -> list[Anything]:
    """Everything that decisions about a list rest on, but for the kinds of records."""
    memoranda = memoranda_of(policy, list_id)
    tables = {c.table for m in memoranda for rule in m.rules for c in rule.then if isinstance(c, Limit)}
    measures = [policy.measures[m] for m in sorted(_used(policy, list_id))]
    return [policy.lists[list_id], memoranda, measures, [policy.tables[t] for t in sorted(tables)]]


def _whole(before: Policy, after: Policy, list_id: str, day: dt.date, effort: int) -> Iterator[Change]:
    """A list that only one of the policies has: itself, and everything that its memoranda owe and suggest."""
    gained = list_id in after.lists
    policy = after if gained else before
    listed = policy.lists[list_id]
    verb = "新增" if gained else "取消"
    heavier: Sense = "milder" if listed.kind == "incentive" else "stricter"
    yield Change("list", heavier if gained else OPPOSITE[heavier], list_id, f"{verb}名单“{listed.title}”",
                 kinds=listed.subjects)  # fmt: skip
    view = ListView(policy, list_id, [day], effort=effort)
    for dues in _grouped(view.dues):
        answer, facts = view.witness(z3.Or([d.owed for d in dues]))
        if answer.status != "no":
            yield _change(policy, listed, dues, gained=gained, kinds=listed.subjects, witness=facts)
    for (table, _), (departments, rules) in _suggesting(view, view).items():
        present, _ = _suggested(view, rules[0], table)
        answer, facts = view.witness(present)
        if answer.status != "no":
            message = f"{verb}：{_names(policy, departments)}的“{policy.tables[table].title}”建议额度"
            yield Change("limit", "milder" if gained else "stricter", list_id, message, departments=departments,
                         witness=facts, rules=rules[0])  # fmt: skip


_Asked = tuple[str, Facts | None, tuple[str, ...]]
"""The solver's answer, a case, and the kinds of subject that there are cases of."""


class _Comparison:
    """One list under both policies."""

    def __init__(self, before: Policy, after: Policy, list_id: str, day: dt.date, effort: int) -> None:
        self.undecided: list[str] = []
        words = vocabulary([(before, memoranda_of(before, list_id)), (after, memoranda_of(after, list_id))])
        self.world = World([day], effort)
        self.old = ListView(before, list_id, [day], world=self.world, words=words)
        self.new = ListView(after, list_id, [day], world=self.world, words=words)
        self.may = (self._fileable(self.old), self._fileable(self.new))
        self._answers: dict[tuple[int, int], tuple[_Asked, tuple[Anything, Anything]]] = {}  # formulas keep their ids

    def _fileable(self, view: ListView) -> Anything:
        """What a filing needs: a kind that the list takes, and its required facts."""
        situation, listed = view.situation, view.list
        kinds = z3.Or([situation.kind == self.world.text(kind) for kind in listed.subjects])
        required = [situation.base[name].present for name, fact in listed.facts.items() if fact.required]
        return z3.And(kinds, self.world.covers(listed.validity), *required)

    def changes(self) -> Iterator[Change]:
        """What is owed, advised or suggested under one policy only."""
        retyped = [
            name
            for name, fact in self.old.list.facts.items()
            if (other := self.new.list.facts.get(name)) and other.type is not fact.type
            and not {other.type, fact.type} <= TEXTS
        ]  # fmt: skip
        if retyped:
            self.undecided.append(f"名单 {self.old.list.id} 的事实 {'、'.join(retyped)} 改了类型，前后无从比较")
            return
        old, new = self.old.by_key(), self.new.by_key()
        found: dict[Group, list[Entry]] = defaultdict(list)
        for key in sorted({*old, *new}):
            for gained in (True, False):
                for advised in (False, True):
                    has, lacks = (new, old) if gained else (old, new)
                    difference = self._one(has.get(key, []), lacks.get(key, []), gained=gained, advised=advised)
                    if difference is not None:
                        entry, kinds = difference
                        rules, others = (
                            tuple(sorted({d.firing.rule.id for d in side.get(key, [])})) for side in (has, lacks)
                        )
                        half = not advised and key in (self.old if gained else self.new).keys(entry.facts)
                        measure, _, role = key
                        found[Group(measure, role, gained, advised, half, rules, kinds, others)].append(entry)
        instead = exchanges(self.world, found)
        for group, entries in found.items():
            view, rest = (self.new, self.old) if group.gained else (self.old, self.new)
            dues = [entry.due for entry in entries]
            yield _change(
                view.policy, view.list, dues, gained=group.gained, kinds=group.kinds, witness=entries[0].facts,
                situations=_situations(view, group.rules), instead=instead.get(group, ""), half=group.half,
                others=_situations(rest, group.others),
            )  # fmt: skip
        yield from self._limits()

    def _one(
        self, has: Sequence[Due], lacks: Sequence[Due], *, gained: bool, advised: bool
    ) -> tuple[Entry, tuple[str, ...]] | None:
        """A due that one policy has where the other lacks it, the kinds of subject it concerns, and one of them.

        advised: compare what is owed or advised instead of what is owed, so that advice that hardens is told once.
        """
        mine = [d for d in has if advised or d.oblige.advice is None]
        theirs = [d for d in lacks if advised or d.oblige.advice is None]
        if not mine or (advised and all(d.oblige.advice is None for d in mine)):
            return None
        view, other = (self.new, self.old) if gained else (self.old, self.new)
        may, may_other = self.may if not gained else self.may[::-1]
        holds = z3.And(may, z3.Or([d.owed for d in mine]))
        theirs_hold = z3.And(may_other, z3.Or([d.owed for d in theirs])) if theirs else z3.BoolVal(False)
        if holds.eq(theirs_hold):
            return None  # nobody touched what it rests on, so there is nothing to ask
        fails = z3.Not(theirs_hold)
        status, facts, kinds = self._ask(view, holds, fails)
        due = mine[0]
        who = view.policy.departments[due.department].title
        if status == "unknown":
            self.undecided.append(f"{who}的“{due.measure.title}”前后是否相同")
        if facts is None:
            return None
        if not self._says(view, due, facts, advised=advised) or self._says(other, due, facts, advised=advised):
            self.undecided.append(f"{who}的“{due.measure.title}”：见证与参考解释器不一致")
            return None
        return Entry(due, facts, z3.And(holds, fails)), kinds

    def _ask(self, view: ListView, holds: Anything, fails: Anything) -> _Asked:
        """Whether both can be, for whom, and the kinds of subject concerned; departments of one rule ask the same."""
        asked = holds.get_id(), fails.get_id()
        if asked not in self._answers:
            answer, facts = view.witness(holds, fails)
            kinds = (
                ()
                if facts is None
                else tuple(
                    kind
                    for kind in view.list.subjects
                    if self.world.find(holds, fails, view.situation.kind == self.world.text(kind)).status != "no"
                )
            )
            self._answers[asked] = (answer.status, facts, kinds), (holds, fails)
        return self._answers[asked][0]

    def _says(self, view: ListView, due: Due, facts: Facts, *, advised: bool) -> bool:
        """Whether the reference interpreter of a policy says that a due holds for a case that may be filed under it."""
        keys = view.keys(facts)
        return _fileable(view, facts) and due.key in keys and (advised or keys[due.key] is None)

    def _limits(self) -> Iterator[Change]:
        """Suggested limits that differ for the same subject."""
        for (table, _), (departments, rules) in _suggesting(self.old, self.new).items():
            (has_old, was), (has_new, now) = (
                _suggested(view, names, table, may)
                for view, names, may in zip((self.old, self.new), rules, self.may, strict=True)
            )
            if has_old.eq(has_new) and was.eq(now):
                continue
            cases: tuple[tuple[Sense, str, Anything], ...] = (
                ("milder", "提高", z3.And(has_new, z3.Or(z3.Not(has_old), now > was))),
                ("stricter", "降低", z3.And(has_old, z3.Or(z3.Not(has_new), now < was))),
            )
            view = self.new if table in self.new.policy.tables else self.old
            title = f"{_names(view.policy, departments)}的“{view.policy.tables[table].title}”建议额度"
            for sense, word, formula in cases:
                answer, facts = self.new.witness(formula)
                if answer.status == "unknown":
                    self.undecided.append(f"{title}是否{word}")
                if facts is None:
                    continue
                old, new = (self._amount(v, facts, table, departments[0]) for v in (self.old, self.new))
                if ((new or 0) > (old or 0)) is not (sense == "milder"):
                    self.undecided.append(f"{title}：见证与参考解释器不一致")
                    continue
                message = f"{title}有{word}的：由{_yuan(old)}变为{_yuan(new)}"
                names = rules[1] or rules[0]
                yield Change("limit", sense, self.old.list.id, message, departments=departments, witness=facts,
                             rules=names)  # fmt: skip

    def _amount(self, view: ListView, facts: Facts, table: str, department: str) -> int | None:
        """What the reference interpreter suggests, if the case can be filed at all."""
        if not _fileable(view, facts):
            return None
        limits = view.interpreter.decide(facts).limits
        return max((x.amount for x in limits if x.table == table and department in x.departments), default=None)


def _fileable(view: ListView, facts: Facts) -> bool:
    listed = view.list
    required = {name for name, fact in listed.facts.items() if fact.required}
    return (
        facts.subject_kind in listed.subjects
        and required <= facts.values.keys()
        and listed.validity.covers(facts.as_of)
    )


Suggesting = dict[tuple[str, tuple[tuple[str, ...], ...]], tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]]
"""(Table, the rules by which departments are suggested its limit under each policy) → (departments, the rules)."""


def _suggesting(*views: ListView) -> Suggesting:
    """Departments that are suggested the limits of one table by the same rules, together."""
    by: list[defaultdict[tuple[str, str], list[str]]] = []
    for view in views:
        rules: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for name, firing in view.firings.items():
            for limit in firing.rule.then:
                if isinstance(limit, Limit):
                    for department in limit.by:
                        rules[limit.table, department].append(name)
        by.append(rules)
    found: Suggesting = {}
    for table, department in sorted({key for rules in by for key in rules}):
        named = tuple(tuple(rules.get((table, department), ())) for rules in by)
        departments, _ = found.get((table, named), ((), ()))
        found[table, named] = ((*departments, department), named)
    return found


def _suggested(view: ListView, rules: Iterable[str], table: str, may: Anything = True) -> tuple[Anything, Anything]:
    """Whether one of `rules` suggests a limit of `table`, and the highest that they do."""
    present, highest = z3.BoolVal(False), z3.IntVal(-1)
    for name in rules:
        firing = view.firings[name]
        for limit in firing.rule.then:
            if isinstance(limit, Limit) and limit.table == table:
                cell = amount_of(view, firing.memorandum, limit)
                holds = z3.And(firing.fires, cell.present)
                highest = z3.If(z3.And(holds, cell.value > highest), cell.value, highest)
                present = z3.Or(present, holds)
    return z3.And(may, present), highest


def _yuan(amount: int | None) -> str:
    return "没有额度" if amount is None else f" {money_words(amount)}"


def _names(policy: Policy, departments: Iterable[str]) -> str:
    return "、".join(policy.departments[d].title for d in departments)


def _grouped(dues: Iterable[Due]) -> list[list[Due]]:
    """Dues of one measure and role from the same rules, whichever department owes them."""
    groups: defaultdict[tuple[str, str, str], list[Due]] = defaultdict(list)
    for due in dues:
        groups[due.measure.id, due.role, due.firing.rule.id].append(due)
    return list(groups.values())


def _situations(view: ListView, rules: Iterable[str]) -> str:
    """The situations of rules in words."""
    firings = [view.firings[rule] for rule in rules]
    return "；或".join(situation_words(f.rule, f.memorandum, view.policy) for f in firings)


def _change(
    policy: Policy, listed: ListDef, dues: Sequence[Due], *, gained: bool, kinds: Sequence[str], witness: Facts | None,
    situations: str = "", others: str = "", instead: str = "", half: bool = False,
) -> Change:  # fmt: skip
    due = dues[0]
    sanction = due.measure.kind == "sanction"
    sense: Sense = "stricter" if gained is sanction else "milder"
    if instead:
        sense = "even" if instead == "even" else OPPOSITE[sense]
    departments = tuple(dict.fromkeys(d.department for d in dues))
    names = _names(policy, departments)
    memorandum = due.firing.memorandum
    situations = situations or situation_words(due.firing.rule, memorandum, policy)
    who = "、".join(KIND_TITLES.get(kind, kind) for kind in kinds)
    advised = due.oblige.advice is not None
    verb = ("受建议" if advised else "应当") if gained else "不再"
    if half:
        verb = "由受建议改为应当" if gained else "由应当改为受建议"
    about = "" if due.role == "subject" else f"对{ROLE_TITLES.get(due.role, due.role)}"
    does = f"{names}{verb}{about}采取“{due.measure.title}”"
    told = {"even": "；与同等的另一措施互换", "heavier": "；与更重的另一措施互换", "": ""}[instead]
    word = "改变" if half else "新增" if gained else "取消"
    some = "，其中有的" if others and not half else ""
    told += f"；{'原' if gained else '现'}为：{others}" if others not in {"", situations} else ""
    message = f"{word}：{situations}{some}，{does}（涉及{who}{told}）"
    return Change(
        "obligation", sense, listed.id, message, due.measure.id, departments, due.role, tuple(kinds), witness,
        tuple(d.firing.rule.id for d in dues[:1]), advised,
    )  # fmt: skip
