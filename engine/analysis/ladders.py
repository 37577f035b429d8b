"""Ladders that lead somewhere: each rung later than the one before, the last a report, and one ladder for the rest.

Bad: the second rung comes before the first, and nobody outside the department ever hears of the delay::

    rungs:
      - {act: remind, title: 提醒经办人, after: 3 working days}
      - {act: chief, title: 提醒部门负责人, after: 2 working days}

Good: later and later, up to a report::

    rungs:
      - {act: remind, title: 提醒经办人, after: 1 working day}
      - {act: report, title: 报县政府通报, after: 10 working days, to: [county-government]}
"""

from __future__ import annotations

from engine.language.bundle import Bundle
from engine.language.ir import Ladder, Policy

LAST = "report"


def check(policy: Policy, bundle: Bundle) -> None:
    """Report rungs out of order or without an end, and lists for which no ladder is the default."""
    for ladder in policy.ladders.values():
        _check_rungs(ladder, bundle)
    _check_default(policy, bundle)


def _check_rungs(ladder: Ladder, bundle: Bundle) -> None:
    report = bundle.reporter.report
    document = bundle.documents["ladder"][ladder.id]
    for index, rung in enumerate(ladder.rungs):
        span = document.span("rungs", index, "after")
        if rung.after.unit != "working days":
            report("XH173", span, f"逾期按工作日计，写成了 {rung.after}", expected="如 3 working days")
    for index, (one, other) in enumerate(zip(ladder.rungs, ladder.rungs[1:], strict=False), start=1):
        if one.after.unit == other.after.unit and other.after.amount <= one.after.amount:
            span = document.span("rungs", index, "after")
            message = f"“{other.title}”在逾期 {other.after.words}，不晚于前一级“{one.title}”的 {one.after.words}"
            report("XH174", span, message, expected=f"晚于 {one.after}")
    if ladder.rungs and ladder.rungs[-1].act != LAST:
        span = document.span("rungs", len(ladder.rungs) - 1, "act")
        report("XH175", span, f"最后一级是 {ladder.rungs[-1].act}，督办没有终点", expected=LAST)


def _check_default(policy: Policy, bundle: Bundle) -> None:
    """A bundle without ladders has no escalation; one with ladders has it everywhere."""
    report = bundle.reporter.report
    defaults = [ladder for ladder in policy.ladders.values() if ladder.default]
    for ladder in defaults[1:]:
        span = bundle.documents["ladder"][ladder.id].span("default")
        report("XH176", span, f"阶梯 {defaults[0].id} 已经是缺省", notes=(f"写在 {defaults[0].span}",))
    if defaults or not policy.ladders:
        return
    for identifier in sorted({memorandum.list for memorandum in policy.memoranda.values()}):
        listed = policy.lists[identifier]
        if listed.procedure.ladder is None:
            message = f"名单 {identifier} 没有写阶梯，也没有一个阶梯是缺省"
            report("XH177", listed.span, message, expected="default: true", suggestion=min(policy.ladders))
