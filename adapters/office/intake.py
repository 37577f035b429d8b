"""Collection (归集): records and relations of subjects, each from the department that produced it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Table, insert, select, tuple_
from sqlalchemy.exc import IntegrityError

from adapters.ledger.database import VersionConflictError, read, retrying, write
from adapters.ledger.policies import UnknownPolicyError
from adapters.ledger.tables import records, relations
from adapters.ledger.vault import vault_of
from adapters.office.access import require_role
from adapters.office.errors import ConflictError, FieldError, InvalidError, NotFoundError, storable
from adapters.office.facts import parse_facts
from adapters.office.filing import RECORD
from adapters.office.model import Party, Principal, RecordResult
from adapters.office.ports import Context
from adapters.office.subjects import Resolved, digest_of, find, store, validate
from engine.decision.conditions import AS_OF, Test, compile_condition
from engine.language.ir import ROLES, Policy
from engine.language.scalars import ScalarError, date

MAX_LINES = 10_000
"""Lines in one call: a day's output of a county department, and still one short transaction."""
MAX_ID = 200
"""Characters in a supplier's own id."""
T = TypeVar("T")
CHUNK = 400
"""Parameters in one IN list; SQLite's oldest limit is 999."""


@dataclass(frozen=True, slots=True)
class _Line:
    """A line that is well formed: the row it becomes but for subject ids, and the parties it names."""

    number: int
    table: Table
    key: tuple[str, str]  # kind or role, supplier's id
    row: dict[str, Any]
    parties: dict[str, tuple[Party, str, str]]  # column → party, code, digest


def put_records(context: Context, principal: Principal, lines: Sequence[Mapping[str, Any]]) -> tuple[RecordResult, ...]:
    """See `Office.put_records`."""
    require_role(principal, "initiator", "implementer")
    if not 1 <= len(lines) <= MAX_LINES:
        raise InvalidError((FieldError("lines", "range", f"一次 1 至 {MAX_LINES} 行，现为 {len(lines)} 行"),))
    with read(context.engine) as conn:
        try:
            policy = context.policies.current(conn, context.now())
        except UnknownPolicyError as error:
            message = "尚无生效的政策"
            raise NotFoundError(message, code="no-policy") from error
    reader = _Reader(context, principal, policy)
    results: dict[int, RecordResult] = {}
    good: list[_Line] = []
    for number, line in enumerate(lines, start=1):
        parsed = reader.read(number, line)
        if isinstance(parsed, RecordResult):
            results[number] = parsed
        else:
            good.append(parsed)
    try:
        results |= retrying(lambda: _store(context, principal, good))
    except VersionConflictError as error:
        raise ConflictError from error
    return tuple(results[n] for n in sorted(results))


class _Reader:
    """Checks lines against the catalogue, compiling each kind's exclusion once."""

    def __init__(self, context: Context, principal: Principal, policy: Policy) -> None:
        self.context, self.principal, self.policy = context, principal, policy
        self.today = context.today()
        self._excluded: dict[str, Test] = {}

    def read(self, number: int, line: object) -> _Line | RecordResult:
        """One line, or why it is rejected."""
        errors: list[FieldError] = []
        if not isinstance(line, Mapping):
            errors.append(FieldError("", "not-an-object", "每行应为一个 JSON 对象"))
            return RecordResult(number, "rejected", errors=tuple(errors))
        external = line.get("id")
        if not isinstance(external, str) or not 0 < len(external) <= MAX_ID or not storable(external):
            errors.append(FieldError("id", "required", f"本单位编号，1 至 {MAX_ID} 个字符"))
        if ("record" in line) == ("relation" in line):
            errors.append(FieldError("record", "one-of", "record 与 relation 须且只须填一项"))
        if errors:
            return RecordResult(number, "rejected", errors=tuple(errors))
        parsed = self._record(number, line) if "record" in line else self._relation(number, line)
        return parsed if isinstance(parsed, _Line) else RecordResult(number, "rejected", errors=tuple(parsed))

    def _party(self, line: Mapping[str, Any], name: str, errors: list[FieldError]) -> tuple[Party, str, str] | None:
        raw = line.get(name)
        if not isinstance(raw, Mapping) or not all(isinstance(raw.get(k, ""), str) for k in ("kind", "code", "name")):
            errors.append(FieldError(name, "required", "应为 {kind, code, name}，均为文字"))
            return None
        party = Party(raw.get("kind", ""), raw.get("code", ""), raw.get("name", ""))
        code, wrong = validate(party, name)
        errors += wrong
        return None if wrong else (party, code, digest_of(self.context, party.kind, code))

    def _external(self, kind: str, line: Mapping[str, Any]) -> str:
        """The keyed digest of the supplier's own id: it tells a line seen before, and not whose it was."""
        own = f"supplied:{self.principal.department}/{kind}/{line['id']}"
        return self.context.code_digest(own)

    def _common(self, kind: str, line: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": self.context.new_id(), "supplier": self.principal.department,
            "external_id": self._external(kind, line),
            "received_at": self.context.now(), "key_id": self.principal.key_id,
        }  # fmt: skip

    def _record(self, number: int, line: Mapping[str, Any]) -> _Line | list[FieldError]:
        errors = _unknown_keys(line, {"record", "id", "subject", "date", "fields"})
        kind = self.policy.records.get(line["record"]) if isinstance(line["record"], str) else None
        if kind is None:
            errors.append(FieldError("record", "unknown-record", f"应为：{'、'.join(sorted(self.policy.records))}"))
            return errors
        if kind.supplied_by and self.principal.department not in kind.supplied_by:
            errors.append(FieldError("record", "not-supplier", f"{kind.title}不由该部门报送"))
        subject = self._party(line, "subject", errors)
        day = self._day(line.get("date"), errors)
        fields = line.get("fields", {})
        if not isinstance(fields, Mapping):
            errors.append(FieldError("fields", "not-an-object", "应为对象"))
            return errors
        values, wrong = parse_facts(kind.fields, fields, "fields")
        errors += wrong
        if errors or subject is None:
            return errors
        excluded = False
        if kind.excluded is not None:
            test = self._excluded.get(kind.id)
            if test is None:
                test = self._excluded[kind.id] = compile_condition(kind.excluded)
            # Unknown is not excluded: a record leaves the basis only on proof that the law takes it out.
            excluded = test({**values, "subject.kind": subject[0].kind, AS_OF: self.today}) is True
        row = {
            **self._common(kind.id, line), "kind": kind.id, "date": day, "excluded": excluded,
            "fields": json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode(),
        }  # fmt: skip
        return _Line(number, records, (kind.id, row["external_id"]), row, {"subject_id": subject})

    def _relation(self, number: int, line: Mapping[str, Any]) -> _Line | list[FieldError]:
        errors = _unknown_keys(line, {"relation", "id", "subject", "person"})
        role = line["relation"]
        if role not in ROLES:
            errors.append(FieldError("relation", "unknown-role", f"应为：{'、'.join(ROLES)}"))
        subject, person = self._party(line, "subject", errors), self._party(line, "person", errors)
        if errors or subject is None or person is None:
            return errors
        parties = {"subject_id": subject, "related_id": person}
        row = {**self._common(role, line), "role": role}
        return _Line(number, relations, (role, row["external_id"]), row, parties)

    def _day(self, raw: object, errors: list[FieldError]) -> str | None:
        if raw is None:
            return None
        try:
            day = date(raw) if isinstance(raw, str) else None
        except ScalarError as error:
            errors.append(FieldError("date", "wrong-value", error.message))
            return None
        if day is None:
            errors.append(FieldError("date", "wrong-value", "应为 2026-01-31 这样的文字"))
            return None
        if day > self.today:
            errors.append(FieldError("date", "future", "日期不能晚于今天"))
        return day.isoformat()


def _unknown_keys(line: Mapping[str, Any], known: set[str]) -> list[FieldError]:
    return [FieldError(str(k), "unknown-field", "没有这一项") for k in line if k not in known]


def _store(context: Context, principal: Principal, lines: list[_Line]) -> dict[int, RecordResult]:
    results: dict[int, RecordResult] = {}
    if not lines:
        return results
    with write(context.engine) as conn:
        seen: dict[tuple[str, str, str], str] = {}
        for table in (records, relations):
            keys = [line.key for line in lines if line.table is table]
            seen |= {(table.name, *key): id_ for key, id_ in _stored(conn, table, principal, keys).items()}
        on_file: dict[str, tuple[str, str]] = {}
        for chunk in _chunks(sorted({d for line in lines for _, _, d in line.parties.values()})):
            on_file |= find(conn, chunk)
        parties: dict[str, Resolved] = {}
        rows: dict[str, list[dict[str, Any]]] = {"records": [], "relations": []}
        accepted: list[str] = []
        for line in lines:
            key = (line.table.name, *line.key)
            if key in seen:
                results[line.number] = RecordResult(line.number, "duplicate", seen[key])
                continue
            ids, errors = _subject_ids(context, line, on_file, parties)
            if errors:
                results[line.number] = RecordResult(line.number, "rejected", errors=errors)
                continue
            seen[key] = line.row["id"]
            rows[line.table.name].append(line.row | ids)
            accepted.append(ids["subject_id"])
            results[line.number] = RecordResult(
                line.number, "accepted", line.row["id"], excluded=line.row.get("excluded", False)
            )
        store(conn, parties.values(), context.now())
        vault = vault_of(conn)
        vault.hold(conn, accepted)
        for row in rows["records"]:
            row["fields"] = vault.seal(conn, row["subject_id"], row["fields"], RECORD)
        try:
            for table in (records, relations):
                if rows[table.name]:
                    conn.execute(insert(table), rows[table.name])
        except IntegrityError as error:  # another call brought the same ids meanwhile; read again which
            raise VersionConflictError("records") from error
    return results


def _subject_ids(
    context: Context, line: _Line, on_file: dict[str, tuple[str, str]], parties: dict[str, Resolved]
) -> tuple[dict[str, str], tuple[FieldError, ...]]:
    """The opaque ids for a line's parties; new ones are noted in `on_file` and `parties`."""
    ids: dict[str, str] = {}
    for column, (party, _, digest) in line.parties.items():
        kind = on_file[digest][1] if digest in on_file else party.kind
        if kind != party.kind:
            path = "subject.kind" if column == "subject_id" else "person.kind"
            return {}, (FieldError(path, "kind-differs", f"该代码已登记为 {kind}"),)
    for column, (party, code, digest) in line.parties.items():
        new = digest not in on_file
        if new:
            on_file[digest] = (context.new_subject_id(), party.kind)
        ids[column] = on_file[digest][0]
        fresh = new or (digest in parties and parties[digest].new)
        if fresh or party.name:
            parties[digest] = Resolved(ids[column], party.kind, digest, code, party.name, fresh)
    return ids, ()


def _stored(
    conn: Connection, table: Table, principal: Principal, keys: list[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    kind = table.c.kind if table is records else table.c.role
    found: dict[tuple[str, str], str] = {}
    for chunk in _chunks(sorted(set(keys))):
        query = select(kind, table.c.external_id, table.c.id).where(
            table.c.supplier == principal.department, tuple_(kind, table.c.external_id).in_(chunk)
        )
        found |= {(row[0], row[1]): row[2] for row in conn.execute(query)}
    return found


def _chunks(items: list[T]) -> Iterable[list[T]]:
    return (items[i : i + CHUNK] for i in range(0, len(items), CHUNK))
