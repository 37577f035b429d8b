"""A hundred versions come into force under load: no request sees a mixture, and nothing wrong is ever active."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest

from adapters.ledger.policies import PolicyStore
from adapters.office import (
    CheckRequest,
    ConflictError,
    Filing,
    InvalidError,
    Office,
    PolicyProposal,
    Principal,
)
from adapters.policy_checks import Examination, Examiner, PolicyChanges, PolicyCheck, counts_of
from engine.casework.model import Actor
from engine.compiler import Workspace
from engine.language.ir import Policy
from tests.adapters.bundle import FILES
from tests.adapters.databases import BACKENDS, Databases, shared_folder
from tests.adapters.support import (
    AUDITOR,
    FINANCE,
    HR,
    SECRET,
    TAX,
    ReferenceEvaluator,
    arrears,
    enterprise,
    principal,
)

SWAPS = 100
WORKSPACE = Workspace()
STAFF = [principal("government-office", "policy", officer=name) for name in ("甲", "乙", "丙")]
MARKED = {
    "rules/lists/arrears.yaml": "拖欠工资名单", "rules/measures/publish.yaml": "title: 公示",
    "rules/measures/no-procurement.yaml": "限制政府采购", "rules/matters/procurement.yaml": "方案",
}  # fmt: skip
"""What a title begins with in each file; a version's number goes behind it."""


def numbered(number: int) -> dict[str, str]:
    """A version that shows its number wherever a request may look."""
    text = {path: FILES[path].replace(mark, f"{mark}{number}") for path, mark in MARKED.items()}
    path = "rules/matters/procurement.yaml"
    return {**FILES, **text, path: text[path].replace("title: 申请书", f"title: 申请书{number}")}


@cache
def compiled(number: int) -> Policy:
    """That version, compiled once for all tests."""
    policy = WORKSPACE.compile(numbered(number)).policy
    assert policy is not None
    return policy


@cache
def numbers() -> Mapping[str, int]:
    """Every version's number."""
    return {compiled(n).version: n for n in range(-1, SWAPS + 1)}


def compile_known(files: Mapping[str, str]) -> Policy:
    """What a stored bundle compiles to."""
    return compiled(int(files["rules/lists/arrears.yaml"].partition(MARKED["rules/lists/arrears.yaml"])[2].split()[0]))


class Known(Examiner):
    """Passes the versions of this test, which were compiled before; looks at everything else as it does otherwise."""

    def examine(self, files: Mapping[str, str], base: Any, day: dt.date, progress: Any = None) -> Examination:
        """See `Examiner.examine`."""
        known = next((compiled(n) for n in numbers().values() if compiled(n).sources == files), None)
        if known is None:
            return super().examine(files, base, day, progress)
        checks = (PolicyCheck("compile", "编译", "passed"),)
        return Examination(known.version, tuple(known.sources), counts_of(known), checks, PolicyChanges())


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """The run's databases."""
    found = Databases(shared_folder(tmp_path_factory))
    yield found
    found.close()


@pytest.fixture(params=BACKENDS)
def office(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Office]:
    """An office with version 0 in force."""
    numbers()  # compiled before there are threads
    with databases.fresh(request.param) as engine:
        opened = Office(
            engine, evaluator=ReferenceEvaluator(), clock=lambda: dt.datetime.now(dt.UTC), secret=SECRET,
            policies=PolicyStore(engine, compiler=compile_known),
            examiner=Known(apart=False, wanted=frozenset()),
        )  # fmt: skip
        opened.bootstrap_policy(numbered(0), proposed_by=Actor("a", "甲"), approved_by=Actor("a", "乙"))
        yield opened


def put_in_force(office: Office, number: int, proposer: Principal, approver: Principal) -> None:
    """A version by two persons."""
    version = office.propose_policy(proposer, PolicyProposal(numbered(number), f"第 {number} 版")).version
    office.approve_policy(approver, version)


@dataclass
class Load:
    """Requests one after the other, each held against what was in force from its beginning to its end."""

    office: Office
    at: int = 0  # the newest version that is certainly in force
    to: int = 0  # the newest that may be
    seen: set[int] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    requests: int = 0
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self, kind: str) -> None:
        """Ask until told to stop."""
        party = enterprise()
        self.office.file_case(TAX, Filing("a-grade", party, {"income": "50 万元"}))
        while not self.stop.is_set():
            low = self.at
            try:
                told = self.filed() if kind == "file" else self.checked(party.code)
            except Exception as error:  # noqa: BLE001 - a failed request is a finding
                self.wrong.append(f"{kind}: {error!r}")
                return
            self.requests += 1
            time.sleep(0.002)  # so that the one who swaps gets a turn
            self.seen |= told
            if len(told) != 1 or not low <= min(told) <= self.to:
                self.wrong.append(f"{kind}: {sorted(told)} between {low} and {self.to}")

    def filed(self) -> set[int]:
        """The numbers that the answer to a filing shows, and the decision that was logged for it."""
        done = self.office.file_case(HR, arrears(enterprise()))
        titles = [done.case.list_title, *(o.title for o in done.obligations)]
        decision = self.office.decision(HR, done.case.id)
        assert decision.reproduced
        return {*map(number_in, titles), numbers()[done.case.policy], numbers()[decision.decision.policy]}

    def checked(self, code: str) -> set[int]:
        """The numbers that a counter check shows."""
        asked = CheckRequest("procurement", "x", code=code)
        return {number_in(d.title) for d in self.office.check(FINANCE, asked).documents}


def number_in(title: str) -> int:
    """The number behind a title."""
    return int(title.lstrip("".join({*"拖欠工资名单公示限制政府采购方案申请书"})))


def broken(number: int) -> dict[str, str]:
    """The next version with a file cut off, one that is no YAML, or measures that wait for each other."""
    files = numbered(number)
    path = "memoranda/arrears.yaml"
    match number // 10 % 3:
        case 0:
            return {**files, path: files[path][: len(files[path]) // 2]}
        case 1:
            return {**files, path: files[path].replace("rules:", "rules: [")}
        case _:
            return {**files, path: files[path].replace("by: [human-resources]}", "by: [tax], after: [no-procurement]}")}


def two_editors(office: Office, number: int) -> None:
    """Two persons put versions in force that were both made from the one in force now. One of them does."""
    outcomes: list[str] = []
    barrier = threading.Barrier(2)

    def edit(version: int, who: Principal) -> None:
        view = office.propose_policy(who, PolicyProposal(numbered(version), "同时"))
        barrier.wait()
        try:
            office.approve_policy(STAFF[2], view.version)
            outcomes.append("approved")
        except ConflictError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=edit, args=a) for a in ((number, STAFF[0]), (-1, STAFF[1]))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["approved", "policy-moved"]


def test_a_hundred_swaps_under_load(office: Office) -> None:
    """Filing and counter checks go on all the time; in between somebody proposes what is broken."""
    load = Load(office)
    threads = [threading.Thread(target=load.run, args=(kind,)) for kind in ("file", "check")]
    for thread in threads:
        thread.start()
    try:
        for number in range(1, SWAPS + 1):
            if number % 10 == 0:
                with pytest.raises(InvalidError):
                    office.propose_policy(STAFF[0], PolicyProposal(broken(number), "坏的"))
            load.to = number
            put_in_force(office, number, STAFF[number % 3], STAFF[(number + 1) % 3])
            load.at = number
    finally:
        load.stop.set()
        for thread in threads:
            thread.join()

    assert load.wrong == []
    assert load.requests > SWAPS / 4
    assert len(load.seen) > SWAPS / 10
    assert numbers()[office.current_policy().version] == SWAPS
    assert office.verify_policies(AUDITOR).findings == ()


def test_of_two_editors_at_once_one_wins_and_going_back_takes_a_moment(office: Office) -> None:
    """Under load too; and the next request goes by what is in force again."""
    load = Load(office, at=-1, to=2)
    thread = threading.Thread(target=load.run, args=("file",))
    thread.start()
    try:
        two_editors(office, 1)
        put_in_force(office, 2, STAFF[0], STAFF[1])
        begun = time.monotonic()
        office.roll_policy_back(STAFF[2], "误")
        filed = office.file_case(HR, arrears(enterprise()))
        took = time.monotonic() - begun
    finally:
        load.stop.set()
        thread.join()

    assert load.wrong == []
    assert numbers()[filed.case.policy] in {-1, 1}
    assert took <= 1
