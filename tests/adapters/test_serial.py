"""Events and facts survive the way into the ledger and back, and their bytes are canonical."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from adapters.ledger.serial import (
    GENESIS,
    canonical,
    event_hash,
    facts_from_json,
    facts_to_json,
    from_payload,
    limits_from_json,
    limits_to_json,
    to_payload,
)
from engine.casework.events import CaseClosed, CaseFiled, Event, ListingEnded, ObligationMoved, ObligationsAdded
from engine.casework.model import Actor, Due, Edge, Evidence, Obligation
from engine.decision.model import Facts, Record, RelatedPerson, Response, SuggestedLimit

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
DAYS = st.dates(dt.date(1990, 1, 1), dt.date(2100, 1, 1))
DUES = st.builds(Due, DAYS, st.booleans())
EVIDENCE = st.builds(Evidence, TEXT, TEXT)
ACTORS = st.builds(Actor, TEXT, TEXT)
OBLIGATIONS = st.builds(
    Obligation, id=TEXT, key=TEXT, case=TEXT, measure=TEXT, department=TEXT, target=TEXT, target_role=TEXT,
    kind=st.sampled_from(["incentive", "sanction"]), mode=st.sampled_from(["standing", "one-shot"]),
    restrictive=st.booleans(), reversible=st.booleans(), duty=TEXT, evidence_required=st.booleans(),
    matter=st.none() | TEXT, effect=st.none() | TEXT, rules=st.lists(TEXT, max_size=3).map(tuple),
    basis=st.lists(st.tuples(TEXT, TEXT), max_size=3).map(tuple), feedback=TEXT,
    state=st.sampled_from(["waiting", "open", "in-force"]), unmet=st.integers(0, 9), unlifted=st.integers(0, 9),
    confirmed_by=st.none() | TEXT, outcome=st.none() | TEXT, reason=st.none() | TEXT, accept_by=st.none() | DUES,
    act_by=st.none() | DUES, lift_by=st.none() | DUES, feedback_by=st.none() | DUES,
)  # fmt: skip
DETAILS = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT | DAYS | DUES | st.lists(
    EVIDENCE, max_size=2
).map(tuple)  # fmt: skip
NAMES = st.from_regex(r"[a-z_]{1,12}", fullmatch=True)
EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(CaseFiled, DAYS, ACTORS, TEXT, TEXT, TEXT, TEXT, TEXT),
    st.builds(
        ObligationsAdded, DAYS, ACTORS, st.none() | TEXT, st.lists(OBLIGATIONS, max_size=3).map(tuple),
        st.lists(st.builds(Edge, TEXT, TEXT, st.sampled_from(["needs", "releases"])), max_size=3).map(tuple),
    ),
    st.builds(
        ObligationMoved, DAYS, ACTORS, TEXT, TEXT, st.dictionaries(NAMES, DETAILS, max_size=4),
        st.dictionaries(NAMES, DETAILS, max_size=4),
    ),
    st.builds(ListingEnded, DAYS, ACTORS, st.just("repair"), TEXT),
    st.builds(CaseClosed, DAYS, ACTORS),
)  # fmt: skip
VALUES = st.booleans() | st.integers(-(2**62), 2**62) | TEXT | st.lists(TEXT, max_size=3).map(tuple)
FACTS = st.builds(
    Facts, TEXT, TEXT, TEXT, TEXT, DAYS, TEXT, st.dictionaries(TEXT, VALUES, max_size=4),
    st.lists(
        st.builds(Record, TEXT, TEXT, st.none() | st.integers(1, 800_000),
                  st.dictionaries(TEXT, VALUES, max_size=3), st.booleans()), max_size=3,
    ).map(tuple),
    st.lists(st.builds(RelatedPerson, TEXT, TEXT, TEXT), max_size=3).map(tuple),
    st.lists(st.builds(Response, TEXT, TEXT, TEXT), max_size=3).map(tuple),
)  # fmt: skip


@given(EVENTS)
def test_an_event_comes_back_as_it_went_in(event: Event) -> None:
    """Through JSON text, with every type restored."""
    kind, payload = to_payload(event)

    assert event == from_payload(kind, json.loads(canonical(payload)), event.on, event.actor)


@given(EVENTS)
def test_an_events_text_is_rfc_8785(event: Event) -> None:
    """The fast encoder writes what a full RFC 8785 implementation writes."""
    _, payload = to_payload(event)

    assert rfc8785.dumps(payload).decode() == canonical(payload)


@given(FACTS)
def test_facts_come_back_as_they_went_in(facts: Facts) -> None:
    """Integers beyond 2^53 and their difference from texts included."""
    assert facts == facts_from_json(facts_to_json(facts))


@given(
    st.lists(
        st.builds(
            SuggestedLimit, TEXT, TEXT, st.lists(TEXT, max_size=2).map(tuple), st.integers(0, 2**62),
            st.lists(st.tuples(TEXT, st.integers(0, 2**62)), max_size=2).map(tuple),
        ), max_size=3,
    ).map(tuple)
)  # fmt: skip
def test_limits_come_back_as_they_went_in(limits: tuple[SuggestedLimit, ...]) -> None:
    """Suggested limits survive the ledger."""
    assert limits == limits_from_json(limits_to_json(limits))


@pytest.mark.parametrize("value", [2**53, -(2**53), 1.5, object()])
def test_a_value_without_canonical_form_is_refused(value: Any) -> None:
    """Nothing enters the log that another implementation could not hash."""
    event = ObligationMoved(dt.date(2026, 1, 1), Actor("a", "b"), "c.1", "accept", {"unmet": value})

    with pytest.raises(TypeError, match="no serial form"):
        to_payload(event)


@given(EVENTS, TEXT, st.integers(1, 10**6), TEXT)
def test_what_is_hashed_is_the_canonical_event(event: Event, case: str, version: int, at: str) -> None:
    """Spliced together from its parts, it is byte for byte the RFC 8785 form of the whole."""
    kind, payload = to_payload(event)
    actor = {"department": event.actor.department, "officer": event.actor.officer, "key": "k"}
    document = {
        "case": case, "version": version, "type": kind, "on": event.on.isoformat(), "at": at, "actor": actor,
        "payload": payload, "prev": GENESIS,
    }  # fmt: skip
    digest = event_hash(
        case=case, version=version, kind=kind, on=event.on.isoformat(), at=at, actor=actor,
        payload=canonical(payload), prev=GENESIS,
    )  # fmt: skip

    assert hashlib.sha256(rfc8785.dumps(document)).hexdigest() == digest


def test_the_hash_of_an_event_is_fixed() -> None:
    """Old logs must verify for ever, so what is hashed never changes."""
    digest = event_hash(
        case="c", version=1, kind="case-closed", on="2026-11-24", at="2026-11-24T00:00:00.000000Z",
        actor={"department": "finance", "officer": "王", "key": "k"}, payload="{}", prev="0" * 64,
    )  # fmt: skip

    text = (
        '{"actor":{"department":"finance","key":"k","officer":"王"},"at":"2026-11-24T00:00:00.000000Z","case":"c",'
        '"on":"2026-11-24","payload":{},"prev":"' + "0" * 64 + '","type":"case-closed","version":1}'
    )
    assert hashlib.sha256(text.encode()).hexdigest() == digest
