"""Replaying a county's decisions from the embedded store: a ledger is built and every decision made again.

`python -m benchmarks.replay [DECISIONS] [--keep FOLDER]`: a million by default, in a few minutes; `python -m
benchmarks` takes `SMALL`. What the county is made of is said in `county.py`. With `--keep` the ledger is left in a
folder, and used again if it is there.

The decisions are real ones, decided by the reference interpreter and sealed each under the key of its subject; their
rows are what `put_decision` writes, put in by the thousand. There are no cases beside them: what is measured is
reading, opening, deciding, writing canonically, and comparing bytes and digests.
"""

from __future__ import annotations

import gc
import hashlib
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from adapters.ledger import read, write
from adapters.ledger.decisions import count_decisions, sealed_decision
from adapters.ledger.serial import facts_to_json, limits_to_json
from adapters.ledger.tables import decisions
from adapters.ledger.vault import vault_of
from adapters.policy_files import read_bundle
from api.assembly import open_office
from api.replaying import replay_all
from api.settings import Settings
from benchmarks.county import listings
from benchmarks.decision import default_policy
from benchmarks.measure import Comparison
from engine.casework.model import Actor
from engine.decision.reference import Interpreter
from engine.language.ir import Policy

MILLION = 1_000_000
SMALL = 60_000
TARGET = 20_000
"""Decisions a second on two cores."""
JOBS = 2
CHUNK = 5_000
AT_ONCE = 50_000
"""Rows in one transaction while building: digests fall anywhere in the index, so few large ones write least."""

_POLICY: list[Interpreter] = []


def compare() -> list[Comparison]:
    """One row, on a small ledger."""
    with tempfile.TemporaryDirectory() as name:
        settings = settings_in(Path(name))
        build(settings, SMALL)
        return [measured(settings, SMALL)]


def settings_in(folder: Path) -> Settings:
    """A ledger in a folder."""
    return Settings(database_url=f"sqlite:///{folder / 'county.db'}")


def measured(settings: Settings, size: int) -> Comparison:
    """Replay everything; a difference is an error. The rate is that of the time in which both processes work."""
    seen: list[tuple[float, int]] = []
    tally = replay_all(
        settings, jobs=JOBS, casework=False, progress=lambda done, _: seen.append((time.perf_counter(), done))
    )
    if not tally.clean or tally.decisions != size:
        message = f"{len(tally.different)} of {tally.decisions} decisions differ"
        raise RuntimeError(message)
    (began, before), (ended, after) = seen[0], seen[-1]
    return Comparison(
        f"replaying {size:,} decisions from SQLite, {JOBS} processes, no difference",
        f"{TARGET:,} decisions a second",
        (ended - began) / (after - before), 1 / TARGET, "≥ its rate", 1.0,
    )  # fmt: skip


def build(settings: Settings, size: int) -> None:
    """Fill a fresh ledger with decisions."""
    with open_office(settings, serving=False) as office:
        files = {name: str(text, "utf-8") for name, text in read_bundle().items()}
        office.bootstrap_policy(files, proposed_by=Actor("a", "甲"), approved_by=Actor("a", "乙"))
        engine = office.context.engine
        version = office.current_policy().version
        with multiprocessing.get_context("spawn").Pool(JOBS, _start) as workers:
            chunks = workers.imap(_decided, range(-(-size // CHUNK)))
            while rows := list(islice(_flat(chunks, size), AT_ONCE)):
                with write(engine) as conn:
                    conn.exec_driver_sql("PRAGMA cache_size = -400000")
                    vault_of(conn).hold(conn, [row[0] for row in rows])
                    conn.execute(insert(decisions), [_row(conn, version, *row) for row in rows])
                size -= len(rows)


def _flat(chunks: Iterator[list[Any]], size: int) -> Iterator[Any]:
    for chunk in chunks:
        yield from chunk[:size]
        size -= len(chunk)
        if size <= 0 or len(chunk) < CHUNK:
            return


def _row(
    conn: Any, version: str, subject: str, day: str, at: str, digest: str, document: bytes, facts: str, limits: str
) -> dict[str, Any]:
    return {
        "digest": digest, "case_id": f"c{digest[:31]}", "policy_version": version, "as_of": day,
        "listing_key": digest[32:], "subject_id": subject,
        "content": sealed_decision(conn, subject, digest, document, facts, limits), "made_at": at,
    }  # fmt: skip


def _start() -> None:
    gc.set_threshold(CHUNK)
    _POLICY.append(Interpreter(default_policy()))


def _decided(seed: int) -> list[tuple[str, str, str, str, bytes, str, str]]:
    """The decisions of one chunk: subject, day, instant, digest, document, facts, limits."""
    (interpreter,) = _POLICY
    policy: Policy = interpreter.policy
    found = []
    for facts in islice(listings(policy, seed), CHUNK):
        decision = interpreter.decide(facts)
        document = decision.canonical()
        digest = hashlib.sha256(document).hexdigest()
        limits = limits_to_json(decision.limits)
        found.append(
            (facts.subject, facts.as_of.isoformat(), facts.known_at, digest, document, facts_to_json(facts), limits)
        )
    return found


def main() -> None:
    """Build and measure as asked."""
    words = [word for word in sys.argv[1:] if word != "--keep"]
    keep = "--keep" in sys.argv
    size = int(words[0]) if words and words[0].isdecimal() else MILLION
    with tempfile.TemporaryDirectory() as name:
        folder = Path(words[-1]) if keep else Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        settings = settings_in(folder)
        if not (folder / "county.db").exists():
            began = time.perf_counter()
            build(settings, size)
            print(f"built {size:,} decisions in {time.perf_counter() - began:.0f} s")
        with open_office(settings, serving=False) as office, read(office.context.engine) as conn:
            size = count_decisions(conn)
        began = time.perf_counter()
        row = measured(settings, size)
        whole = time.perf_counter() - began
        print(f"{row.what}: {1 / row.ours:,.0f} a second; {whole:.1f} s in all, {size / whole:,.0f} a second")


if __name__ == "__main__":
    main()
