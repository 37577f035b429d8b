"""Forgeries by someone who has thought about it, each found, and found for what it is."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from adapters.audit import verify
from benchmarks import tampering
from engine.proof.signed import canonical
from tests.audit.ledger import (
    LOG,
    POLICY,
    STRANGER,
    WITNESS_KEY,
    Members,
    found,
    known,
    lines,
    listed,
    members,
    packed,
    relogged,
    with_lines,
)


def digest_of(document: Any) -> str:
    """A decision's digest."""
    return hashlib.sha256(canonical(document)).hexdigest()


def redecided(given: Members, change: Callable[[Any], None], signer: Any) -> Members:
    """One decision changed and named by its new digest in every event, all of the log made again."""
    decisions = lines(given, "decisions.jsonl")
    entry = next(d for d in decisions if "document" in d and len(d["document"]["obligations"]) > 1)
    old = entry["decision"]
    change(entry)
    entry["decision"] = digest_of(entry["document"])

    def rename(events: list[Any]) -> None:
        for event in events:
            if event["payload"].get("decision") == old:
                event["payload"]["decision"] = entry["decision"]

    return relogged(with_lines(given, "decisions.jsonl", decisions), rename, signer)


def flip_a_fact(entry: Any) -> None:
    """More was owed than was."""
    entry["facts"]["values"]["amount_owed"] += 1
    entry["document"]["facts"]["values"]["amount_owed"] = str(entry["facts"]["values"]["amount_owed"])


def drop_an_obligation(entry: Any) -> None:
    """Somebody is let off."""
    del entry["document"]["obligations"][-1]


def test_a_changed_fact_with_all_hashes_redone_fails_at_the_signature(archive: Members) -> None:
    """Without the log's key nobody can sign what would fit."""
    told = found(redecided(archive, flip_a_fact, STRANGER))

    assert any(line.startswith("checkpoints.jsonl") and "不承认的密钥" in line for line in told)


def test_a_missing_obligation_is_found_even_if_the_log_itself_signs(archive: Members) -> None:
    """The decision does not follow from its facts."""
    told = found(redecided(archive, drop_an_obligation, LOG))

    assert [line.partition("不符：")[2] for line in told if line.startswith("decisions.jsonl")] == ["obligations"]


def test_the_same_archive_made_again_by_the_log_passes(archive: Members) -> None:
    """What the two forgeries above fail for is the forgery, not its making."""
    assert found(relogged(archive, lambda _: None, LOG), verify.options(["x", "--key", LOG.public_key])) == []


def test_a_dropped_decision(archive: Members) -> None:
    """An event names it."""
    gone = lines(archive, "decisions.jsonl")
    told = found(listed(with_lines(archive, "decisions.jsonl", gone[:1] + gone[2:])))

    assert [f"decisions.jsonl:0 缺少 1 个决定：{gone[1]['decision']}"] == told


def test_answers_of_two_cases_exchanged(archive: Members) -> None:
    """With chains, tree and checkpoints redone and signed by whoever did it."""

    def exchange(events: list[Any]) -> None:
        moved = [e for e in events if e["type"] == "obligation-moved"]
        one = moved[0]
        two = next(e for e in moved if e["case"] != one["case"])
        one["payload"], two["payload"] = two["payload"], one["payload"]

    told = found(relogged(archive, exchange, STRANGER))

    assert any("checkpoints.jsonl" in line and "不承认的密钥" in line for line in told)


def test_events_exchanged_in_place(archive: Members) -> None:
    """Nothing else redone: the root of the next checkpoint is another one."""
    events = lines(archive, "events.jsonl")
    events[1], events[-1] = events[-1], events[1]
    told = found(listed(with_lines(archive, "events.jsonl", events)))

    assert any("root" in line for line in told if line.startswith("checkpoints.jsonl"))
    assert any("接不上前一个" in line for line in told if line.startswith("events.jsonl"))


def test_the_log_of_another(archive: Members) -> None:
    """Sound in itself, and not the log whose key one has."""
    told = found(archive, verify.options(["x", "--key", STRANGER.public_key]))

    assert told
    assert all("不承认的密钥" in line for line in told)


def test_an_activation_under_another_key(archive: Members) -> None:
    """Named by its signer, or not."""
    acts = lines(archive, "activations.jsonl")
    acts[0]["statement"]["signer"] = STRANGER.public_key
    acts[0] |= {"key": STRANGER.public_key, "signature": STRANGER.sign(canonical(acts[0]["statement"]))}
    forged = listed(with_lines(archive, "activations.jsonl", acts))
    told = found(forged)

    assert any("activations.jsonl:1 由不承认的密钥" in line for line in told)
    assert any("启用不符" in line for line in found(forged, known_without_policy_key()))


def test_an_activation_that_follows_another_than_it_says(archive: Members) -> None:
    """Signed by the right key all the same: whoever has it cannot take one out of the middle."""
    acts = lines(archive, "activations.jsonl")
    acts[0]["statement"]["previous"] = "0" * 64
    acts[0]["signature"] = POLICY.sign(canonical(acts[0]["statement"]))
    told = found(listed(with_lines(archive, "activations.jsonl", acts)))

    assert any("activations.jsonl:1 接不上前一条启用记录" in line for line in told)


def known_without_policy_key() -> Any:
    """An auditor who was not told who may sign policies."""
    return verify.options(["x", "--key", LOG.public_key])


def test_a_changed_rule_with_its_version_redone(archive: Members) -> None:
    """What was put in force is another version, and signed."""
    version = json.loads(archive["activations.jsonl"].splitlines()[0])["statement"]["version"]
    files = json.loads(archive[f"policies/{version}.json"])
    files["memoranda/arrears.yaml"] = files["memoranda/arrears.yaml"].replace("50 万元", "5 万元")
    listing = "".join(f"{hashlib.sha256(t.encode()).hexdigest()}  {path}\n" for path, t in sorted(files.items()))
    new = hashlib.sha256(listing.encode()).hexdigest()
    old = archive[f"policies/{version}.ir.json"]
    ir = canonical(json.loads(old) | {"version": new})
    rest = {name: content for name, content in archive.items() if version not in name}
    forged = rest | {f"policies/{new}.json": canonical(files), f"policies/{new}.ir.json": ir}
    digests = hashlib.sha256(old).hexdigest().encode(), hashlib.sha256(ir).hexdigest().encode()
    told = found(listed({n: c.replace(version.encode(), new.encode()).replace(*digests) for n, c in forged.items()}))
    in_place = found(listed(archive | {f"policies/{version}.json": canonical(files)}))

    assert any("activations.jsonl:1 与签名不符" in line for line in told)
    assert any("的文件与版本不符" in line for line in in_place)


def test_compiled_rules_that_are_not_the_signed_ones(archive: Members) -> None:
    """The files are as they were."""
    version = json.loads(archive["activations.jsonl"].splitlines()[0])["statement"]["version"]
    ir = json.loads(archive[f"policies/{version}.ir.json"])
    ir["memoranda"]["arrears"]["rules"].pop()
    told = found(listed(archive | {f"policies/{version}.ir.json": canonical(ir)}))

    assert any("编译结果不是所签的那一份" in line for line in told)


def test_a_decision_called_erased_that_is_not(archive: Members) -> None:
    """There has to be an event of that subject which names it."""
    decisions = lines(archive, "decisions.jsonl")
    decisions[0] = {"decision": decisions[0]["decision"], "erased": decisions[0]["facts"]["subject"]}
    told = found(listed(with_lines(archive, "decisions.jsonl", decisions)))

    assert told == ["decisions.jsonl:1 没有内容，也没有依法删除它的事件"]


def test_counts_that_are_not_those_of_the_events(archive: Members) -> None:
    """Though the log signs them."""
    checkpoints = lines(archive, "checkpoints.jsonl")
    statement = checkpoints[0]["statement"]
    department = next(iter(statement["counts"]))
    kind = next(iter(statement["counts"][department]))
    statement["counts"][department][kind] += 1
    checkpoints[0] |= {"signature": LOG.sign(canonical(statement)), "countersignatures": []}
    told = found(listed(with_lines(archive, "checkpoints.jsonl", checkpoints)))

    assert [line.partition("不符：")[2] for line in told] == ["counts"]


def test_an_opened_value_that_was_not_committed_to(archive: Members) -> None:
    """Another reason, a missing one, a salt in capitals."""
    opened = lines(archive, "opened.jsonl")
    changed = [{**opened[0], "value": "另一个理由"}, *opened[1:]]
    capital = next(o for o in opened if o["salt"] != o["salt"].upper())
    shouted = [o | {"salt": o["salt"].upper()} if o is capital else o for o in opened]

    assert any("与承诺不符" in line for line in found(listed(with_lines(archive, "opened.jsonl", changed))))
    assert found(listed(with_lines(archive, "opened.jsonl", opened[1:]))) == ["opened.jsonl:0 缺少没有依法删除的值"]
    assert found(listed(with_lines(archive, "opened.jsonl", shouted)))


def test_a_witness_whose_name_somebody_else_used(archive: Members) -> None:
    """And one who never countersigned."""
    checkpoints = lines(archive, "checkpoints.jsonl")
    (given,) = checkpoints[0]["countersignatures"]
    given |= {"key": STRANGER.public_key, "signature": STRANGER.sign(canonical(given["statement"]))}
    forged = listed(with_lines(archive, "checkpoints.jsonl", checkpoints))

    assert any("不承认的密钥" in line for line in found(forged))
    assert found(archive, known("--witness", f"court={WITNESS_KEY}")) == ["checkpoints.jsonl:0 没有 court 的副署"]


def test_a_rolled_back_file_is_found_by_what_was_printed(archive: Members) -> None:
    """Nothing in it can show that there was more; the line in the newspaper does, or a root known elsewhere."""
    origin = json.loads(archive["manifest.json"])["origin"]
    size = archive["events.jsonl"].count(b"\n")
    later = known("--published", f"信衡存证 2026-12-24 日志 {origin} 共 {size + 7} 条 sha256 {'ab' * 32}")
    other = known("--size", str(size), "--root", "ab" * 32)

    assert [f"events.jsonl:0 公布的有 {size + 7} 条，档案只有 {size} 条：退回了从前"] == found(archive, later)
    assert [f"events.jsonl:0 前 {size} 条的根与公布的不符"] == found(archive, other)


def test_the_seal_is_over_every_byte(file: Path, tmp_path: Path) -> None:
    """Another key's, and a file name changed in the container's own directory."""
    content = file.read_bytes()
    other = packed(members(file), tmp_path / "other.zip", STRANGER)
    place = content.rindex(b"README.txt")
    bent = tmp_path / "bent.zip"
    bent.write_bytes(content[:place] + b"r" + content[place + 1 :])
    for path in (other, bent):
        with path.open("rb") as opened:
            told = [message for _, _, message in verify.verify(opened, known()).findings]
        assert told[0] == "封签不符：文件被改动，或者不是日志所封"


def test_a_member_too_many_and_one_twice(archive: Members) -> None:
    """Two of one name show one thing to one program and another to the next."""
    twice = verify.Audit([*archive, "events.jsonl"], lambda name: io.BytesIO(archive[name]), known()).run()

    assert [line for line in found(listed(archive | {"more.txt": b""})) if "文件" in line] == [
        "manifest.json:0 缺少文件，或者有多余的文件",
        "manifest.json:0 所含文件与清单不符",
    ]
    assert twice.findings == [("manifest.json", 0, "所含文件与清单不符")]


def test_a_manifest_says_what_it_must_and_nothing_else(archive: Members) -> None:
    """Each of its fields under a name that sorts to the same place, and one more."""
    text = archive["manifest.json"]
    for name in json.loads(text):
        renamed = archive | {"manifest.json": text.replace(f'"{name}":'.encode(), f'"{name}~":'.encode(), 1)}
        assert any(line.startswith("manifest.json") for line in found(renamed)), name


def test_random_tampers_are_all_found(tmp_path: Path) -> None:
    """Some hundreds of what `benchmarks/tampering.py` does a hundred thousand times."""
    ledger = tampering.real(tmp_path, rounds=1)
    tried, missed = tampering.run(ledger, 240)

    assert missed == []
    assert dict.fromkeys(tampering.KINDS, 30) == dict(tried)
