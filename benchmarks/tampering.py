"""Random tampers with a real ledger's archive, all of which the stand-alone verifier has to find.

`python -m benchmarks.tampering [N]` makes N of them (100,000 by default) on two processes. Members are changed and the
manifest is made to fit; the file, where one is made, is sealed again with the log's own key. So what finds them is the
check of what is inside, not the seal; a share is done to the sealed file.
"""

from __future__ import annotations

import io
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from typing import Any

from adapters.audit import verify
from tests.adapters.databases import Databases
from tests.audit.ledger import (
    LOG,
    STRANGER,
    Members,
    audited,
    exported,
    known,
    listed,
    members,
    opened,
    packed,
    worked,
)

TAMPERS = 100_000
CHUNK = 250
CHANGED = 0.98  # of tampers with members: checked as members; the others are packed and sealed again
KINDS = ("flip", "drop", "swap", "insert", "truncate", "re-sign", "roll back", "raw bytes")


@dataclass(frozen=True)
class Real:
    """A real ledger: its archive as members and as bytes, those of its earlier checkpoints."""

    whole: Members
    file: bytes
    earlier: tuple[Members, ...]
    knowledge: Any  # what the auditor has from elsewhere, the line in print among it
    foreign: tuple[bytes, ...]  # lines of another log


def real(folder: Path, rounds: int = 2) -> Real:
    """Make a ledger, and another one."""
    databases = Databases(folder)
    with databases.fresh("sqlite") as engine, databases.fresh("sqlite") as other:
        desk, stranger = opened(engine), opened(other)
        worked(desk, rounds)
        worked(stranger)
        whole = exported(desk, folder / "whole.zip")
        found = members(whole)
        sizes = [json.loads(line)["statement"]["size"] for line in found["checkpoints.jsonl"].splitlines()]
        earlier = tuple(members(exported(desk, folder / f"{size}.zip", until=size)) for size in sizes[:-1])
        foreign = members(exported(stranger, folder / "other.zip"))
        published = desk.office.proofs.checkpoint(sizes[-1]).sealed.checkpoint
        line = f"信衡存证 2026-11-24 日志 {published.origin} 共 {sizes[-1]} 条 {published.hash} {published.head.root}"
        elsewhere = tuple(line for name, text in foreign.items() if name.endswith(".jsonl") for line in split(text))
        return Real(found, whole.read_bytes(), earlier, known("--published", line), elsewhere)


def split(content: bytes) -> list[bytes]:
    """Its lines, with their ends."""
    return content.splitlines(keepends=True)


def tampered(ledger: Real, kind: str, chance: random.Random) -> Members | bytes:
    """The archive with one tamper; bytes if it is one with the file."""
    whole = ledger.whole
    match kind:
        case "raw bytes":
            return _raw(ledger.file, chance)
        case "roll back":
            return chance.choice(ledger.earlier)
        case "flip":
            name = chance.choice([n for n in whole if whole[n]])
            content = bytearray(whole[name])
            bits = chance.choice((1 << chance.randrange(8), chance.randrange(1, 256)))
            content[chance.randrange(len(content))] ^= bits
            changed = whole | {name: bytes(content)}
            return changed if name == "manifest.json" else listed(changed)
        case "truncate":
            name = chance.choice([n for n in whole if whole[n] and n != "manifest.json"])
            return listed(whole | {name: whole[name][: chance.randrange(len(whole[name]))]})
        case "re-sign":
            return listed(_resigned(whole, chance))
    name = chance.choice([n for n in whole if n.endswith(".jsonl") and len(split(whole[n])) > 1])
    lines = split(whole[name])
    one, two = chance.sample(range(len(lines)), 2)
    if kind == "drop":
        del lines[one]
    elif kind == "swap":
        lines[one], lines[two] = lines[two], lines[one]
    else:
        inside = [line for n in whole if n.endswith(".jsonl") for line in split(whole[n])]
        lines.insert(two, chance.choice((lines[one], chance.choice(inside), chance.choice(ledger.foreign))))
    return listed(whole | {name: b"".join(lines)})


def _raw(file: bytes, chance: random.Random) -> bytes:
    place, content = chance.randrange(len(file)), bytearray(file)
    match chance.randrange(4):
        case 0:
            content[place] ^= chance.randrange(1, 256)
        case 1:
            del content[place : place + chance.randrange(1, 100)]
        case 2:
            content[place:place] = chance.randbytes(chance.randrange(1, 100))
        case _:
            del content[place:]
    return bytes(content)


def _resigned(whole: Members, chance: random.Random) -> Members:
    """One signed statement under another key, as its holder could have signed it."""
    name = chance.choice(("checkpoints.jsonl", "activations.jsonl"))
    lines = split(whole[name])
    place = chance.randrange(len(lines))
    entry = json.loads(lines[place])
    signed = entry
    if name == "checkpoints.jsonl" and entry["countersignatures"] and chance.random() < 1 / 3:
        signed = entry["countersignatures"][0]
    if "signer" in signed["statement"] and chance.random() < 1 / 2:
        signed["statement"]["signer"] = STRANGER.public_key
    signed |= {"key": STRANGER.public_key, "signature": STRANGER.sign(verify.canon(signed["statement"]))}
    lines[place] = verify.canon(entry) + b"\n"
    return whole | {name: b"".join(lines)}


def missed(ledger: Real, kind: str, chance: random.Random, folder: Path) -> str | None:
    """None if the verifier finds a tamper; else what was done."""
    before = made = tampered(ledger, kind, chance)
    knowledge = ledger.knowledge
    if isinstance(made, dict) and chance.random() < CHANGED:
        return None if audited(made, knowledge).findings else different(ledger, made)
    if isinstance(made, dict):
        made = packed(made, folder / f"{chance.random()}.zip", chance.choice((LOG, STRANGER))).read_bytes()
    return None if verify.verify(io.BytesIO(made), knowledge).findings else different(ledger, before)


def different(ledger: Real, made: Members | bytes) -> str:
    """Where a tampered archive first differs, and how: the ids of a ledger are random, so no seed brings it back."""
    pairs = {"file": (ledger.file, made)} if isinstance(made, bytes) else {n: (ledger.whole[n], made[n]) for n in made}
    told = []
    for name, (one, two) in pairs.items():
        if one != two:
            place = next((n for n, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))
            told.append(f"{name} at {place}: {one[place - 20 : place + 20]!r} → {two[place - 20 : place + 20]!r}")
    return "; ".join(told)


def chunk(ledger: Real, numbers: range) -> list[tuple[str, str | None]]:
    """Tampers by their numbers: kind, and what was done if it was missed."""
    results = []
    with tempfile.TemporaryDirectory() as name:
        for number in numbers:
            chance = random.Random(f"tamper {number}")
            kind = KINDS[number % len(KINDS)]
            results.append((kind, missed(ledger, kind, chance, Path(name))))
    return results


def run(
    ledger: Real, wanted: int, spread: Callable[..., Iterable[Any]] = map
) -> tuple[Counter[str], list[tuple[str, str]]]:
    """How many of each kind were tried, and those that were missed: kind, and what was done."""
    assert audited(ledger.whole, ledger.knowledge).findings == []
    chunks = [range(start, min(start + CHUNK, wanted)) for start in range(0, wanted, CHUNK)]
    tried, unseen, started = Counter[str](), list[tuple[str, str]](), time.monotonic()
    for results in spread(partial(chunk, ledger), chunks):
        tried.update(kind for kind, _ in results)
        unseen += [(kind, what) for kind, what in results if what is not None]
        rate = tried.total() / (time.monotonic() - started)
        told = f"\r{tried.total():,} of {wanted:,}, {rate:,.0f} a second, {len(unseen)} missed "
        print(told, end="", file=sys.stderr)
    print(file=sys.stderr)
    return tried, unseen


def main(wanted: int) -> int:
    """Tamper, and tell what was found; 1 if anything was missed."""
    with tempfile.TemporaryDirectory() as folder, Pool(2) as pool:
        ledger = real(Path(folder))
        events = ledger.whole["events.jsonl"].count(b"\n")
        decisions = ledger.whole["decisions.jsonl"].count(b"\n")
        print(f"{events} events, {decisions} decisions, {len(ledger.file):,} bytes")
        tried, unseen = run(ledger, wanted, pool.imap_unordered)
    for kind in KINDS:
        found = tried[kind] - sum(other == kind for other, _ in unseen)
        print(f"{kind:10} tried {tried[kind]:7,}  found {found:7,}")
    for kind, what in unseen[:20]:
        print(f"missed: {kind}, {what}")
    return int(bool(unseen))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else TAMPERS))
