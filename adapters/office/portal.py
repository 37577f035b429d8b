"""The subject's own view: a code handed over by the initiating department, a short session, and one party's case.

A code is good once, for one party of one case. Code and token are kept as keyed digests only. Each look is logged
beside the counter checks, as by `SELF`: whoever asks who looked finds the party's own looks among the others.
"""

from __future__ import annotations

import datetime as dt
import secrets
import threading
import unicodedata

from sqlalchemy import insert, select, update

from adapters.ledger.database import read, write
from adapters.ledger.projections import UnknownCaseError, load_header
from adapters.ledger.tables import access_codes, cases, checks
from adapters.office import portal_receipts
from adapters.office.access import is_initiator, known_form, require_role
from adapters.office.errors import FieldError, InvalidError, NotFoundError, UnauthenticatedError
from adapters.office.looks import SELF
from adapters.office.model import Principal
from adapters.office.portal_material import OWN_PURPOSE, OWN_VIEW, Material, material_of
from adapters.office.portal_parts import open_keys, view_of
from adapters.office.portal_view import AccessCode, Session, SubjectCaseView, SubjectReceipt
from adapters.office.ports import Context
from engine.decision.counterfactual import WayOut, ways_out

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Letters and figures that nobody mistakes for one another: no 0 and O, no 1 and I."""
GROUPS, IN_GROUP = 4, 4
"""XXXX-XXXX-XXXX-XXXX: 80 bits, short enough to be copied from a slip of paper."""
MAX_DAYS = 90
"""A code is answered with a case as it stands, not kept for later; the longest notice periods are 60 days."""
SESSION = dt.timedelta(minutes=30)
"""Long enough to read and print the page, short enough for a computer in a public hall."""
TOKEN_BYTES = 32
MAX_GIVEN = 200
"""Characters of a code or token that are looked at: each real one is far shorter."""
KEPT_WAYS = 4096
"""Ways out remembered: a decision never changes, and a search takes about ten milliseconds."""


def issue(context: Context, principal: Principal, case_id: str, party: str | None, days: int) -> AccessCode:
    """See `Office.issue_access_code`."""
    require_role(principal, "initiator")
    if not 1 <= days <= MAX_DAYS:
        raise InvalidError((FieldError("days", "range", f"应为 1 至 {MAX_DAYS}"),))
    code = "".join(secrets.choice(ALPHABET) for _ in range(GROUPS * IN_GROUP))
    expires = _text(context, dt.timedelta(days=days))
    with write(context.engine) as conn:
        # The row is locked, so that of two codes issued at once the later one revokes the earlier.
        conn.execute(select(cases.c.id).where(cases.c.id == known_form(case_id)).with_for_update())
        try:
            case, _ = load_header(conn, case_id)
        except UnknownCaseError as error:
            raise NotFoundError from error
        if not is_initiator(principal, case):
            raise NotFoundError
        whom = party or case.subject
        if whom != case.subject and whom not in case.parties:
            raise InvalidError((FieldError("party", "no-such-party", "该案件不涉及此人"),))
        at = context.now()
        conn.execute(
            update(access_codes)
            .where(
                access_codes.c.case_id == case.id,
                access_codes.c.party_id == whom,
                access_codes.c.used_at.is_(None),
                access_codes.c.expires_at > at,
            )
            .values(expires_at=at)
        )
        conn.execute(
            insert(access_codes),
            {
                "digest": _digest(context, "code", code), "case_id": case.id, "party_id": whom, "issued_at": at,
                "expires_at": expires, "key_id": principal.key_id,
            },
        )  # fmt: skip
    shown = "-".join(code[i : i + IN_GROUP] for i in range(0, len(code), IN_GROUP))
    return AccessCode(shown, expires)


def redeem(context: Context, code: str) -> Session:
    """See `Office.redeem_code`."""
    at, until = context.now(), _text(context, SESSION)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with write(context.engine) as conn:
        # One statement decides: a second use waits for the first on PostgreSQL and then finds the code used.
        used = conn.execute(
            update(access_codes)
            .where(
                access_codes.c.digest == _digest(context, "code", _plain(code)),
                access_codes.c.used_at.is_(None),
                access_codes.c.expires_at > at,
            )
            .values(used_at=at, session=_session(context, token), session_until=until)
        )
        if used.rowcount != 1:
            raise NotFoundError
    return Session(token, until)


def end_session(context: Context, token: str) -> None:
    """See `Office.end_session`."""
    with write(context.engine) as conn:
        conn.execute(
            update(access_codes)
            .where(access_codes.c.session == _session(context, token))
            .values(session_until=context.now())
        )


class Portal:
    """Shows a party its case. Holds no state but ways out, which follow from decisions and never change."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._ways: dict[tuple[str, str], tuple[WayOut, ...]] = {}

    def view(self, token: str) -> SubjectCaseView:
        """See `Office.subject_view`."""
        case, party, until = self._look(token)
        with read(self._context.engine) as conn:
            material = material_of(conn, self._context, case, party)
        ways = {key: self._out(material, key) for key in open_keys(material)}
        return view_of(material, ways, until)

    def receipt(self, token: str, version: int) -> SubjectReceipt:
        """See `Office.subject_receipt`."""
        case, party, until = self._look(token)
        with read(self._context.engine) as conn:
            return portal_receipts.receipt(conn, self._context, case, party, version, until)

    def _look(self, token: str) -> tuple[str, str, str]:
        """Whose session it is: case, party, end. The look is logged before it is answered."""
        context = self._context
        at = context.now()
        found = access_codes.c.session == _session(context, token)
        with write(context.engine) as conn:
            row = conn.execute(select(access_codes).where(found, access_codes.c.session_until > at)).one_or_none()
            if row is None:
                raise UnauthenticatedError(code="session-over", title="查询已经结束，请凭新的查询码再次进入")
            conn.execute(
                insert(checks),
                {
                    "id": context.new_id(), "at": at, "department": SELF, "officer": "", "key_id": row.digest,
                    "subject_id": row.party_id, "matter": OWN_VIEW, "purpose": OWN_PURPOSE, "answer": "[]",
                },
            )  # fmt: skip
        return row.case_id, row.party_id, row.session_until

    def _out(self, material: Material, key: str) -> tuple[WayOut, ...]:
        """The ways out of one measure of the decision, searched for once."""
        name = material.decision, key
        with self._lock:
            known = self._ways.get(name)
        if known is None:
            known = ways_out(material.decided_under, material.facts, key)
            with self._lock:
                if len(self._ways) >= KEPT_WAYS:
                    self._ways.clear()
                self._ways[name] = known
        return known


def _plain(code: str) -> str:
    """A code as it was made: however it was written, spaced and hyphenated."""
    text = unicodedata.normalize("NFKC", code[:MAX_GIVEN]).upper()
    return "".join(c for c in text if c in ALPHABET)


def _session(context: Context, token: str) -> str:
    """The digest of a token; of what no token can be, a digest that no token has."""
    return _digest(context, "session", token if token.isascii() and len(token) <= MAX_GIVEN else "")


def _digest(context: Context, what: str, text: str) -> str:
    """The keyed digest under which a code or token is kept; the two never meet, nor do they meet identity codes."""
    return context.code_digest(f"portal-{what}:{text}")


def _text(context: Context, later: dt.timedelta) -> str:
    """An instant from now on, as `Context.now` writes it."""
    moment = (context.clock() + later).astimezone(dt.UTC)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
