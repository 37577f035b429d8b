"""The counter check (逢办必查): what a clerk must know about a subject for one matter, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, bindparam, exists, false, insert, or_, select, true

from adapters.ledger.activations import in_force_id
from adapters.ledger.database import Prepared, driver
from adapters.ledger.tables import cases, checks, limits, obligations, subjects
from adapters.office.access import known_form, require_role
from adapters.office.errors import FieldError, ForbiddenError, InvalidError, NotFoundError, storable
from adapters.office.looks import MAX_PURPOSE, answerable, masked_codes
from adapters.office.model import (
    CheckRequest,
    CheckResult,
    DirectiveView,
    LimitView,
    OutstandingDocument,
    Principal,
    VerificationStep,
)
from adapters.office.ports import Context
from engine.identity import InvalidCode, check_code, normalise, scheme_of, schemes_for
from engine.language.ir import FAVOURABLE, Matter, Policy

IN_FORCE = frozenset({"in-force", "done"})
OWED = IN_FORCE | {"open", "accepted"}


class Counter:
    """Answers checks. Its statements are built once: a check is the call that is made most."""

    def __init__(self, context: Context) -> None:
        self._context = context
        engine = context.engine
        self._find = Prepared(
            engine, _statement(or_(subjects.c.code_digest == bindparam("first"),
                                   subjects.c.code_digest == bindparam("second")))
        )  # fmt: skip
        self._find_by_id = Prepared(engine, _statement(subjects.c.id == bindparam("first")))
        self._limits = Prepared(
            engine,
            select(limits.c.case_id, limits.c.rule, limits.c.table_id, limits.c.amount)
            .join(
                cases, and_(cases.c.id == limits.c.case_id, cases.c.state == "in-force", cases.c.suspended == false())
            )
            .where(limits.c.subject_id == bindparam("subject"), limits.c.department_id == bindparam("department"))
            .order_by(limits.c.case_id, limits.c.rule),
        )
        self._log = Prepared(engine, insert(checks))
        self._current = Prepared(engine, in_force_id())

    def check(self, principal: Principal, request: CheckRequest) -> CheckResult:
        """See `Office.check`."""
        require_role(principal, "implementer", "initiator")
        digests = self._named(request)
        # a flush would cost several times the whole answer; see docs/decisions/0006
        with answerable(self._context.engine), driver(self._context.engine, flush=False) as cursor:
            now = self._context.now()
            rows = self._rows(cursor, request, digests, now)
            policy = self._policy(cursor, rows, now)
            matter = _matter(policy, principal, request)
            result = self._answer(cursor, principal, matter, rows)
            told = [[d.obligation, d.effect] for d in result.directives]
            self._log.run(
                cursor,
                {
                    "id": result.check, "at": now, "department": principal.department,
                    "officer": masked_codes(principal.officer), "key_id": principal.key_id,
                    "subject_id": rows[0].subject if rows else None, "matter": request.matter,
                    "purpose": masked_codes(request.purpose.strip()), "answer": json.dumps(told, separators=(",", ":")),
                },
            )  # fmt: skip
        return result

    def _named(self, request: CheckRequest) -> tuple[str, ...]:
        """The digests that the code may have; none when the subject is named by id."""
        errors = []
        if not 0 < len(request.purpose.strip()) <= MAX_PURPOSE or not storable(request.purpose):
            errors.append(FieldError("purpose", "required", f"须写明查询用途，最长 {MAX_PURPOSE} 字"))
        if (request.code is None) == (request.subject is None):
            errors.append(FieldError("code", "one-of", "统一社会信用代码（身份号码）与主体编号须且只须填一项"))
        if errors:
            raise InvalidError(tuple(errors))
        if request.code is None:
            return ()
        if request.kind is not None:
            try:
                code = check_code(request.kind, request.code)
            except InvalidCode as error:
                raise InvalidError((FieldError("code", "invalid-code", str(error)),)) from error
            return (self._context.code_digest(f"{scheme_of(request.kind)}:{code}"),)
        schemes = schemes_for(request.code)
        if not schemes:
            # Say what is wrong with it as the kind that it looks like: eighteen digits are a person's number.
            digits = normalise(request.code)[:17].isdigit() and not normalise(request.code).startswith("9")
            try:
                check_code("natural-person" if digits else "enterprise", request.code)
            except InvalidCode as error:
                raise InvalidError((FieldError("code", "invalid-code", str(error)),)) from error
        if "organisation" in schemes and "person" in schemes:
            raise InvalidError((FieldError("kind", "required", "该号码兼合两种编码规则，须写明主体类型"),))
        code = normalise(request.code)
        return tuple(self._context.code_digest(f"{scheme}:{code}") for scheme in schemes)

    def _rows(self, cursor: Any, request: CheckRequest, digests: Sequence[str], now: str) -> list[_Found]:
        if digests:
            values = {"first": digests[0], "second": digests[-1], "matter": request.matter, "now": now}
            return [_Found(*row) for row in self._find.run(cursor, values).fetchall()]
        values = {"first": known_form(str(request.subject)), "matter": request.matter, "now": now}
        return [_Found(*row) for row in self._find_by_id.run(cursor, values).fetchall()]

    def _policy(self, cursor: Any, rows: Sequence[_Found], now: str) -> Policy:
        found = rows[0].activation if rows else (self._current.run(cursor, {"now": now}).fetchone() or (None,))[0]
        if found is None:
            message = "尚无生效的政策"
            raise NotFoundError(message, code="no-policy")
        return self._context.policies.activated(found)

    def _answer(self, cursor: Any, principal: Principal, matter: Matter, rows: Sequence[_Found]) -> CheckResult:
        check = self._context.new_id()
        if not rows:
            return CheckResult(check, matter.id, known=False)
        severe = any(row.severe for row in rows)
        told: list[DirectiveView] = []
        suspended: list[DirectiveView] = []
        steps: dict[str, str] = {}
        for row in rows:
            if row.obligation is None or row.rests:
                continue
            favourable = row.effect in FAVOURABLE
            if row.state not in (OWED if favourable else IN_FORCE):
                continue
            view = DirectiveView(
                row.effect, row.measure, row.title, row.department, row.list, row.obligation,
                tuple((law, article) for law, article in json.loads(row.basis)), bool(row.marked),
            )  # fmt: skip
            if severe and row.kind == "incentive":
                suspended.append(view)
                continue
            told.append(view)
            if row.effect == "verify-further":
                steps.update(json.loads(row.steps))
        tolerant = any(d.effect == "tolerate-missing" for d in told)
        lent: tuple[LimitView, ...] = ()
        if not severe:
            for subject in sorted({row.subject for row in rows if row.limited}):
                values = {"subject": subject, "department": principal.department}
                lent += tuple(LimitView(*row) for row in self._limits.run(cursor, values).fetchall())
        return CheckResult(
            check=check,
            matter=matter.id,
            known=True,
            directives=tuple(told),
            documents=tuple(
                OutstandingDocument(d.id, d.title, d.may_be_outstanding.words)
                for d in matter.documents
                if tolerant and d.may_be_outstanding is not None
            ),
            verification=tuple(VerificationStep(step, title) for step, title in steps.items()),
            limits=lent,
            suspended=tuple(suspended),
        )


def _matter(policy: Policy, principal: Principal, request: CheckRequest) -> Matter:
    matter = policy.matters.get(request.matter)
    if matter is None:
        raise InvalidError((FieldError("matter", "unknown-matter", "没有这个办理事项"),))
    if request.department not in {None, principal.department}:
        message = "只能以本部门名义查询"
        raise ForbiddenError(message, code="other-department")
    if matter.departments and principal.department not in matter.departments:
        message = f"“{matter.title}”不由该部门办理"
        raise ForbiddenError(message, code="not-your-matter")
    return matter


class _Found(NamedTuple):
    """A row of `_statement`."""

    subject: str
    severe: bool
    limited: bool
    activation: int | None  # the one in force
    obligation: str | None
    state: str | None
    kind: str | None
    effect: str
    measure: str
    title: str
    department: str
    list: str
    basis: str
    steps: str
    marked: bool
    rests: bool


def _of_case(column: ColumnElement[bool]) -> ScalarSelect[bool]:
    return select(column).where(cases.c.id == obligations.c.case_id).scalar_subquery()


def _statement(named: ColumnElement[bool]) -> Select[Any]:
    """One row for each obligation on the matter, at least one for each subject found; flags repeat on each."""
    o = obligations.c
    severe = exists().where(
        cases.c.subject_id == subjects.c.id, cases.c.severe == true(), cases.c.list_kind == "sanction",
        cases.c.state == "in-force", cases.c.suspended == false(),
    )  # fmt: skip
    return (
        select(
            subjects.c.id, severe,
            exists().where(limits.c.subject_id == subjects.c.id), in_force_id().scalar_subquery(),
            o.id, o.state, o.kind, o.effect, o.measure, o.title, o.department_id, o.list_id,
            o.basis, o.steps, _of_case(cases.c.marked), _of_case(cases.c.suspended),
        )
        .select_from(
            subjects.outerjoin(
                obligations,
                and_(
                    o.target_id == subjects.c.id, o.matter == bindparam("matter"),
                    or_(*(o.state == state for state in sorted(OWED))),
                    o.effect.is_not(None), o.duty != "transmit",
                ),
            )
        )
        .where(named)
        .order_by(o.due_on, o.id)
    )  # fmt: skip
