"""Which keys of the documents introduce a name, and which ones mention it: `Model.key`, or `key` in any raw model.

A name is of a kind of document (`law`, `department` …), whose file bears it, or it is local to one: an `article` of a
law, a `fact` of a list or memorandum, a `field` of a record kind, a `rule` of a memorandum, a `step` or `material` of
a matter, an `input` or `output` of a table, a `person` in a test.
"""

from __future__ import annotations

from collections.abc import Mapping

DEFINED: Mapping[str, str] = {
    "RawLaw.law": "law",
    "RawDepartment.department": "department",
    "RawRecord.record": "record",
    "RawList.list": "list",
    "RawMeasure.measure": "measure",
    "RawMatter.matter": "matter",
    "RawTable.table": "table",
    "RawLadder.ladder": "ladder",
    "RawRetention.retention": "retention",
    "RawMemorandum.memorandum": "memorandum",
    "RawDocument.id": "material",
    "RawRule.id": "rule",
    "RawDerivation.fact": "fact",
    "RawTestRelation.id": "person",
}
"""The value introduces a name."""
DEFINED_KEYS: Mapping[str, str] = {
    "RawLaw.articles": "article",
    "RawRecord.fields": "field",
    "RawList.facts": "fact",
    "RawTable.inputs": "input",
    "RawTable.outputs": "output",
    "RawMatter.verification": "step",
}
"""The keys of the mapping introduce names."""
NAMED: Mapping[str, str] = {
    "law": "law",
    "article": "article",
    "merged_into": "department",
    "supplied_by": "department",
    "filed_by": "department",
    "departments": "department",
    "authority": "department",
    "by": "department",
    "limit_by": "department",
    "to": "department",
    "record": "record",
    "list": "list",
    "lists": "list",
    "oblige": "measure",
    "advise": "measure",
    "measure": "measure",
    "after": "measure",
    "matter": "matter",
    "RawMeasure.steps": "step",
    "RawConsequence.limit": "table",
    "RawLimit.amount": "output",
    "of": "fact",
    "ladder": "ladder",
    "tests": "memorandum",
    "overrides": "rule",
    "fires": "rule",
    "silent": "rule",
    "unknown": "fact",
    "without": "fact",
    "date": "fact",
    "number": "fact",
    "proof": "fact",
    "target": "person",
}
"""The value, or each item of it, mentions a name. Keys whose values are dates or texts are told by their form."""
NAMED_KEYS: Mapping[str, str] = {
    "RawTestRecord.fields": "field",
    "RawCase.facts": "fact",
    "RawExpect.derived": "fact",
    "RawExpect.unknown": "rule",
    "RawExpect.measures": "measure",
    "RawTerm.until_performed": "fact",
    "RawRow.then": "output",
}
"""The keys of the mapping mention names."""
UNNAMED = frozenset({"RawPublicity.channels", "RawKeeping.id"})
"""Ids that belong to nothing else."""


def look_up(table: Mapping[str, str], model: str, key: str) -> str | None:
    """The entry for a key of a raw model."""
    return table.get(f"{model}.{key}") or table.get(key)
