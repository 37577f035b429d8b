"""Compiles one hostile file in a process with little memory; prints the codes found and the seconds it took.

python -m tests.language.hostile_worker <name> <megabytes>
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Mapping

from engine.compiler import compile_policy

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [{','.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefghi", "bcdefghij", strict=True)
)

HOSTILE: Mapping[str, Callable[[], str | bytes]] = {
    "billion-laughs": lambda: BOMB,
    "anchor-of-itself": lambda: "law: &x\n  - *x\n",
    "many-anchors": lambda: "law: x\n" + "".join(f"k{i}: &a{i} v\n" for i in range(60_000)),
    "many-aliases": lambda: "law: &a x\nk: [" + "*a," * 200_000 + "]\n",
    "deep-flow": lambda: "law: " + "[" * 100_000,
    "deep-flow-mapping": lambda: "law: " + "{a: " * 100_000,
    "deep-block": lambda: "- " * 100_000,
    "deep-stairs": lambda: "law:\n" + "".join(" " * i + "-\n" for i in range(1, 1_400)),
    "deep-questions": lambda: "? " * 100_000,
    "fifty-megabytes": lambda: b"x" * 50_000_000,
    "fifty-megabytes-of-text": lambda: "law: " + "x" * 50_000_000,
    "nul": lambda: "law: a\0b\n",
    "nul-escaped": lambda: 'law: "a\\0b"\n',
    "duplicate-keys": lambda: "law: a\n" + "title: b\n" * 100_000,
    "full-width-id": lambda: "law: ｗａｇｅ\ntitle: x\n",
    "bidi": lambda: "law: x\ntitle: \u202eabc\n",
    "not-utf8": lambda: b"law: \xff\xfe\xb2\xc6\n",
    "utf16": lambda: "law: x\n".encode("utf-16"),
    "lone-surrogate": lambda: "law: \ud800\n",
    "many-keys": lambda: "law: x\n" + "".join(f"k{i}: 1\n" for i in range(100_000)),
    "many-keys-below-the-limit": lambda: "law: x\n" + "".join(f"k{i}: 1\n" for i in range(29_000)),
    "many-limits": lambda: (
        "list: x\ntitle: x\nkind: watch\nfiled_by: [a]\nsubjects: [village]\n"
        "procedure:\n  publicity:\n    max: 1 year\n    limits:\n"
        + "".join(f"    - {{law: a, max: {i} days}}\n" for i in range(2, 7_000))
    ),
    "many-rungs": lambda: (
        "ladder: x\ntitle: x\nrungs:\n"
        + "".join(f"- {{act: report, title: x, after: {i} days}}\n" for i in range(7_000, 1, -1))
    ),
    "many-articles": lambda: "law: x\narticles:\n" + "".join(f"  '{i}': ''\n" for i in range(29_000)),
    "huge-integer": lambda: "calendar: " + "9" * 900_000 + "\nholidays: []\nsource: x\n",
    "huge-money": lambda: "table: t\nlimit: {amount: a, floor: " + "1," * 200_000 + "0 元, cap: 1 元}\n",
    "regex-bait": lambda: "calendar: 2025\nsource: x\nholidays: ['" + "1_" * 200_000 + "']\n",
    "long-key": lambda: "law: x\n" + "k" * 900_000 + ": 1\n",
    "long-unknown-reference": lambda: "law: " + "a" * 900_000 + "\ntitle: x\n",
    "tags": lambda: "law: !!python/object/apply:os.system ['true']\n",
    "documents": lambda: "---\nlaw: x\n" * 50_000,
    "directives": lambda: "%YAML 1.1\n" * 50_000,
    "comments": lambda: "#\n" * 500_000,
    "condition-of-nots": lambda: "record: r\ntitle: x\nfields: {}\nexcluded: " + "{not: " * 30 + "{}" + "}" * 30,
    "wide-condition": lambda: (
        "record: r\ntitle: x\nfields: {a: {type: boolean}}\nexcluded: {any: [" + "{b: {xx: 1}}, " * 11_000 + "]}\n"
    ),
}


def main() -> None:
    """Compile under the memory limit given, and report as one JSON line."""
    name, megabytes = sys.argv[1], int(sys.argv[2])
    content = HOSTILE[name]()
    resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    start = time.process_time()
    compiled = compile_policy({"rules/laws/x.yaml": content})
    seconds = time.process_time() - start
    sys.stdout.write(json.dumps({"codes": sorted({d.code for d in compiled.diagnostics}), "seconds": seconds}))


if __name__ == "__main__":
    main()
