"""What a policy declares and nobody uses, and rules that no test shows to fire and not to fire.

Bad: ``derive: [{fact: grave, …}]`` and no rule that mentions ``grave``. Use it, or leave it out.
"""

from __future__ import annotations

from collections import defaultdict

from engine.language.bundle import Bundle
from engine.language.ir import All, Policy, Procedure


def check(policy: Policy, bundle: Bundle) -> None:
    """Report facts without use (derived: warning; of a list: info) and rules without tests (warning)."""
    _unused_facts(policy, bundle)
    _untested_rules(policy, bundle)


def _unused_facts(policy: Policy, bundle: Bundle) -> None:
    by_list: dict[str, set[str]] = defaultdict(set)
    for memorandum in policy.memoranda.values():
        used = bundle.used[memorandum.id]
        by_list[memorandum.list] |= used
        for derivation in memorandum.derivations:
            if derivation.fact.name not in used:
                message = f"推导的事实 {derivation.fact.name} 没有规则用到"
                bundle.reporter.report("XH150", derivation.fact.span, message)
    for identifier, used in by_list.items():
        listed = policy.lists[identifier]
        by_procedure = _used_by_procedure(listed.procedure)
        for fact in listed.facts.values():
            if fact.name not in used | by_procedure:
                bundle.reporter.report("XH151", fact.span, f"名单 {identifier} 的事实 {fact.name} 没有规则用到")


def _used_by_procedure(procedure: Procedure) -> set[str]:
    """The facts that prove a stage or decide how long the listing lasts."""
    proofs = {name for stage in procedure.upstream.values() for name in (stage.date, stage.number, stage.proof) if name}
    return proofs | ({procedure.term.until_performed[0]} if procedure.term.until_performed else set())


def _untested_rules(policy: Policy, bundle: Bundle) -> None:
    fires: set[str] = set()
    silent: set[str] = set()
    for test in policy.tests:
        for key, found in (("fires", fires), ("silent", silent)):
            names = test.expect.get(key, ())
            assert isinstance(names, tuple)
            found |= {f"{test.memorandum}/{name}" for name in names}
    for memorandum in policy.memoranda.values():
        for rule in memorandum.rules:
            lacking = [word for word, found in (("触发", fires), ("不触发", silent)) if rule.id not in found]
            if rule.when == All((), rule.when.span):
                lacking = [word for word in lacking if word == "触发"]  # it always fires
            if lacking:
                bundle.reporter.report("XH142", rule.span, f"规则 {rule.id} 没有测试证明它{'、'.join(lacking)}")
