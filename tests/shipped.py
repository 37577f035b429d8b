"""The shipped policy, compiled once in a process: it takes a second or two."""

from __future__ import annotations

from functools import cache

from adapters.policy_files import read_bundle
from engine.compiler import compile_policy
from engine.language.ir import Policy


@cache
def shipped_policy() -> Policy:
    """The shipped bundle as the compiler sees it."""
    policy = compile_policy(read_bundle()).policy
    assert policy is not None
    return policy
