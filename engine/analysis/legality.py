"""No measure without a legal basis that carries it.

Bad: a restrictive measure (减损权益) on the strength of a memorandum alone::

    # rules/measures/no-posts.yaml
    class: restrictive
    basis: [{law: mou-2017-2058, article: 三(二)}]

Good: a law, administrative regulation, central policy document or provincial regulation that reaches list, subjects and
roles on every day (国办发〔2020〕49号)::

    basis: [{law: wage-payment-regulation-2020, article: 第四十八条, verified: {by: text, on: 2026-11-24}}]
"""

from __future__ import annotations

from engine.language.bundle import Bundle
from engine.language.ir import Policy

MESSAGES = {
    "XH120": "措施 {measure} 没有任何依据",
    "XH121": "措施 {measure} 减损权益，现有 {count} 条依据都不足以支持",
    "XH122": "措施 {measure} 现有 {count} 条依据都不及于此处",
}
EXPECTED = "法律、行政法规、中央政策文件或省级法规，且及于名单、主体与关联人，并在规则有效的每一天有效"


def check(policy: Policy, bundle: Bundle) -> None:
    """Report each consequence that no basis carries, with what was tried and why it fails."""
    for assessment in bundle.assessments:
        measure = policy.measures[assessment.measure]
        if assessment.code is None or not bundle.reporter.clean(measure.span.path):
            continue  # a basis of a broken measure may be missing only because it could not be read
        bundle.reporter.report(
            assessment.code,
            assessment.span,
            MESSAGES[assessment.code].format(measure=measure.id, count=len(assessment.tried)),
            expected=EXPECTED if assessment.code == "XH121" else "",
            notes=assessment.tried,
        )
