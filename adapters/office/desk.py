"""The auditor's desk: finding decisions, drawing samples, duties not done, and listings that were reversed.

It reads projections, events and counter checks, and opens no decision. What it shows is put on record like any other
look at a subject.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, or_, select
from sqlalchemy import tuple_ as row_of

from adapters.ledger.database import read
from adapters.ledger.tables import cases, decisions, events, obligations
from adapters.office import looks
from adapters.office.access import require_role
from adapters.office.desk_model import FoundDecision, FoundPage, Sample, Search, Stratum, StratumCount
from adapters.office.errors import FieldError, InvalidError, storable
from adapters.office.looks import LookPage
from adapters.office.model import PAGE_LIMIT, Principal
from adapters.office.ports import Context, beginning_of

MAX_SAMPLE = 10_000
"""Decisions in one sample; nobody reviews more."""
MAX_TEXT = 500
ESCAPED = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})


def find(context: Context, principal: Principal, search: Search, after: str | None, limit: int) -> FoundPage:
    """See `Office.find_decisions`."""
    require_role(principal, "auditor")
    check_limit(limit)
    check(search)
    key = (decisions.c.case_id, decisions.c.made_at, decisions.c.digest)
    query = _found(search)
    if after is not None:
        query = query.where(row_of(*key) < row_of(*place_of(after, 3)))
    with read(context.engine) as conn:
        rows = conn.execute(query.order_by(*(c.desc() for c in key)).limit(limit + 1)).all()
    items = tuple(map(_decision, rows[:limit]))
    looks.record(context, principal, (i.subject for i in items), what="audit-find", about=described(search))
    last = rows[limit - 1] if len(rows) > limit else None
    return FoundPage(items, f"{last.case_id}~{last.made_at}~{last.digest}" if last is not None else None)


def sample(
    context: Context,
    principal: Principal,
    search: Search,
    *,
    size: int,
    seed: str,
    by: Stratum | None,
    until: str | None,
) -> Sample:
    """See `Office.sample_decisions`."""
    require_role(principal, "auditor")
    check(search)
    if not 1 <= size <= MAX_SAMPLE:
        raise InvalidError((FieldError("size", "range", f"应为 1 至 {MAX_SAMPLE}"),))
    if not 0 < len(seed) <= MAX_TEXT or not storable(seed):
        raise InvalidError((FieldError("seed", "required", "须写明随机种子，另一人凭它抽出同样的样本"),))
    before = until or context.now()
    if not storable(before):
        raise InvalidError((FieldError("until", "wrong-value", "应为时刻"),))
    stratum = {"department": cases.c.initiator, "list": cases.c.list_id, None: cases.c.id}[by]
    with read(context.engine) as conn:
        whole = _found(search, decisions.c.digest, stratum.label("stratum")).where(decisions.c.made_at < before)
        strata: dict[str, list[str]] = {}
        for row in conn.execute(whole):
            strata.setdefault(row.stratum if by else "", []).append(row.digest)
        every = sorted(digest for digests in strata.values() for digest in digests)
        shares = _shares({name: len(digests) for name, digests in strata.items()}, size)
        drawn = [
            digest for name, digests in strata.items() for digest in sorted(digests, key=_lot(seed))[: shares[name]]
        ]
        items = _decisions(conn, sorted(drawn, key=_lot(seed)))
    about = f"{described(search)} seed={seed} size={size} by={by} before={before}".strip()
    looks.record(context, principal, (i.subject for i in items), what="audit-sample", about=about)
    return Sample(
        seed=seed,
        size=size,
        by=by,
        until=before,
        population=len(every),
        population_digest=hashlib.sha256("".join(f"{d}\n" for d in every).encode()).hexdigest(),
        strata=tuple(StratumCount(name, len(strata[name]), shares[name]) for name in sorted(strata)) if by else (),
        items=items,
    )


def look_history(
    context: Context,
    principal: Principal,
    *,
    subject: str | None,
    department: str | None,
    case: str | None,
    since: dt.date | None,
    until: dt.date | None,
    after: str | None,
    limit: int,
) -> LookPage:
    """See `Office.audit_looks`."""
    require_role(principal, "auditor")
    asked = {"subject": subject, "department": department, "case": case}
    check_texts(asked)
    with read(context.engine) as conn:
        found = looks.page(
            conn, subject=subject, department=department, case=case, since=beginning_of(since) if since else None,
            until=end_of(until), after=after, limit=limit,
        )  # fmt: skip
    people = {i.subject for i in found.items if i.subject} or ({subject} if subject else set())
    about = " ".join(f"{name}={value}" for name, value in asked.items() if value)
    looks.record(context, principal, people, what="audit-looks", case=case, about=about)
    return found


def check(search: Search) -> None:
    """Raise `InvalidError` unless everything that is asked can be looked for."""
    texts = {name: value for name, value in asdict(search).items() if isinstance(value, str)}
    check_texts(texts)
    if search.article is not None and search.law is None:
        raise InvalidError((FieldError("law", "required", "写明条文的，须写明法律文件"),))


def check_texts(texts: Mapping[str, str | None]) -> None:
    """Raise `InvalidError` for text that no database would look for."""
    wrong = [name for name, value in texts.items() if value is not None and not _plain(value)]
    if wrong:
        raise InvalidError(tuple(FieldError(name, "wrong-value", "过长，或者含有不允许的字符") for name in wrong))


def _plain(text: str) -> bool:
    return len(text) <= MAX_TEXT and storable(text)


def check_limit(limit: int) -> None:
    """Raise `InvalidError` unless so many fit on a page."""
    if not 1 <= limit <= PAGE_LIMIT:
        raise InvalidError((FieldError("limit", "range", f"应为 1 至 {PAGE_LIMIT}"),))


def place_of(after: str, parts: int) -> list[str]:
    """The place after which a page begins.

    Raises:
        InvalidError: it is not one that a page gave.

    """
    place = after.split("~")
    if len(place) != parts or not _plain(after):
        raise InvalidError((FieldError("after", "cursor", "不是本系统给出的翻页标记"),))
    return place


def end_of(day: dt.date | None) -> str | None:
    """The instant at which a day is over."""
    return beginning_of(day + dt.timedelta(days=1)) if day is not None and day < dt.date.max else None


def described(search: Any) -> str:
    """What was looked for, for the record."""
    return " ".join(f"{name}={value}" for name, value in asdict(search).items() if value is not None)


_SHOWN = (
    decisions.c.digest, decisions.c.case_id, decisions.c.policy_version, decisions.c.as_of, decisions.c.made_at,
    cases.c.subject_id, cases.c.list_id, cases.c.list_title, cases.c.initiator, cases.c.state, cases.c.ground,
    cases.c.total, cases.c.decision,
)  # fmt: skip


def _found(search: Search, *columns: Any) -> Select[Any]:
    """Decisions with their cases. What is asked about obligations and events is looked for case by case."""
    query = select(*(columns or _SHOWN)).join_from(cases, decisions, decisions.c.case_id == cases.c.id)
    wanted: list[tuple[str | None, ColumnElement[Any]]] = [
        (search.initiator, cases.c.initiator),
        (search.list, cases.c.list_id),
        (search.policy, decisions.c.policy_version),
    ]
    query = query.where(*(column == value for value, column in wanted if value is not None))
    if search.since is not None:
        query = query.where(decisions.c.made_at >= beginning_of(search.since))
    if (end := end_of(search.until)) is not None:
        query = query.where(decisions.c.made_at < end)
    if search.officer is not None:
        acted = and_(events.c.case_id == cases.c.id, events.c.actor_officer == search.officer)
        query = query.where(exists().where(acted))
    owed = list(_of_obligation(search))
    of_case = obligations.c.case_id == cases.c.id
    if search.outcome is not None:
        answered = exists().where(of_case, obligations.c.outcome == search.outcome, *owed)
        case_ended = or_(cases.c.state == search.outcome, cases.c.ground == search.outcome)
        query = query.where(or_(case_ended, answered))
    if owed:
        query = query.where(exists().where(of_case, *owed))
    return query


def _of_obligation(search: Search) -> Iterable[ColumnElement[bool]]:
    if search.implementer is not None:
        yield obligations.c.department_id == search.implementer
    if search.rule is not None:
        yield _holds(obligations.c.rules, f'"{search.rule}"')
    if search.law is not None:
        article = f'"{search.article}"]' if search.article is not None else ""
        yield _holds(obligations.c.basis, f'["{search.law}", {article}')


def _holds(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    """Whether a list that is kept as JSON text has an item that is written like this."""
    return column.like(f"%{text.translate(ESCAPED)}%", escape="\\")


def _decisions(conn: Connection, digests: list[str]) -> tuple[FoundDecision, ...]:
    """Decisions by digest, in the order given."""
    found = {}
    for first in range(0, len(digests), 500):
        query = select(*_SHOWN).join_from(decisions, cases, decisions.c.case_id == cases.c.id)
        for row in conn.execute(query.where(decisions.c.digest.in_(digests[first : first + 500]))):
            found[row.digest] = _decision(row)
    return tuple(found[digest] for digest in digests)


def _decision(row: Any) -> FoundDecision:
    return FoundDecision(
        row.digest, row.case_id, row.subject_id, row.list_id, row.list_title, row.initiator, row.policy_version,
        dt.date.fromisoformat(row.as_of), row.made_at, row.state, row.ground, row.total, row.decision == row.digest,
    )  # fmt: skip


def _lot(seed: str) -> Callable[[str], str]:
    return lambda digest: hashlib.sha256(f"{seed}:{digest}".encode()).hexdigest()


def _shares(population: Mapping[str, int], size: int) -> dict[str, int]:
    """How many of each stratum are drawn: in proportion, what is left over by largest remainders, then by name."""
    total = sum(population.values())
    if size >= total:
        return dict(population)
    shares = {name: size * count // total for name, count in population.items()}
    left = sorted(population, key=lambda name: (-(size * population[name] % total), name))
    for name in left[: size - sum(shares.values())]:
        shares[name] += 1
    return shares
