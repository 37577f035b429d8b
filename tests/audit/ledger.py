"""A ledger with one of everything that an archive holds, and its archive as members and as a file."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine

from adapters.audit import verify
from adapters.audit.archive import export
from adapters.office import Related
from adapters.signing import DerivedSigner
from engine.casework.model import Evidence
from engine.proof.checkpoint import countersigning
from engine.proof.merkle import Edge, Hashing, consistency_ranges, inclusion_ranges, prove
from engine.proof.signed import canonical, signed
from tests.adapters.support import (
    AUDITOR,
    FINANCE,
    HR,
    MARKET,
    TAX,
    Desk,
    arrears,
    enterprise,
    open_desk,
    person,
    principal,
)
from tests.adapters.test_process import INHOUSE, Filing, in_force, step

PROOF = (Evidence("a" * 64, "截图"),)
CUSTODIAN = principal("government-office", "custodian", officer="周")
POLICY, LOG = DerivedSigner(b"policy"), DerivedSigner(b"log")
STRANGER = DerivedSigner(b"somebody else")
WITNESS = Ed25519PrivateKey.from_private_bytes(b"w" * 32)
WITNESS_KEY = WITNESS.public_key().public_bytes_raw().hex()
Members = dict[str, bytes]


def opened(engine: Engine, files: Mapping[str, str] = INHOUSE) -> Desk:
    """An office whose keys are known."""
    desk = open_desk(engine, files, POLICY)
    desk.office.proofs._signer = LOG
    return desk


def worked(desk: Desk, rounds: int = 1) -> None:
    """Filings, due process, answers, records, a correction, an erasure, new rules and their withdrawal; checkpoints."""
    proofs = desk.office.proofs
    proofs.register_witness("audit-office", WITNESS_KEY, "赵")
    for number in range(rounds):
        boss, subject = person(), enterprise()
        penalties = [
            {"record": "penalty", "id": f"{subject.code} {n}", "subject": vars_of(subject), "date": day,
             "fields": {"document_number": "罚1号", "amount": "1.5 元"}}
            for n, day in enumerate(("2026-01-05", "2025-03-01", None))
        ]  # fmt: skip
        desk.office.put_records(MARKET, [{k: v for k, v in p.items() if v is not None} for p in penalties])
        related = (Related("legal-representative", boss),)
        case = desk.file(replace(arrears(subject, amount_owed="80 万元"), related=related)).case.id
        desk.do(HR, desk.find(case, "publish"), "accept")
        desk.do(HR, desk.find(case, "publish"), "respond", outcome="implemented", evidence=PROOF)
        ban = desk.find(case, "no-procurement")
        desk.do(FINANCE, ban, "accept")
        desk.do(FINANCE, ban, "respond", outcome="not-applicable", reason="无此业务")
        seal(desk)
        other, _ = in_force(desk)
        step(desk, other, "object", points=("数额有误", "已付清"))
        step(desk, other, "answer-objection", objection="o1", outcome="rejected", reason="数额属实")
        step(desk, other, "correct", facts={"amount": "2 万元"}, reason="录入多一个零")
        desk.office.file_case(TAX, Filing("a-grade", enterprise(), {"income": "12 万元"}))
        desk.office.file_case(TAX, Filing("a-grade", enterprise(), {}))
        seal(desk)
        gone = desk.file(arrears(person()))
        desk.office.end_case(HR, gone.case.id, "withdrawal", "撤回")
        desk.office.erase(CUSTODIAN, gone.case.subject, "consent-withdrawn", "申请1号")
        path = "memoranda/broken-promise.yaml"
        desk.publish({**INHOUSE, path: INHOUSE[path].replace("10 万元", f"{11 + number} 万元")}, migration="keep")
        list(desk.office.migrate_cases(replace(POLICY_STAFF, officer="王"), reason="新政策", dry_run=False))
        desk.office.roll_policy_back(POLICY_STAFF, "有误")
        desk.file(arrears(enterprise()))
        seal(desk)


POLICY_STAFF = principal("government-office", "policy", officer="李")


def vars_of(party: Any) -> dict[str, str]:
    """A party as records name it."""
    return {"kind": party.kind, "code": party.code, "name": party.name}


def seal(desk: Desk) -> None:
    """A checkpoint with a countersignature."""
    desk.clock.turn(minutes=2)
    for made in desk.office.proofs.seal():
        statement = countersigning(made.signed.statement, "audit-office", "2026-11-24T03:00:00.000000Z")
        desk.office.proofs.countersign(signed(statement, WITNESS_KEY, lambda m: WITNESS.sign(m).hex()).document())
    desk.clock.turn(minutes=2)


def exported(desk: Desk, path: Path, **options: Any) -> Path:
    """The archive of an office as a file."""
    export(desk.office.context, AUDITOR, path, **options)
    return path


def members(path: Path) -> Members:
    """What is in an archive."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def known(*words: str) -> Any:
    """What an auditor knows from elsewhere: the keys, and the witness's."""
    keys = ["--key", LOG.public_key, "--signing-key", POLICY.public_key, "--witness", f"audit-office={WITNESS_KEY}"]
    return verify.options(["archive.zip", *keys, *words])


def audited(given: Mapping[str, bytes], knowledge: Any = None) -> verify.Audit:
    """What the verifier finds in members."""
    return verify.Audit([*given], lambda name: io.BytesIO(given[name]), knowledge or known()).run()


def found(given: Mapping[str, bytes], knowledge: Any = None) -> list[str]:
    """Its findings, as it prints them."""
    return [f"{member}:{line} {message}" for member, line, message in audited(given, knowledge).findings]


# Forging


def lines(given: Members, name: str) -> list[Any]:
    """The JSON lines of a member."""
    return [json.loads(line) for line in given[name].splitlines()]


def with_lines(given: Members, name: str, values: list[Any]) -> Members:
    """The same members with other lines in one of them."""
    return given | {name: b"".join(canonical(value) + b"\n" for value in values)}


def listed(given: Members) -> Members:
    """The same members with a manifest that fits them."""
    manifest = json.loads(given["manifest.json"])
    manifest["members"] = {
        name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in given.items()
        if name != "manifest.json"
    }
    return given | {"manifest.json": canonical(manifest)}


def packed(given: Members, path: Path, signer: DerivedSigner = LOG) -> Path:
    """A file of members, sealed as if by the log."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in given.items():
            archive.writestr(name, content)
        archive.comment = b"xinheng-archive/1 " + b"0" * 128
    content = path.read_bytes()[:-146]
    text = canonical({"type": "xinheng-archive/1", "sha256": hashlib.sha256(content).hexdigest()})
    path.write_bytes(content + b"xinheng-archive/1 " + signer.sign(text).encode())
    return path


def relogged(given: Members, change: Callable[[list[Any]], None], signer: DerivedSigner) -> Members:
    """Other events, with every hash, checkpoint, proof and the manifest made again; signed by a signer."""
    events = lines(given, "events.jsonl")
    change(events)
    heads: dict[str, tuple[int, str]] = {}
    for event in events:
        event["version"], event["prev"] = heads.get(event["case"], (0, "0" * 64))
        event["version"] += 1
        heads[event["case"]] = event["version"], hashlib.sha256(canonical(event)).hexdigest()
    made = with_lines(given, "events.jsonl", events)
    hashing = Hashing(json.loads(given["manifest.json"])["hash"])
    leaves = [hashing.leaf(hashlib.sha256(canonical(event)).digest()) for event in events]
    _, nodes = Edge().grown(leaves, hashing)
    parts = {(level, index): hash_ for level, index, hash_ in nodes} | {(0, n): leaf for n, leaf in enumerate(leaves)}

    def path(ranges: list[tuple[int, int]]) -> list[str]:
        return [hash_.hex() for hash_ in prove(ranges, lambda places: {p: parts[p] for p in places}, hashing)]

    checkpoints, previous = lines(given, "checkpoints.jsonl"), None
    for checkpoint in checkpoints:
        statement = checkpoint["statement"]
        size = min(statement["size"], len(events))
        root = Edge().grown(leaves[:size], hashing)[0].root(hashing).hex()
        statement |= {"size": size, "root": root, "previous": previous, **counted(events[:size])}
        previous = {"size": size, "root": root}
        checkpoint |= {"key": signer.public_key, "signature": signer.sign(canonical(statement))}
        checkpoint["countersignatures"] = []
    made = with_lines(made, "checkpoints.jsonl", checkpoints)
    size = len(events)
    sizes = [checkpoint["statement"]["size"] for checkpoint in checkpoints]
    consistency = [{"first": n, "second": size, "path": path(consistency_ranges(n, size))} for n in sizes]
    inclusion = [
        {"hash": hashing.name, "number": n, "size": size, "path": path(inclusion_ranges(n, size))}
        for n in sorted({size * k // 8 for k in range(8)} | {size - 1})
    ]
    made = with_lines(with_lines(made, "proofs/consistency.jsonl", consistency), "proofs/inclusion.jsonl", inclusion)
    manifest = json.loads(given["manifest.json"]) | (previous or {})
    return listed(made | {"manifest.json": canonical(manifest)})


def counted(events: list[Any]) -> dict[str, Any]:
    """The counts of a checkpoint."""
    counts: dict[str, dict[str, int]] = {}
    listings: dict[str, int] = {}
    for event in events:
        kinds = counts.setdefault(event["actor"]["department"], {})
        kinds[event["type"]] = kinds.get(event["type"], 0) + 1
        if event["type"] == "case-filed":
            listings[event["payload"]["list"]] = listings.get(event["payload"]["list"], 0) + 1
    return {"counts": counts, "lists": listings}
