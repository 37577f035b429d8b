"""Of which steps a party gets receipts."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from adapters.ledger import read
from adapters.office.portal_receipts import steps
from tests.adapters.support import HR, Desk, open_desk
from tests.adapters.test_process import CHIEF, INHOUSE, PROOF, file, step


@pytest.fixture
def desk(engine: Engine) -> Desk:
    """An office on a policy with a list whose whole procedure is done here."""
    return open_desk(engine, INHOUSE)


def test_what_one_party_is_told_or_says_is_no_step_of_the_other(desk: Desk) -> None:
    """Each has its own notice and statement; the decision is about both."""
    case, _ = file(desk)
    subject, boss = (p.id for p in desk.office.process(HR, case).parties)
    step(desk, case, "notify", party=subject, method="直接送达", reason="失约", evidence=PROOF)
    step(desk, case, "statement", party=subject, points=("事出有因",))
    with read(desk.engine) as conn:
        first = [[s.title for s in steps(conn, case, party)] for party in (subject, boss)]
    step(desk, case, "notify", party=boss, method="邮寄", reason="失约", evidence=PROOF)
    step(desk, case, "answer-statement", party=subject, statement="s1", answers=("采纳",))
    desk.clock.turn(days=10)
    step(desk, case, "decide", CHIEF, outcome="list", number="决1号", reason="属实")
    with read(desk.engine) as conn:
        then = [[s.title for s in steps(conn, case, party)] for party in (subject, boss)]

    assert first == [["申报列入名单", "告知", "陈述申辩"], ["申报列入名单"]]
    assert then == [["申报列入名单", "告知", "陈述申辩", "答复陈述申辩", "决定"], ["申报列入名单", "告知", "决定"]]
