"""What each report says of itself: from what to what, and under which assumptions."""

from __future__ import annotations

from dataclasses import dataclass

from adapters.office.impact_model import Impact, LimitImpact

FEN_PER_YUAN = 100


@dataclass(frozen=True, slots=True)
class Labels:
    """The two policies in words, as `adapters.policy_sources` names them."""

    before: str
    after: str


def assumptions(found: Impact) -> tuple[str, ...]:
    """Under which the figures hold."""
    when = f"{found.day}" if found.day != found.today else f"今天（{found.day}）"
    return (
        f"在办案件按 {found.today} 的事实、记录和办理情况，自{when}起改依新政策，由迁移案件的程序算出，没有写入。",
        "备忘录没有写明“在办案件随新政策”（existing_cases: migrate）的名单，新政策施行时案件不动，只有迁移才会如此。",
        "每日待办：待接收、待落实、承接后须重新落实和待解除的事项；假定各部门都在期限的最后一天办理，已经逾期的当天办完。",
        "等待前一事项的，前一事项办完当天开始；等待送达等没有期限的事的，不计入。名单期满、新的列入和答复引起的新事项不计入。",
        "尚未生效的案件还没有事项；作出决定时按届时的政策办理。对今后的申报有何不同，见 xinheng diff。",
    )


def yuan(fen: int) -> str:
    """A sum of money."""
    whole, rest = divmod(abs(fen), FEN_PER_YUAN)
    return f"{'-' if fen < 0 else ''}{whole:,}{f'.{rest:02}' if rest else ''} 元"


def limit_words(limit: LimitImpact) -> list[tuple[str, int, str]]:
    """What happens to the limits of a table, in how many cases, and by how much in all."""
    return [
        (word, number, yuan(total))
        for word, number, total in (
            ("新给额度", limit.granted, limit.granted_sum), ("取消额度", limit.withdrawn, limit.withdrawn_sum),
            ("提高", limit.raised, limit.raised_by), ("降低", limit.lowered, limit.lowered_by),
        )
        if number
    ]  # fmt: skip
