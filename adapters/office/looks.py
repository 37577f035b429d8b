"""Who looked: every read of a subject is on record before it is answered; when it cannot be, there is no answer.

The counter's questions and a party's own looks stand in `checks`, all others in `looks`; they are read as one. Neither
holds an identity code: whatever looks like one in what people write is masked before it is stored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    Row,
    Text,
    func,
    insert,
    literal,
    null,
    select,
    true,
    union_all,
    update,
)
from sqlalchemy import tuple_ as row_of

from adapters.ledger.database import Prepared, driver, read
from adapters.ledger.look_tables import looks
from adapters.ledger.private import ERASED
from adapters.ledger.tables import cases, checks, obligations
from adapters.office.access import MAX_OFFICER, is_auditor
from adapters.office.errors import FieldError, InvalidError, UnrecordedError, storable
from adapters.office.model import PAGE_LIMIT, Migration, Principal
from adapters.office.ports import Context
from engine.identity import CODE_LENGTH, normalise, schemes_for

MAX_PURPOSE = 500
"""Characters in the purpose of a look, and in its matter."""
UNSTATED = "未说明用途"
WHAT: Mapping[str, str] = {
    "check": "逢办必查", "subject-view": "本人查询", "case": "案件概况", "decision": "决定及其理由",
    "graph": "依赖关系", "events": "事件流水", "process": "程序", "obligation": "应响应事项", "obligations": "待办事项",
    "letters": "文书清单", "letter": "文书", "messages": "消息", "receipt": "凭证", "subject": "主体",
    "lookup": "按代码查主体", "migration": "模拟迁移", "impact": "测算政策变更", "replay": "重算决定",
    "erasures": "删除记录",
    "export": "导出审计档案", "audit-looks": "审计：谁查询过", "audit-find": "审计：检索决定",
    "audit-sample": "审计：抽样", "audit-duties": "审计：责任", "audit-reversals": "审计：更正与撤销",
}  # fmt: skip
"""What can be looked at, in Chinese."""
WORK: Mapping[str, str] = {
    "case": "办理案件", "graph": "办理案件", "process": "办理案件的程序", "obligation": "办理应响应事项",
    "obligations": "办理应响应事项", "letters": "办理文书", "letter": "办理文书", "messages": "接收通知",
    "receipt": "核对凭证", "migration": "适用新政策", "impact": "测算政策变更",
}  # fmt: skip
"""What a department that gives no purpose is taken to look for; of anything else the purpose is not stated."""
MASK = "〔代码已隐去〕"
_LONG = re.compile(rf"[0-9A-Z](?:[\s\-]*[0-9A-Z]){{{CODE_LENGTH - 1},}}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class LookView:
    """One look at one subject. `subject` is empty where what was shown named nobody, `case` where it was about none.

    `stated`: whoever looked gave the purpose; else it is what the work implies.
    """

    id: str
    at: str
    department: str
    officer: str
    key_id: str
    subject: str
    what: str
    case: str
    about: str
    matter: str
    purpose: str
    stated: bool


@dataclass(frozen=True, slots=True)
class LookPage:
    """Looks, the latest first. `next` is None on the last page."""

    items: tuple[LookView, ...]
    next: str | None


def stated(principal: Principal, *, purpose: str = "", matter: str = "", officer: str = "") -> Principal:
    """The principal with what they say about why they look.

    Raises:
        InvalidError: one of the texts is too long, or no text.

    """
    errors = [
        FieldError(field, "length", f"最长 {longest} 字，不得含有控制字符")
        for field, text, longest in (
            ("purpose", purpose, MAX_PURPOSE), ("matter", matter, MAX_PURPOSE), ("officer", officer, MAX_OFFICER),
        )
        if len(text) > longest or not storable(text)
    ]  # fmt: skip
    if errors:
        raise InvalidError(tuple(errors))
    given = replace(principal, purpose=purpose.strip(), matter=matter.strip())
    return replace(given, officer=officer.strip()) if officer.strip() else given


def record(
    context: Context,
    principal: Principal,
    subjects: Iterable[str],
    *,
    what: str,
    purpose: str = "",
    matter: str = "",
    case: str | None = None,
    about: str = "",
) -> None:
    """Put on record that a principal is about to be shown something about `subjects` (opaque ids).

    Call it when it is known what will be shown and before it is, outside of a transaction: it takes a connection of its
    own. It does not wait for the disk on SQLite, as counter checks do not. `purpose` and `matter` are used where the
    principal states none; without either the purpose is what the work implies, or “未说明用途”. `what` is a key of
    `WHAT`.

    Raises:
        UnrecordedError: it could not be stored; nothing may be shown.

    """
    said = principal.purpose or purpose
    shared = {
        "id": context.new_id(),
        "at": context.now(),
        "department": principal.department,
        "officer": masked_codes(principal.officer),
        "key_id": principal.key_id,
        "what": what,
        "case_id": case,
        "about": masked_codes(about),
        "matter": masked_codes(principal.matter or matter),
        "purpose": masked_codes(said) or (UNSTATED if is_auditor(principal) else WORK.get(what, UNSTATED)),
        "stated": bool(said),
    }
    rows = [shared | {"subject_id": subject} for subject in sorted(set(subjects)) or [""]]
    # past SQLAlchemy, which would cost more than the insert
    sqlite = context.engine.dialect.name == "sqlite"
    statement = _insertion(context.engine)
    with answerable(context.engine), driver(context.engine, flush=False) as cursor:
        if len(rows) == 1:
            statement.run(cursor, rows[0])
            return
        if sqlite:  # where each statement would commit by itself
            cursor.execute("BEGIN IMMEDIATE")
        statement.run_many(cursor, rows)
        if sqlite:
            cursor.execute("COMMIT")


@contextmanager
def answerable(engine: Engine) -> Iterator[None]:
    """Recording a look past SQLAlchemy: what the driver says against it means that there is no answer.

    Raises:
        UnrecordedError: the driver failed.

    """
    assert engine.dialect.dbapi is not None
    try:
        yield
    except engine.dialect.dbapi.Error as error:
        raise UnrecordedError from error


def record_case(context: Context, principal: Principal, case: str, *, what: str, about: str = "") -> None:
    """Put on record that a principal is about to be shown something of a case; of all whom it concerns."""
    with read(context.engine) as conn:
        people = people_of(conn, case)
    record(context, principal, people, what=what, case=case, about=about)


def each(context: Context, principal: Principal, found: Iterable[Migration], *, what: str) -> Iterator[Migration]:
    """Pass on what would become of cases, each put on record before it is shown."""
    for one in found:
        record_case(context, principal, one.case, what=what)
        yield one


def _insertion(engine: Engine) -> Prepared:
    """The statement, rendered once for each kind of database."""
    if engine.dialect.name not in _INSERTIONS:
        _INSERTIONS[engine.dialect.name] = Prepared(engine, insert(looks))
    return _INSERTIONS[engine.dialect.name]


_INSERTIONS: dict[str, Prepared] = {}


def masked_codes(text: str) -> str:
    """A text in which everything that is a valid identity code is masked, however it is spaced."""
    if len(text) < CODE_LENGTH:
        return text
    return _LONG.sub(_mask, _folded(text)) if _LONG.search(_folded(text)) else text


def _folded(text: str) -> str:
    """Full-width letters and figures as ASCII, one for one."""
    return "".join(chr(ord(c) - 0xFEE0) if "！" <= c <= "～" else c for c in text)


def _mask(found: re.Match[str]) -> str:
    """The run of letters and figures without those that stand in a code."""
    run = found.group()
    places = [i for i, c in enumerate(run) if c.isalnum()]
    hidden: set[int] = set()
    for start in range(len(places) - CODE_LENGTH + 1):
        window = places[start : start + CODE_LENGTH]
        if schemes_for(normalise("".join(run[i] for i in window))):
            hidden.update(range(window[0], window[-1] + 1))
    shown = []
    for i, c in enumerate(run):
        if i not in hidden:
            shown.append(c)
        elif i - 1 not in hidden:
            shown.append(MASK)
    return "".join(shown)


def people_of(conn: Connection, case: str) -> set[str]:
    """The subject of a case, and everyone whom its obligations are about."""
    whose = select(cases.c.subject_id).where(cases.c.id == case)
    targets = select(obligations.c.target_id).where(obligations.c.case_id == case)
    return set(conn.execute(whose.union(targets)).scalars())


def subjects_of(conn: Connection, case_ids: Iterable[str]) -> set[str]:
    """The subjects of cases."""
    return set(conn.execute(select(cases.c.subject_id).where(cases.c.id.in_(set(case_ids)))).scalars())


def page(
    conn: Connection,
    *,
    subject: str | None = None,
    department: str | None = None,
    case: str | None = None,
    since: str | None = None,
    until: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> LookPage:
    """Looks by subject, department or case, between two instants (`until` excluded), the latest first.

    Raises:
        InvalidError: the cursor or the limit is wrong.

    """
    if not 1 <= limit <= PAGE_LIMIT:
        raise InvalidError((FieldError("limit", "range", f"应为 1 至 {PAGE_LIMIT}"),))
    place = tuple(after.split("~")) if after is not None else None
    if place is not None and (len(place) != 3 or not storable(after or "")):  # noqa: PLR2004 - at, id, subject
        raise InvalidError((FieldError("after", "cursor", "不是本系统给出的翻页标记"),))
    asked = {"subject": subject, "department": department, "case": case}
    wanted = {name: value for name, value in asked.items() if value is not None}
    items = _latest(conn, wanted, limit + 1, since=since, until=until, place=place)
    last = items[limit - 1] if len(items) > limit else None
    return LookPage(items[:limit], f"{last.at}~{last.id}~{last.subject}" if last else None)


def latest(conn: Connection, subject: str, limit: int) -> tuple[LookView, ...]:
    """The latest looks at a subject, the latest first."""
    return _latest(conn, {"subject": subject}, limit)


def _latest(
    conn: Connection,
    wanted: Mapping[str, str],
    limit: int,
    *,
    since: str | None = None,
    until: str | None = None,
    place: tuple[str, ...] | None = None,
) -> tuple[LookView, ...]:
    parts = []
    for columns in (_LOOKS, _CHECKS):
        if columns is _CHECKS and "case" in wanted:
            continue  # a counter asks about a subject
        key = [columns[name] for name in ("at", "id", "subject")]
        whose = columns | {"subject": checks.c.subject_id} if columns is _CHECKS else columns  # as its index has it
        part = select(*columns.values()).where(*(whose[name] == value for name, value in wanted.items()))
        if since is not None:
            part = part.where(columns["at"] >= since)
        if until is not None:
            part = part.where(columns["at"] < until)
        if place is not None:
            part = part.where(row_of(*key) < row_of(*map(literal, place)))
        parts.append(select(part.order_by(*(c.desc() for c in key)).limit(limit).subquery()))
    found = union_all(*parts).subquery()
    query = select(found).order_by(found.c.at.desc(), found.c.id.desc(), found.c.subject.desc()).limit(limit)
    return tuple(map(_view, conn.execute(query)))


def forget(conn: Connection, subject: str) -> None:
    """Take out the words in which looks at a subject said what for; who looked, at what and when stays on record."""
    together = select(looks.c.id).where(looks.c.subject_id == subject)
    conn.execute(update(looks).where(looks.c.id.in_(together)).values(purpose=ERASED, matter=""))
    conn.execute(update(checks).where(checks.c.subject_id == subject).values(purpose=ERASED))


def count(conn: Connection, subject: str) -> int:
    """How many looks at a subject there are."""
    query = select(
        select(func.count()).where(looks.c.subject_id == subject).scalar_subquery()
        + select(func.count()).where(checks.c.subject_id == subject).scalar_subquery()
    )
    return int(conn.execute(query).scalar_one())


SELF = "@subject"
"""The department of a party's own looks in `checks`; no department has such an id."""

_LOOKS: dict[str, Any] = {
    "id": looks.c.id, "at": looks.c.at, "department": looks.c.department, "officer": looks.c.officer,
    "key_id": looks.c.key_id, "subject": looks.c.subject_id.label("subject"), "what": looks.c.what,
    "case": looks.c.case_id.label("case"), "about": looks.c.about, "matter": looks.c.matter,
    "purpose": looks.c.purpose, "stated": looks.c.stated,
}  # fmt: skip
_CHECKS: dict[str, Any] = {
    "id": checks.c.id, "at": checks.c.at, "department": checks.c.department, "officer": checks.c.officer,
    "key_id": checks.c.key_id, "subject": func.coalesce(checks.c.subject_id, "").label("subject"),
    "what": literal("check", Text).label("what"), "case": null().label("case"),
    "about": literal("", Text).label("about"), "matter": checks.c.matter,
    "purpose": checks.c.purpose, "stated": true().label("stated"),
}  # fmt: skip


def _view(row: Row[Any]) -> LookView:
    what = "subject-view" if row.department == SELF else row.what
    return LookView(
        row.id, row.at, row.department, row.officer, row.key_id, row.subject, what, row.case or "", row.about,
        row.matter, row.purpose, bool(row.stated),
    )  # fmt: skip
