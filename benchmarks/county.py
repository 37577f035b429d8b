"""The subjects of a county, drawn at random: what a ledger looks like after years of use.

Of 1,000 listings 820 are credit households, 60 credit villages and 5 townships, which is what the county rates every
year; 25 are A-grade taxpayers, 30 on key watch, 30 market abnormalities, and 30 fall evenly on the other lists, which
are sanctions with up to forty obligations each. Facts are mostly what they usually are: one truth value of twelve is
not, and the first values of an enumeration are more frequent than the last. One fact of 24 is missing; organisations
have up to three related persons; a third of them, and one household or village of ten, has records, some of them other
listings. The document of a household is 1.9 kB, that of an A-grade taxpayer 10 kB.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator

from engine.decision.model import LISTING_RECORD, Facts, Record, RelatedPerson
from engine.language.ir import ROLES, FactType, ListDef, Policy, Type, Value

DAY = dt.date(2026, 11, 24)
SHARES = {
    "credit-household": 820, "credit-village": 60, "credit-township": 5, "a-grade-taxpayers": 25, "key-watch": 30,
    "market-abnormal": 30,
}  # fmt: skip
OTHERS = 30
"""Of 1,000, on all lists that are not named above."""
HAS_RECORDS = {True: (0, 0, 1, 0, 2, 0), False: (0, 0, 0, 0, 0, 1, 0, 0, 0, 0)}
"""How many, for organisations and for others."""
MISSING = 1 / 24
UNUSUAL = 1 / 12


def listings(policy: Policy, seed: int) -> Iterator[Facts]:
    """Facts of one listing after another, without end; the same seed draws the same."""
    rng = random.Random(seed)
    rest = sorted(policy.lists.keys() - SHARES.keys())
    names = [*SHARES, *rest]
    weights = [*SHARES.values(), *([OTHERS / len(rest)] * len(rest))]
    while True:
        listed = policy.lists[rng.choices(names, weights)[0]]
        yield _facts(policy, listed, rng)


def _facts(policy: Policy, listed: ListDef, rng: random.Random) -> Facts:
    as_of = DAY - dt.timedelta(days=rng.randrange(700))
    kind = rng.choice(listed.subjects)
    organisation = kind in {"enterprise", "social-organisation", "sole-trader"}
    roles = rng.sample(ROLES[:4], rng.randrange(4)) if organisation else []
    values = {
        name: _value(fact, as_of, rng)
        for name, fact in listed.facts.items()
        if fact.required or rng.random() >= MISSING
    }
    return Facts(
        subject=_id(rng), subject_kind=kind, list=listed.id, initiator=rng.choice(listed.filed_by), as_of=as_of,
        known_at=f"{as_of.isoformat()}T0{rng.randrange(10)}:12:45.123456Z", values=values,
        records=tuple(_record(policy, as_of, rng) for _ in range(rng.choice(HAS_RECORDS[organisation]))),
        relations=tuple(RelatedPerson(_id(rng), role) for role in roles), salt=f"{rng.getrandbits(128):032x}",
    )  # fmt: skip


def _id(rng: random.Random) -> str:
    digits = f"{rng.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _value(fact: FactType, as_of: dt.date, rng: random.Random) -> Value:
    match fact.type:
        case Type.ENUM:
            return rng.choices(fact.values, [1 / (n * n) for n in range(1, len(fact.values) + 1)])[0]
        case Type.BOOLEAN:
            return (rng.random() < UNUSUAL) is (fact.worse == "higher")
        case Type.DATE:
            return as_of.toordinal() - rng.randrange(400)
        case Type.MONEY:
            return rng.randrange(100, 40_000) * 1_000
        case Type.RATIO:
            return rng.randrange(10_000)
        case Type.INTEGER:
            return rng.randrange(100)
        case Type.LIST:
            return tuple(rng.sample(fact.values, rng.randrange(1 + min(2, len(fact.values)))))
        case _:
            return f"长政〔{as_of.year}〕{rng.randrange(5_000)}号"


def _record(policy: Policy, as_of: dt.date, rng: random.Random) -> Record:
    date = as_of.toordinal() - rng.randrange(1_500)
    if rng.random() < 0.2:
        other = policy.lists[rng.choice(sorted(policy.lists))]
        fields: dict[str, Value] = {"list": other.id, "kind": other.kind, "severe": other.severe}
        return Record(_id(rng), LISTING_RECORD, date, fields)
    kind = policy.records[rng.choice(sorted(policy.records))]
    fields = {n: _value(f, as_of, rng) for n, f in kind.fields.items() if f.required or rng.random() >= MISSING}
    return Record(_id(rng), kind.id, date, fields, excluded=rng.random() < 0.1)
