"""The deep check against its limits: the shipped bundle in 10 s, one of more than 1,000 rules in 60 s."""

from __future__ import annotations

import datetime as dt
import re
import time

from adapters.policy_files import read_bundle
from benchmarks.measure import Comparison
from engine.compiler import compile_policy
from engine.language.ir import Policy
from engine.workbench.checking import check_policy

DAY = dt.date(2026, 11, 24)
COPIES = ("-2", "-3")
ID = re.compile(r"^(memorandum|list): (\S+)$", re.MULTILINE)
VALUE = re.compile(r"\b(?!title)([a-z][a-z-]*): ([一-鿿][^,}\n]*)")
REACH = re.compile(r"lists:\s*\[([^\]]*)\]")


def compare() -> list[Comparison]:
    """Seconds for each bundle, against what it may take."""
    files = {path: text.decode() if isinstance(text, bytes) else text for path, text in read_bundle().items()}
    return [
        _timed("deep check, shipped bundle", _compiled(files), 10),
        _timed("deep check, three lists and memoranda for each", _compiled(multiplied(files)), 60),
    ]


def multiplied(files: dict[str, str]) -> dict[str, str]:
    """The bundle with every list and memorandum three times, under names of their own."""
    found = dict(files)
    for path, text in files.items():
        folder, _, name = path.rpartition("/")
        if path.startswith("rules/measures/"):
            found[path] = REACH.sub(lambda m: _reach(m[1], ("", *COPIES)), text)
        elif folder == "rules/lists" or (folder == "memoranda" and not name.endswith(".test.yaml")):
            for copy in COPIES:
                renamed = ID.sub(lambda m, copy=copy: f"{m[1]}: {m[2]}{copy}", text)  # type: ignore[misc]
                renamed = REACH.sub(lambda m, copy=copy: _reach(m[1], (copy,)), renamed)  # type: ignore[misc]
                if folder == "rules/lists":  # conducts of their own, or everything would be punished three times
                    facts, procedure, rest = renamed.partition("\nprocedure:")
                    renamed = VALUE.sub(lambda m, copy=copy: f"{m[1]}: {m[2]}{copy}", facts) + procedure + rest  # type: ignore[misc]
                found[f"{folder}/{name.removesuffix('.yaml')}{copy}.yaml"] = renamed
    return found


def _reach(lists: str, copies: tuple[str, ...]) -> str:
    return f"lists: [{', '.join(name.strip() + copy for name in lists.split(',') for copy in copies)}]"


def _compiled(files: dict[str, str]) -> Policy:
    compiled = compile_policy(files)
    assert compiled.policy is not None, [d for d in compiled.diagnostics if d.severity == "error"][:5]
    return compiled.policy


def _timed(what: str, policy: Policy, limit: int) -> Comparison:
    rules = sum(len(m.rules) for m in policy.memoranda.values())
    start = time.perf_counter()
    report = check_policy(policy, DAY)
    taken = time.perf_counter() - start
    assert not report.undecided
    return Comparison(f"{what} ({rules:,} rules)", f"the limit of {limit} s", taken, limit, f"≤ {limit} s", 1.0)
