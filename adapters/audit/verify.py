"""Verifies an audit archive with the standard library alone and trusts nothing in it: no key, no count, no decision.

Written from docs/archive.md, docs/proofs.md and docs/language.md, not from the code that it judges. Keys and expected
roots come from the command line alone: python verify.py ARCHIVE --key LOG_PUBLIC_KEY [--help]
Decisions are made again by `decide.py`, the second reading of the rules, which has to lie beside this file.
Both are set closely, by hand, because whoever is to trust them has to read all of them.
"""

# fmt: off
from __future__ import annotations

import argparse
import gc
import hashlib
import json
import re
import sys
import types
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

FORMAT, SEAL = "xinheng-archive/1", len("xinheng-archive/1 ") + 128  # bytes of the seal: format, signature in hex
PRINTED = re.compile(r"日志 (\S+) 共 (\d{1,16}) 条 (?:sha256|sm3) ((?:[0-9a-f] ?){63}[0-9a-f])")
ENCLOSED = ("README.txt", "decide.py", "keys.json", "verify.py")
PROOFS = ("proofs/consistency.jsonl", "proofs/inclusion.jsonl")
MANIFEST = {"format", "hash", "members", "origin", "personal", "root", "size", "until"}
LINES = ("activations", "events", "checkpoints", "opened", "decisions")  # in the order in which they are read
P, ORDER, WORD = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493, 2**32 - 1  # RFC 8032, section 5.1
D, ROOT = -121665 * pow(121666, -1, P) % P, pow(2, (P - 1) // 4, P)  # the curve's constant, and a root of -1

def _beside(name: str) -> Any:
    """The module in the file next to this one; nothing else is looked for, nothing compiled before is used."""
    path, module = Path(__file__).with_name(f"{name}.py"), types.ModuleType(name)
    exec(compile(path.read_bytes(), str(path), "exec"), vars(module))  # noqa: S102
    return module

decide = _beside("decide")

class Wrong(Exception):  # noqa: N818
    """Something in an archive is not as it must be; the message is Chinese."""

def holds(condition: object, otherwise: str) -> None:
    """Raise `Wrong` unless a condition holds."""
    if not condition:
        raise Wrong(otherwise)

def _add(p: Sequence[int], q: Sequence[int]) -> Sequence[int]:  # in extended coordinates; complete, so it doubles too
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * D * p[3] % P * q[3] % P, 2 * p[2] * q[2] % P
    return (b - a) * (d - c) % P, (d + c) * (b + a) % P, (d - c) * (d + c) % P, (b - a) * (b + a) % P

def _point(encoded: bytes) -> Sequence[int]:
    sign, y = divmod(int.from_bytes(encoded, "little"), 1 << 255)
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    x = x if v * x * x % P == u else x * ROOT % P
    holds(y < P and v * x * x % P == u and (x or not sign), "公钥不是曲线上的点，或者写法不规范")
    x = x if x & 1 == sign else P - x
    return x, y, 1, x * y % P

@lru_cache(4096)
def verified(key: str, signature: str, message: bytes) -> bool:
    """Whether an Ed25519 signature (RFC 8032, section 5.1.7) is by a key; both in lower-case hex."""
    if not (re.fullmatch("[0-9a-f]{64}", key) and re.fullmatch("[0-9a-f]{128}", signature)):
        return False
    a, base = _point(bytes.fromhex(key)), _point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
    r, s = bytes.fromhex(signature[:64]), int.from_bytes(bytes.fromhex(signature[64:]), "little")
    k = int.from_bytes(hashlib.sha512(r + bytes.fromhex(key) + message).digest(), "little") % ORDER
    minus, found = (P - a[0], a[1], 1, P - a[3]), (0, 1, 1, 0)
    table: Sequence[Any] = (found, minus, base, _add(base, minus))
    for bit in range(252, -1, -1):  # s × base point − k × key, which has to be r
        index, found = (s >> bit & 1) << 1 | k >> bit & 1, _add(found, found)  # type: ignore[assignment]
        found = _add(found, table[index]) if index else found  # type: ignore[assignment]
    x, y = (coordinate * pow(found[2], -1, P) % P for coordinate in found[:2])
    return s < ORDER and r == (y | (x & 1) << 255).to_bytes(32, "little")

def sm3(data: bytes) -> bytes:
    """SM3 (GB/T 32905), for machines whose OpenSSL does not have it."""
    turn: Callable[[int, int], int] = lambda x, n: (x << n % 32 | x >> 32 - n % 32) & WORD  # noqa: E731
    state = 0x7380166F4914B2B9172442D7DA8A0600A96F30BC163138AAE38DEE4DB0FB0E4E
    data += b"\x80" + bytes(-(len(data) + 9) % 64) + (8 * len(data)).to_bytes(8, "big")
    for start in range(0, len(data), 64):
        w = [int.from_bytes(data[i : i + 4], "big") for i in range(start, start + 64, 4)]
        for j in range(52):
            x = w[j] ^ w[j + 7] ^ turn(w[j + 13], 15)
            w.append(x ^ turn(x, 15) ^ turn(x, 23) ^ turn(w[j + 3], 7) ^ w[j + 10])
        a, b, c, d, e, f, g, h = (state >> shift & WORD for shift in range(224, -1, -32))
        for j in range(64):
            x = turn(turn(a, 12) + e + turn(0x7A879D8A if j >> 4 else 0x79CC4519, j) & WORD, 7)
            y = (a & b | a & c | b & c if j >> 4 else a ^ b ^ c) + d + (x ^ turn(a, 12)) + (w[j] ^ w[j + 4]) & WORD
            z = (e & f | ~e & g if j >> 4 else e ^ f ^ g) + h + x + w[j] & WORD
            a, b, c, d, e, f, g, h = y, a, turn(b, 9), c, z ^ turn(z, 9) ^ turn(z, 17), e, turn(f, 19), g
        state ^= int("".join(f"{x:08x}" for x in (a, b, c, d, e, f, g, h)), 16)
    return state.to_bytes(32, "big")

def sha256(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()

def canon(value: object) -> bytes:
    """RFC 8785 text of text, integers, truth values, null, arrays, and objects with ASCII keys."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()

@lru_cache(2048)
def loaded(line: bytes) -> Any:
    """The JSON of a line. Nobody may change what it returns."""
    return json.loads(line)

@lru_cache(2048)
def parsed(line: bytes) -> Any:
    """The same, of a line that has to be canonical to the byte."""
    holds(canon(loaded(line)) + b"\n" == line, "不是规范的 JSON 文本，或者没有写完")
    return loaded(line)

def signed(entry: Any, kind: str | None, keys: Sequence[str] | None) -> Any:
    """A signed statement, if it is of a kind and by one of these keys; without keys, by whichever it names."""
    statement, key = entry["statement"], entry["key"]
    holds(entry.keys() - {"countersignatures"} == {"key", "signature", "statement"}, "不是签名的陈述")
    holds(statement.get("type") == kind and verified(key, entry["signature"], canon(statement)), "与签名不符")
    holds(keys is None or key in keys, f"由不承认的密钥 {key[:16]} 签署")
    return statement

class Tree:
    """The RFC 6962 tree over leaf hashes of 32 bytes."""
    def __init__(self, name: str) -> None:
        known: Callable[[bytes], bytes] = lambda data: hashlib.new(name, data).digest()  # noqa: E731
        self.hash = known if name in hashlib.algorithms_available else sm3
        self.root, self.leaves = lru_cache(1 << 18)(self._root), bytearray()
    def _root(self, begin: int, end: int) -> bytes:  # of a range of leaves that is a subtree
        if end - begin <= 1:
            return bytes(self.leaves[32 * begin : 32 * end]) or self.hash(b"")
        middle = begin + (1 << (end - begin - 1).bit_length() - 1)
        return self.hash(b"\1" + self.root(begin, middle) + self.root(middle, end))
    def proof(self, number: int, begin: int, end: int, *, leaf: bool, whole: bool = True) -> list[str]:
        """The path of leaf `number`, or from the tree of `number` leaves (RFC 9162, 2.1.3.1 and 2.1.4.1), in hex."""
        if end - begin == 1 if leaf else number == end:
            return [] if leaf or whole else [self.root(begin, end).hex()]
        middle = begin + (1 << (end - begin - 1).bit_length() - 1)
        if number < middle or (number == middle and not leaf):
            return [*self.proof(number, begin, middle, leaf=leaf, whole=whole), self.root(middle, end).hex()]
        return [*self.proof(number, middle, end, leaf=leaf, whole=False), self.root(begin, middle).hex()]

def agree(made: Any, given: Any, what: str) -> None:
    """Raise `Wrong` with the fields in which what is given differs from what was made here."""
    if canon(made) != canon(given):
        differing = [name for name in sorted({*made, *given}) if canon(made.get(name)) != canon(given.get(name))]
        raise Wrong(f"{what}不符：{'、'.join(differing)}")

@lru_cache(1024)
def examined(line: bytes, policy: bytes) -> None:
    """Hold a decision against what follows from its facts under its policy, to the byte, and against its digest."""
    entry = loaded(line)
    made = decide.Decision(parsed(policy), entry["facts"]).document()
    text, digest = canon(made), entry["decision"]
    if line != b'{"decision":"%b","document":%b,"facts":%b}\n' % (digest.encode(), text, canon(entry["facts"])):
        agree(made, entry["document"], "与依其事实和政策重新作出的决定")
        raise Wrong("不是规范的 JSON 文本，或者没有写完")
    holds(sha256(text) == digest, "决定与其哈希不符")

class Audit:
    """One archive, held against itself and against what is known from elsewhere (`options`)."""
    def __init__(self, names: Sequence[str], opened: Callable[[str], IO[bytes]], known: argparse.Namespace) -> None:
        self.names, self.open, self.known, self.findings = names, opened, known, list[tuple[str, int, str]]()
        self.manifest, self.tree, self.told = dict[str, Any](), Tree("sha256"), Counter[str]()
        self.seen, self.kinds, self.sizes = list[Any](), dict[Any, Any](), list[int]()  # department, type, list of each
        self.counts, self.lists, self.last = dict[str, Counter[str]](), Counter[str](), dict[str, Any]()
        self.streams: dict[str, tuple[int, str, Any]] = {}  # version, hash, (policy, subject, list)
        self.named: dict[str, tuple[int, Any]] = {}  # decision → the event that names it first: line, of what
        self.acts, self.head, self.logged, self.policies = list[Any](), None, list[Any](), dict[str, bytes]()
        self.sealed, self.gone, self.erased, self.enclosed = set[str](), set[str](), dict[str, str](), dict[str, str]()
        self.witnessed, self.place, self.row = set[str](), "", 0
    def attempt(self, member: str, line: int, check: Callable[..., Any], *given: Any) -> None:
        """Make a check; what it raises is a finding about a line of a member, 0 for all of it."""
        try:
            check(*given)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the bytes, they are not what was written
            told = str(error) if isinstance(error, Wrong) else f"读不懂（{type(error).__name__}）"
            self.findings.append((member, line, told))
    def run(self) -> Audit:
        """Check everything."""
        self.attempt("manifest.json", 0, self._manifest)
        for name in LINES:
            self.attempt(f"{name}.jsonl", 0, self._each, f"{name}.jsonl", getattr(self, f"_{name}"))
        self.attempt("manifest.json", 0, self._whole)
        return self
    def unpack(self, file: IO[bytes]) -> None:
        """Check everything in a ZIP file."""
        archive = zipfile.ZipFile(file)
        self.names, self.open = archive.namelist(), archive.open
        self.run()
    def _each(self, member: str, check: Callable[[int, bytes], None]) -> None:
        for number, line in enumerate(self.open(member), 1):
            self.attempt(member, number, check, number, line)
    def _manifest(self) -> None:
        self.manifest = found = parsed(self.open("manifest.json").read() + b"\n")
        holds(found["format"] == FORMAT and found["hash"] in ("sha256", "sm3"), f"不是 {FORMAT}")
        holds(found.keys() == MANIFEST and type(found["personal"]) is bool, "清单的项目不对")
        self.tree = Tree(found["hash"])
        for name in {*self.names} - {"manifest.json"}:
            with self.open(name) as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
                made = {"bytes": file.seek(0, 2), "sha256": digest}
                self.attempt(name, 0, agree, made, found["members"].get(name, {}), "与清单")
    def _activations(self, _: int, line: bytes) -> None:
        entry, before, begun = parsed(line), self.head, any(act["signed"] for act in self.acts)
        statement, version = entry["statement"], entry["statement"]["version"]
        self.head = sha256(canon(statement))  # type: ignore[assignment]
        self.acts.append({**statement, "statement": self.head, "signed": begun or entry["key"] is not None})
        if version not in self.policies:
            self.policies[version] = self.open(f"policies/{version}.ir.json").read() + b"\n"
        holds(statement["previous"] == before, "接不上前一条启用记录")
        if begun or entry["key"] is not None:
            holds(signed(entry, None, self.known.signing_key or None)["signer"] == entry["key"], "不是所写的签署人所签")
        else:  # from before there were signatures
            agree({"key": None, "signature": None, "statement": statement}, entry, "没有签名的启用")
        files, compiled = parsed(self.open(f"policies/{version}.json").read() + b"\n"), self.policies[version]
        listing = "".join(f"{sha256(text.encode())}  {path}\n" for path, text in sorted(files.items()))
        holds(version == sha256(listing.encode()) == parsed(compiled)["version"], "政策的文件与版本不符")
        holds(statement.get("ir") in (None, sha256(compiled[:-1])), "政策的编译结果不是所签的那一份")
    def _events(self, number: int, line: bytes) -> None:
        digest = hashlib.sha256(line[:-1])
        self.tree.leaves += self.tree.hash(b"\0" + digest.digest())
        self.seen.append(("", "", None))
        event = parsed(line)
        case, version, kind, payload = event["case"], event["version"], event["type"], event["payload"]
        last, previous, of = self.streams.get(case, (0, "0" * 64, ()))
        if kind == "case-filed":
            of = payload["policy"], payload["subject"], payload["list"]
        elif kind == "case-moved" and "policy" in payload["changes"]:
            of = payload["changes"]["policy"], *of[1:]
        key = event["actor"]["department"], kind, payload["list"] if kind == "case-filed" else None
        self.seen[-1], self.streams[case] = self.kinds.setdefault(key, key), (version, digest.hexdigest(), of)
        self.sealed |= {found.decode() for found in re.findall(rb'"@sealed":"([0-9a-f]{64})"', line)}
        if payload.get("decision") is not None:
            self.named.setdefault(payload["decision"], (number, of))
        if case == "policy:activations":
            self.logged.append({name: value for name, value in payload.items() if name != "activation"})
        elif kind == "personal-data-erased" and case == "subject:" + payload["subject"]:
            self.erased |= dict.fromkeys(payload["decisions"], payload["subject"])
            self.gone |= {*payload["commitments"]}
        elif case == "audit:exports":
            self.enclosed = payload["files"]
        holds((version, event["prev"]) == (last + 1, previous), f"案件 {case} 的第 {version} 个事件接不上前一个")
        holds(":" in case or (kind == "case-filed") is (version == 1), f"案件 {case} 不是从列入开始")
    def _checkpoints(self, _: int, line: bytes) -> None:
        entry, before = parsed(line), self.last
        claimed, begin = entry["statement"], before.get("size", 0)
        size, self.last = claimed["size"], {"root": claimed["root"], "size": claimed["size"]}
        for department, kind, name in self.seen[begin:size]:
            self.counts.setdefault(department, Counter())[kind] += 1
            self.lists.update([name] if name is not None else ())
        self.sizes.append(size)
        signed(entry, "xinheng-checkpoint/1", self.known.key)
        holds(begin < size <= len(self.seen), f"所签的有 {size} 条，前一个有 {begin} 条，事件共有 {len(self.seen)} 条")
        root = self.tree.root(0, size).hex()
        made = {"type": "xinheng-checkpoint/1", "at": claimed["at"], "size": size, "root": root,
                "counts": self.counts, "lists": self.lists, "previous": before or None}
        agree(made | {n: self.manifest[n] for n in ("hash", "origin")}, claimed, f"前 {size} 个事件与所签的检查点")
        for given in entry["countersignatures"]:
            said = signed(given, "xinheng-countersignature/1", self.known.witness.get(given["statement"]["witness"]))
            made = {**said, **self.last, "checkpoint": sha256(canon(claimed)), "origin": claimed["origin"]}
            agree(made, said, "副署与检查点")
            self.witnessed.add(said["witness"])
    def _opened(self, _: int, line: bytes) -> None:
        entry, before = parsed(line), self.place
        commitment, salt, self.place = entry["commitment"], entry["salt"], entry["commitment"]
        holds(re.fullmatch("[0-9a-f]{64}", salt) and entry.keys() == {"commitment", "salt", "value"}, "不是公开的值")
        holds(sha256(bytes.fromhex(salt) + canon(entry["value"])) == commitment, "与承诺不符")
        holds(before < commitment and commitment in self.sealed, "没有事件提到这一承诺，或者重复，或者次序颠倒")
        self.gone.add(commitment)
    def _decisions(self, _: int, line: bytes) -> None:
        entry, before = loaded(line), self.row
        digest = entry["decision"]
        self.row, of = self.named.pop(digest, (0, ()))
        holds(before < self.row, "没有事件提到这一决定，或者重复，或者次序颠倒")
        if "document" in entry:
            policy, facts = entry["document"]["policy"], entry["facts"]
            holds(of == (policy, facts["subject"], facts["list"]), "与案件的主体、名单或者政策不符")
            begun = {act["version"] for act in self.acts if act["from"] <= facts["known_at"]}
            holds(policy in begun, "所依的政策当时还没有施行")
            examined(line, self.policies[policy])
        else:
            why = "withheld" if "withheld" in entry and not self.manifest["personal"] else "erased"
            agree({"decision": digest, why: of[1]}, parsed(line), "没有内容的决定")
            holds(why == "withheld" or self.erased.get(digest) == of[1], "没有内容，也没有依法删除它的事件")
        self.told["重新作出而相同的决定" if "document" in entry else "没有内容的决定"] += 1
    def _whole(self) -> None:
        size, found, tree, heads = len(self.seen), self.manifest, self.tree, self.known.heads
        own = ("statement", "version", "ir", "act")
        acts = [{"effective_from": a["from"], **{name: a[name] for name in own}} for a in self.acts if "ir" in a]
        needed = {*ENCLOSED, *PROOFS, *(f"{name}.jsonl" for name in LINES)}
        needed |= {f"policies/{version}{end}.json" for version in self.policies for end in ("", ".ir")}
        steps = [{"first": n, "path": tree.proof(n, 0, size, leaf=False), "second": size} for n in self.sizes]
        paths = [{"hash": found["hash"], "number": n, "path": tree.proof(n, 0, size, leaf=True), "size": size}
                 for n in sorted({size * n // 8 for n in range(8)} | {size - 1})]
        for member, condition, message in (
            ("manifest.json", self.last == {n: found[n] for n in ("root", "size")}, "与最后的检查点不符"),
            ("manifest.json", found["until"] in (None, size), "与最后的检查点不符"),
            ("manifest.json", sorted(needed) == sorted(found["members"]), "缺少文件，或者有多余的文件"),
            ("manifest.json", sorted({*needed, "manifest.json"}) == sorted(self.names), "所含文件与清单不符"),
            ("events.jsonl", self.last["size"] == size, f"有 {size} 条，最后的检查点只到 {self.last['size']}"),
            ("activations.jsonl", acts == self.logged, "与事件日志里的启用不符"),
            ("decisions.jsonl", not self.named, f"缺少 {len(self.named)} 个决定：{'、'.join([*self.named][:3])}"),
            ("opened.jsonl", self.sealed <= self.gone or not found["personal"], "缺少没有依法删除的值"),
            *((name, self.open(name).read() == b"".join(canon(proof) + b"\n" for proof in proofs), "证明不成立")
              for name, proofs in zip(PROOFS, (steps, paths), strict=True)),
            *((name, found["until"] or sha256(self.open(name).read()) == self.enclosed.get(name), "不是导出时的那一份")
              for name in ENCLOSED),
            *(("checkpoints.jsonl", name in self.witnessed, f"没有 {name} 的副署") for name in self.known.witness),
            *(("events.jsonl", n <= size, f"公布的有 {n} 条，档案只有 {size} 条：退回了从前") for _, n, _ in heads),
            *(("events.jsonl", tree.root(0, min(n, size)).hex() == root, f"前 {n} 条的根与公布的不符")
              for _, n, root in heads if n <= size),
            *(("manifest.json", origin in (None, found["origin"]), "不是公布的日志") for origin, _, _ in heads)):
            self.attempt(member, 0, holds, condition, message)

def options(words: Sequence[str]) -> argparse.Namespace:
    """What is known from elsewhere, from the words of the command line."""
    parser = argparse.ArgumentParser(description="核对信衡审计档案。公钥和公告须得自别的途径；有一处不符，退出码为 1。")
    parser.add_argument("archive", type=Path, help="档案")
    for name, told in (("--key", "日志的公钥，64 位十六进制；换过的逐个写"), ("--signing-key", "政策的公钥，同上"),
                       ("--published", "报上刊登的存证公告，整行"), ("--witness", "承认的见证人：部门=公钥")):
        parser.add_argument(name, action="append", default=[], help=told)
    parser.add_argument("--size", type=int, help="从别处得知的事件数，与 --root 一起写")
    parser.add_argument("--root", help="从别处得知的这么多事件的根")
    parser.add_argument("--json", action="store_true", help="输出 JSON")
    known = parser.parse_args(words)
    known.key, known.signing_key = ([key.lower() for key in keys] for keys in (known.key, known.signing_key))
    lines = [PRINTED.search(" ".join(line.split())) for line in known.published]
    if not known.key or (known.size is None) != (known.root is None) or None in lines:
        parser.error("须以 --key 写明日志的公钥：向公文、报纸、见证人索取，不能取自档案；"
                     "--published 是整行公告，--size 与 --root 一起写")
    known.heads = [(line[1], int(line[2]), line[3].replace(" ", "")) for line in lines if line]
    known.heads += [(None, known.size, known.root)] if known.root else []
    witnesses = [name.rpartition("=")[::2] for name in known.witness]
    known.witness = {name: [key for other, key in witnesses if other == name] for name, _ in witnesses}
    return known

def sealed(file: IO[bytes], keys: Sequence[str]) -> None:
    """Hold every byte of a file against the signature at its end."""
    end, digest = file.seek(-SEAL, 2), hashlib.sha256()
    seal = re.fullmatch(FORMAT + " ([0-9a-f]{128})", file.read().decode())
    file.seek(0)
    while block := file.read(min(1 << 20, end - file.tell())):
        digest.update(block)
    text = canon({"sha256": digest.hexdigest(), "type": FORMAT})
    holds(seal and any(verified(key, seal[1], text) for key in keys), "封签不符：文件被改动，或者不是日志所封")

def verify(file: IO[bytes], known: argparse.Namespace) -> Audit:
    """Check an archive."""
    audit = Audit((), lambda _: file, known)
    audit.attempt(known.archive.name, 0, sealed, file, known.key)
    audit.attempt(known.archive.name, 0, audit.unpack, file)
    return audit

def main(words: Sequence[str]) -> int:
    """Check and tell; the exit code."""
    gc.disable()  # nothing here goes in circles, and looking for such takes half the time
    known = options(words)
    if not known.archive.is_file():
        sys.stderr.write(f"没有文件 {known.archive}\n")
        return 2
    with known.archive.open("rb") as file:
        audit = verify(file, known)
    told = [f"{member}{f' 第 {line} 行' if line else ''}：{message}" for member, line, message in audit.findings[:200]]
    told += ["日志 {origin}，事件 {size}，根 {root}".format_map(audit.manifest)] if audit.manifest else []
    told += [f"{name} {number}" for name, number in audit.told.items()]
    told += [] if known.heads else ["没有写 --published，也没有写 --size、--root：查不出整个档案退回了从前"]
    told += [] if known.signing_key else ["没有写 --signing-key：政策是谁批准的，只有日志作证"]
    told += [f"有 {len(audit.findings)} 处不符" if audit.findings else "没有不符"]
    found = {"manifest": audit.manifest, "counts": audit.told, "findings": audit.findings}
    sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n" if known.json else "\n".join(told) + "\n")
    return int(bool(audit.findings))

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
