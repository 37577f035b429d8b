"""The one table of who may see which field: complete, closed by default, and with no way around it."""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing

import pytest

from engine.casework import events, model, visibility
from engine.casework.visibility import AUDIENCES, FIELDS, INSIDE, Scope, may_see, view
from engine.decision import explain
from engine.decision import model as decided

MODULES = (visibility, explain, decided, model, events)
OWN = {"Scope", "Used", "Event", "Evaluation"}
"""What is no part of a document: the view's own means, a base class, and what a back end finds."""


def kinds() -> dict[str, type]:
    """Every dataclass that documents are made of, by name."""
    found = {
        name: value
        for module in MODULES
        for name, value in vars(module).items()
        if inspect.isclass(value) and dataclasses.is_dataclass(value) and value.__module__ == module.__name__
    }
    return {name: value for name, value in found.items() if name not in OWN}


def parts(hint: object) -> set[type]:
    """The dataclasses inside a type."""
    if dataclasses.is_dataclass(hint):
        return {typing.cast("type", hint)}
    return set().union(*(parts(a) for a in typing.get_args(hint)), set())


def hints(kind: type) -> dict[str, object]:
    """The types of a dataclass's fields, of those that type checkers alone import as of any other."""
    known = {n: v for m in MODULES for n, v in vars(m).items()}
    return typing.get_type_hints(kind, known, {"Any": typing.Any} if kind.__name__ != "Step" else None)


def test_every_field_has_an_entry() -> None:
    """A new field without one fails here, and so does an entry of a field that is no more."""
    expected = {name: {f.name for f in dataclasses.fields(kind)} for name, kind in kinds().items()}

    assert {name: set(entries) for name, entries in FIELDS.items()} == expected


def test_letters_name_audiences() -> None:
    """An entry that names nobody by a slip would read as the auditor's alone."""
    assert {letter for entries in FIELDS.values() for letters in entries.values() for letter in letters} == set("sim")


@pytest.mark.parametrize("audience", [a for a in AUDIENCES if a != "auditor"])
def test_what_is_shown_whole_hides_nothing_inside(audience: visibility.Audience) -> None:
    """A field whose content is not looked at in its turn is shown only to who may see all of that content."""
    leaks = [
        (name, field, inner.__name__, part)
        for name, kind in kinds().items()
        for field, hint in hints(kind).items()
        if may_see(name, field, audience) and f"{name}.{field}" not in INSIDE
        for inner in parts(hint)
        if inner.__name__ in FIELDS
        for part in FIELDS[inner.__name__]
        if not may_see(inner.__name__, part, audience)
    ]

    assert leaks == []


def test_an_unknown_field_is_the_auditors_alone() -> None:
    """Default deny, for a new field and for a kind that the table does not have."""
    document = {"digest": "d", "new": "secret"}
    shown = {a: view(document, Scope(a)) for a in AUDIENCES}

    assert shown == {a: document if a == "auditor" else {"digest": "d"} for a in AUDIENCES}
    assert view({"anything": 1}, Scope("initiator"), "NoSuchKind") == {}


def test_the_salt_is_shown_to_nobody_but_the_auditor() -> None:
    """Whoever sees a part could guess what is hidden and hold it to the digest."""
    assert [a for a in AUDIENCES if may_see("Facts", "salt", a)] == ["auditor"]


def test_types() -> None:
    """The check above sees through unions, tuples and mappings."""
    hint = hints(model.Case)["parties"]

    assert parts(hint) == {model.Party}
    assert parts(model.Due | types.NoneType) == {model.Due}
