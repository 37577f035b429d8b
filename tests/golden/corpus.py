"""Reading, writing and replaying a golden ledger."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import lzma
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

from adapters.ledger.serial import facts_from_json, from_payload, process_to_plain, to_payload
from adapters.ledger.upcasting import upcast
from engine.casework import fold
from engine.casework.events import ObligationsAdded
from engine.casework.model import Actor, Case
from engine.casework.replaying import by_code
from engine.decision.model import Facts
from engine.decision.reference import Interpreter
from engine.language.ir import Policy
from engine.language.ir_json import from_json

HERE = Path(__file__).parent
SIGNED = ("decision", "becomes", "who", "when", "why")
Json = dict[str, Any]


@dataclass(frozen=True)
class Corpus:
    """One ledger."""

    policy: Policy
    events: tuple[Json, ...]
    decisions: tuple[Json, ...]
    cases: Json


def folders() -> list[str]:
    """The names of all corpora."""
    return sorted(path.name for path in HERE.iterdir() if (path / "ir.json.xz").exists())


def read(name: str) -> Corpus:
    """A corpus by the name of its folder."""
    folder = HERE / name
    return Corpus(
        from_json(_text(folder / "ir.json.xz"), {}),
        tuple(map(json.loads, _text(folder / "events.jsonl.xz").splitlines())),
        tuple(map(json.loads, _text(folder / "decisions.jsonl.xz").splitlines())),
        json.loads(_text(folder / "cases.json.xz")),
    )


def write(folder: Path, ir: str, events: Iterable[Json], decisions: Iterable[Json]) -> None:
    """Write a corpus."""
    folder.mkdir(parents=True, exist_ok=True)
    every = list(events)
    _put(folder / "ir.json.xz", ir)
    _put(folder / "events.jsonl.xz", "".join(f"{canonical(e)}\n" for e in every))
    _put(folder / "decisions.jsonl.xz", "".join(f"{canonical(d)}\n" for d in decisions))
    _put(folder / "cases.json.xz", canonical(folded(every)))


def canonical(value: object) -> str:
    """Canonical JSON text."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _text(path: Path) -> str:
    return lzma.decompress(path.read_bytes()).decode()


def _put(path: Path, text: str) -> None:
    path.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))


def folded(events: Iterable[Json]) -> Json:
    """What the events make of each case, as plain JSON."""
    found = {}
    for case, stream in groupby(sorted(events, key=lambda e: (e["case"], e["version"])), key=lambda e: e["case"]):
        happened = [
            from_payload(
                e["type"], upcast(e["type"], e["payload"]), dt.date.fromisoformat(e["on"]),
                Actor(e["department"], e["officer"]),
            )
            for e in stream
        ]  # fmt: skip
        found[case] = _plain(fold(happened))
    return found


def _plain(case: Case) -> Json:
    kept = ("subject", "list", "policy", "state", "version", "total", "unclosed", "ground")
    everything = ObligationsAdded(
        case.last_on or dt.date.min, Actor("", ""), None, tuple(case.obligations.values()), case.edges
    )
    _, owed = to_payload(everything)
    return {
        **{name: getattr(case, name) for name in kept},
        "ended_on": str(case.ended_on),
        "process": process_to_plain(case),
        "obligations": owed["obligations"],
        "edges": sorted(owed["edges"]),
    }


def unreadable(corpus: Corpus) -> list[str]:
    """Events that are not read back as what they are."""
    wrong = []
    for e in corpus.events:
        today = upcast(e["type"], e["payload"])
        event = from_payload(e["type"], today, dt.date.fromisoformat(e["on"]), Actor(e["department"], e["officer"]))
        if (e["type"], json.loads(canonical(today))) != (
            to_payload(event)[0],
            json.loads(canonical(to_payload(event)[1])),
        ):
            wrong.append(f"{e['case']} {e['version']} {e['type']}")
    return wrong


def refolded(corpus: Corpus) -> list[str]:
    """Cases of which the events make something else than they did."""
    now = json.loads(canonical(folded(corpus.events)))
    return [
        f"{case}: {name}"
        for case in sorted({*now, *corpus.cases})
        for name in sorted({*now.get(case, {}), *corpus.cases.get(case, {})})
        if now.get(case, {}).get(name) != corpus.cases.get(case, {}).get(name)
    ]


def signed(text: str) -> dict[str, Json]:
    """The changes that somebody answers for, by digest of the logged decision.

    Raises:
        ValueError: an entry is not complete.

    """
    entries = yaml.safe_load(text) or []
    for entry in entries:
        if sorted(entry) != sorted(SIGNED) or not all(str(entry[name]).strip() for name in SIGNED):
            message = f"an entry needs exactly {', '.join(SIGNED)}: {entry}"
            raise ValueError(message)
    return {entry["decision"]: entry for entry in entries}


def differing(
    corpora: Iterable[Corpus],
    accepted: Mapping[str, Json],
    decide: Callable[[Interpreter, Facts], bytes] = lambda interpreter, facts: interpreter.decide(facts).canonical(),
) -> list[str]:
    """What is decided otherwise than it was and nobody signed for, and signatures that do not apply."""
    wrong: list[str] = []
    left = dict(accepted)
    for corpus in corpora:
        interpreter = Interpreter(corpus.policy)
        for logged in corpus.decisions:
            document = decide(interpreter, facts_from_json(logged["facts"]))
            digest = hashlib.sha256(document).hexdigest()
            entry = left.pop(logged["digest"], None)
            if digest == logged["digest"] and entry is None:
                continue
            if entry is not None and digest == entry["becomes"] != logged["digest"]:
                continue
            if digest == logged["digest"]:
                wrong.append(f"{digest}: signed as changed, and is not")
                continue
            wrong.append(f"{logged['digest']} becomes {digest}:")
            difference = by_code(json.loads(logged["document"]), json.loads(document))
            wrong += [f"  {c.what} {c.about}: {c.before} -> {c.after}" for c in difference.changes]
    return wrong + [f"{digest}: signed, and there is no such decision" for digest in left]
