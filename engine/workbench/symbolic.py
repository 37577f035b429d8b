"""The solver's world: a day, texts as numbers, and questions answered *yes* with a case, *no* with proof, or *unknown*.

What is proved holds for every day: the day is a variable, and "two years ago" one that is only known to lie in the
right stretch, which errs towards more subjects. What is found is fixed to a calendar day before it is believed, so that
a witness can be run through the reference interpreter.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any as Anything

import z3

from engine.language.dates import day_bounds, minus
from engine.language.ir import Duration, Validity

FIRST_DAY, LAST_DAY = dt.date(2000, 1, 1), dt.date(2099, 12, 31)
EFFORT = 4_000_000  # z3's own count of work for one question, some seconds; the same on every machine
TRIED_DAYS = 4
OTHER_TEXT = "示例"
CLOSE = 8  # days tried beyond the nearest one, since what is so many months ago is known to the day only when tried
SLACK = 2  # days by which the stretch of a duration is widened, for centuries without a leap day


@dataclass(frozen=True, slots=True)
class Kleene:
    """A truth value: formulas for *true* and for *false*; unknown where neither holds."""

    true: Anything
    false: Anything


@dataclass(frozen=True, slots=True)
class Cell:
    """A fact: whether it was supplied, and its value. A list's value is member → whether it is in."""

    present: Anything
    value: Anything


@dataclass(frozen=True, slots=True)
class Answer:
    """`yes`: `model` is a case, decided on `day`. `no`: proved that there is none, on any day. Else `unknown`."""

    status: str
    model: Anything = None
    day: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """A variable and the values that are wanted of it, the best first.

    towards: for numbers, the value that comes nearest to it is taken if none of these will do.
    downwards: first below it, then above.
    """

    term: Anything
    wanted: tuple[Anything, ...]
    towards: Anything = None
    downwards: bool = False


YES, NO = z3.BoolVal(True), z3.BoolVal(False)
ALWAYS, NEVER = Kleene(YES, NO), Kleene(NO, YES)


class World:
    """A solver with a day and the names of texts, shared by the situations that are compared in it.

    days: tried first for a witness, in order.
    effort: z3's resource limit for one question.
    """

    def __init__(self, days: Sequence[dt.date], effort: int = EFFORT) -> None:
        self.days = tuple(days)
        self.day = z3.Int("day")
        self.solver = z3.Solver()
        self.solver.set("random_seed", 1)
        self.solver.set("rlimit", effort)
        self.solver.add(self.day >= FIRST_DAY.toordinal(), self.day <= LAST_DAY.toordinal())
        self.plausible: list[Anything] = []
        self._together: tuple[int, Anything] = (0, YES)
        self.optional: list[Anything] = []  # what a case may have and need not: facts, records, people, answers
        self.wishes: list[Wish] = []  # what reads well in a case
        self.bounded = False  # some counts are looked at in part only, so that nothing found means nothing
        self._ago: dict[Duration, Anything] = {}
        self._texts: dict[str, int] = {}

    @contextmanager
    def trial(self) -> Iterator[None]:
        """What is added inside is forgotten outside."""
        kept = [(one, len(one)) for one in (self.plausible, self.optional, self.wishes)]
        ago, bounded, together = dict(self._ago), self.bounded, self._together
        self.solver.push()
        try:
            yield
        finally:
            self.solver.pop()
            self._ago, self.bounded, self._together = ago, bounded, together
            for one, length in kept:
                del one[length:]

    def text(self, value: str) -> int:
        """The number that stands for a text."""
        return self._texts.setdefault(value, len(self._texts))

    def text_of(self, number: int) -> str:
        """The text of a number, or one that no policy mentions."""
        names = list(self._texts)
        return names[number] if 0 <= number < len(names) else f"{OTHER_TEXT}{abs(number)}"

    def ago(self, duration: Duration) -> Anything:
        """The day that lies `duration` before the decision, an ordinal."""
        found = self._ago.get(duration)
        if found is None:
            low, high = day_bounds(duration)
            found = z3.Int(f"ago {duration}")
            self.solver.add(found >= self.day - high - SLACK, found <= self.day - low + SLACK)
            for other, before in self._ago.items():
                if day_bounds(other)[1] <= low:
                    self.solver.add(found <= before)
                elif high <= day_bounds(other)[0]:
                    self.solver.add(before <= found)
            self._ago[duration] = found
        return found

    def covers(self, *periods: Validity) -> Anything:
        """Whether the day lies in all periods."""
        parts = [self.day >= p.start.toordinal() for p in periods if p.start]
        parts += [self.day <= p.end.toordinal() for p in periods if p.end]
        return z3.And(parts) if parts else YES

    def find(self, *conditions: Anything) -> Answer:
        """A case in which all conditions hold, a proof that there is none, or neither."""
        tried: list[Anything] = []
        while len(tried) <= TRIED_DAYS:
            model = self._model(*conditions, *tried)
            if model is None:
                return Answer("no" if not tried and self._proved and not self.bounded else "unknown")
            day = dt.date.fromordinal(model.eval(self.day, model_completion=True).as_long())
            for exact in (*(self.days if not tried else ()), day):
                if (model := self._on(exact, conditions)) is not None:
                    return Answer("yes", model, exact)
            tried.append(self.day != day.toordinal())
        return Answer("unknown")

    def lean(self, answer: Answer, *conditions: Anything) -> Answer:
        """The case of an answer with as little in it as the conditions leave, and in plain values.

        It is always the same for the same conditions, whatever was asked before, but for questions without answer.
        """
        if answer.day is None:
            return answer
        day = self._nearest(answer.day, conditions)
        self.solver.push()
        self.solver.add(*conditions, *self._exactly(day))
        model = answer.model
        if (found := self._model(*self._plausible())) is not None:
            self.solver.add(*self._plausible())
            model = found
        elif (found := self._model()) is not None:
            model = found
        for part in self.optional:
            if z3.is_true(model.eval(part)) and (found := self._model(z3.Not(part))) is not None:
                model = found
            if not z3.is_true(model.eval(part)):
                self.solver.add(z3.Not(part))
        best = self._model(*(wish.term == wish.wanted[0] for wish in self.wishes))
        for wish in self.wishes if best is None else ():
            model = self._settle(wish, model)
        self.solver.pop()
        return Answer("yes", model if best is None else best, day)

    def _settle(self, wish: Wish, model: Anything) -> Anything:
        """A model with the best value that a variable can have; it is then fixed."""
        for value in wish.wanted:
            fits = wish.term == value
            found = model if z3.is_true(model.eval(fits, model_completion=True)) else self._model(fits)
            if found is not None:
                self.solver.add(fits)
                return found
        if wish.towards is None:
            return model
        distances = [wish.term - wish.towards, wish.towards - wish.term]
        for distance in reversed(distances) if wish.downwards else distances:
            found = self._model(distance >= 0)
            if found is not None:
                found, least = self._least(distance, found)
                self.solver.add(distance == least)
                return found
        return model

    def _least(self, distance: Anything, model: Anything, *conditions: Anything) -> tuple[Anything, int]:
        """The model with the least value of a term that need not be negative, and that value; it begins at `model`."""
        low, high = 0, model.eval(distance, model_completion=True).as_long()
        while low < high:
            middle = (low + high) // 2
            found = self._model(distance >= 0, distance <= middle, *conditions)
            if found is None:
                low = middle + 1
            else:
                model, high = found, found.eval(distance, model_completion=True).as_long()
        return model, high

    def _nearest(self, day: dt.date, conditions: Sequence[Anything]) -> dt.date:
        """The day nearest to the first that was to be tried, if that is not one of those; else `day`."""
        if day in self.days or not self.days:
            return day
        start = self.days[0].toordinal()
        for sign in (-1, 1):
            distance = sign * (self.day - start)
            model = self._model(*conditions, distance >= 0)
            if model is not None:
                _, least = self._least(distance, model, *conditions)
                for further in range(CLOSE):
                    nearest = dt.date.fromordinal(start + sign * (least + further))
                    if self._on(nearest, conditions) is not None:
                        return nearest
        return day

    def clash(self, conditions: Sequence[Anything], *given: Anything) -> tuple[int, ...]:
        """Places of conditions that together are impossible, none of them in vain; empty when that is not proved."""
        kept = list(range(len(conditions)))
        if self._model(*conditions, *given) is not None or not self._proved:
            return ()
        for place in range(len(conditions)):
            fewer = [k for k in kept if k != place]
            if self._model(*(conditions[k] for k in fewer), *given) is None and self._proved:
                kept = fewer
        return tuple(kept)

    def _on(self, day: dt.date, conditions: Sequence[Anything]) -> Anything:
        exact = self._exactly(day)
        model = self._model(*conditions, *exact, *self._plausible())
        return model if model is not None else self._model(*conditions, *exact)

    def _plausible(self) -> tuple[Anything]:
        """What is plausible as one condition, made once: z3 takes in one big condition faster than many small ones."""
        if self._together[0] != len(self.plausible):
            self._together = (len(self.plausible), z3.And(self.plausible))
        return (self._together[1],)

    def _exactly(self, day: dt.date) -> list[Anything]:
        exact = [self.day == day.toordinal()]
        return exact + [ago == minus(day, duration).toordinal() for duration, ago in self._ago.items()]

    def _model(self, *conditions: Anything) -> Anything:
        """A model, or None: then `_proved` tells whether there is none."""
        self.solver.push()
        self.solver.add(*conditions)
        result = self.solver.check()
        self._proved = result == z3.unsat
        model = self.solver.model() if result == z3.sat else None
        self.solver.pop()
        return model
