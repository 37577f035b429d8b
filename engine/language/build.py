"""From documents to a policy: each kind is built after those it refers to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from engine.language import build_procedure, build_retention, build_rules, build_tables
from engine.language.build_memoranda import memorandum
from engine.language.build_tests import tests
from engine.language.bundle import LISTING, LISTING_FIELDS, SUBJECT_KIND, Bundle
from engine.language.ir import Memorandum, Policy
from engine.language.reading import Document


def version_of(texts: Mapping[str, str]) -> str:
    """SHA-256 over (path, SHA-256 of the text) pairs in path order: equal content is the same version anywhere."""
    whole = hashlib.sha256()
    for path, text in sorted(texts.items()):
        whole.update(f"{hashlib.sha256(text.encode()).hexdigest()}  {path}\n".encode())
    return whole.hexdigest()


def build(bundle: Bundle, texts: Mapping[str, str]) -> Policy:
    """The policy that the bundle's documents make. If anything was reported as an error, it is not fit for use."""
    bundle.fields[LISTING] = {**LISTING_FIELDS, SUBJECT_KIND.name: SUBJECT_KIND}
    bundle.laws.update({i: build_rules.law(d, bundle) for i, d in _of(bundle, "law")})
    departments = {i: build_rules.department(d, bundle) for i, d in _of(bundle, "department")}
    build_rules.check_mergers(bundle)
    records = {i: build_rules.record(d, bundle) for i, d in _of(bundle, "record")}
    ladders = {i: build_procedure.ladder(d, bundle) for i, d in _of(bundle, "ladder")}
    lists = {i: build_rules.list_(d, bundle) for i, d in _of(bundle, "list")}
    matters = {i: build_rules.matter(d, bundle) for i, d in _of(bundle, "matter")}
    measures = {i: build_rules.measure(d, bundle) for i, d in _of(bundle, "measure")}
    tables = {i: build_tables.table(d, bundle) for i, d in _of(bundle, "table")}
    calendars = {c.year: c for c in (build_rules.calendar(d) for _, d in _of(bundle, "calendar"))}
    retention = {i: build_retention.retention(d, bundle) for i, d in _of(bundle, "retention")}
    memoranda: dict[str, Memorandum] = {}
    for identifier, document in _of(bundle, "memorandum"):
        built = memorandum(document, bundle)
        if built is not None:
            memoranda[identifier] = built
    cases = [case for _, document in _of(bundle, "tests") for case in tests(document, memoranda, bundle)]
    return Policy(
        version=version_of(texts),
        laws=MappingProxyType(dict(bundle.laws)),
        departments=MappingProxyType(departments),
        records=MappingProxyType(records),
        lists=MappingProxyType(lists),
        measures=MappingProxyType(measures),
        matters=MappingProxyType(matters),
        tables=MappingProxyType(tables),
        memoranda=MappingProxyType(memoranda),
        calendars=MappingProxyType(calendars),
        ladders=MappingProxyType(ladders),
        tests=tuple(cases),
        sources=MappingProxyType(dict(texts)),
        retention=MappingProxyType(retention),
    )


def _of(bundle: Bundle, kind: str) -> list[tuple[str, Document[Any]]]:
    return sorted(bundle.documents.get(kind, {}).items())
