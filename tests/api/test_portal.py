"""The way into the subject's own view: a code that is good once, a short session, a page closed to everyone else."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from adapters.ledger import read
from adapters.ledger.tables import access_codes, checks
from adapters.office import ForbiddenError, InvalidError, NotFoundError, UnauthenticatedError
from api.http.portal import Attempts, TooManyError
from api.settings import Settings
from tests.adapters.conftest import databases, engine  # noqa: F401 - fixtures
from tests.adapters.support import FINANCE, HR, TAX, arrears, enterprise, principal
from tests.api.portals import Portal, served_portal  # noqa: F401 - a fixture

CODE = re.compile(r"([2-9A-HJ-NP-Z]{4}-){3}[2-9A-HJ-NP-Z]{4}")


def test_a_code_is_good_once(portal: Portal) -> None:
    """However it is written; a second use and a wrong code are told the same."""
    code = portal.code()
    written = f" {code.lower().replace('-', ' ')} "
    first = portal.http.post("/v1/subject-sessions", json={"code": written})
    second = portal.http.post("/v1/subject-sessions", json={"code": code})
    wrong = portal.http.post("/v1/subject-sessions", json={"code": "2222-2222-2222-2222"})

    assert CODE.fullmatch(code)
    assert (first.status_code, first.headers["Cache-Control"]) == (201, "no-store")
    assert len(first.json()["token"]) >= 43
    assert (second.status_code, wrong.status_code) == (404, 404)
    assert second.json() == wrong.json()


def test_of_twenty_who_come_with_one_code_exactly_one_gets_in(portal: Portal) -> None:
    """The database decides, not the order of threads."""
    code = portal.code()

    def use(_: int) -> str | None:
        try:
            return portal.desk.office.redeem_code(code).token
        except NotFoundError:
            return None

    with ThreadPoolExecutor(20) as pool:
        tokens = [t for t in pool.map(use, range(20)) if t]

    assert len(tokens) == 1
    assert portal.desk.office.subject_view(tokens[0]).case == portal.case


def test_a_code_expires_and_a_newer_one_voids_it(portal: Portal) -> None:
    """The last one handed to a party counts; another party's stays."""
    office, clock = portal.desk.office, portal.desk.clock
    old, boss = portal.code(), portal.code(portal.boss_id)
    new = portal.code(days=1)
    with pytest.raises(NotFoundError):
        office.redeem_code(old)
    assert office.redeem_code(new).token
    clock.turn(days=30)
    with pytest.raises(NotFoundError):
        office.redeem_code(boss)


def test_a_session_is_short_and_can_be_left(portal: Portal) -> None:
    """Half an hour, or until one leaves; the same problem for a token that never was."""
    office, clock = portal.desk.office, portal.desk.clock
    left, kept = office.redeem_code(portal.code()), office.redeem_code(portal.code())
    office.end_session(left.token)
    clock.turn(minutes=29)
    assert office.subject_view(kept.token).session_until == kept.until
    clock.turn(minutes=2)
    for token in (left.token, kept.token, "never", "ü" * 9):
        with pytest.raises(UnauthenticatedError) as error:
            office.subject_view(token)
        assert error.value.code == "session-over"
    for headers in ({}, {"Authorization": "Bearer x"}):
        answer = portal.http.get("/v1/subject-view", headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (401, "/problems/session-over")


def test_only_the_initiator_issues_codes_for_those_whom_the_case_reaches(portal: Portal) -> None:
    """Others learn nothing, not even that there is such a case."""
    office = portal.desk.office
    for who, error in ((TAX, NotFoundError), (FINANCE, NotFoundError), (principal("tax", "auditor"), ForbiddenError)):
        with pytest.raises(error):
            office.issue_access_code(who, portal.case)
    with pytest.raises(NotFoundError):
        office.issue_access_code(HR, "0" * 32)
    for wrong in ({"party": "nobody"}, {"days": 0}, {"days": 91}):
        with pytest.raises(InvalidError):
            office.issue_access_code(HR, portal.case, **wrong)  # type: ignore[arg-type]


def test_a_code_is_issued_over_http(portal: Portal) -> None:
    """By the department's key, for 1 to 90 days, and never cached."""
    key = portal.desk.office.issue_key("human-resources", ["initiator"], "test").token
    path, headers = f"/v1/cases/{portal.case}/access-codes", {"Authorization": f"Bearer {key}"}
    given = portal.http.post(path, json={"party": portal.boss_id, "days": 10}, headers=headers)

    assert (given.status_code, given.headers["Cache-Control"]) == (201, "no-store")
    assert CODE.fullmatch(given.json()["code"])
    assert given.json()["expires_at"].startswith("2026-12-04")
    assert portal.http.post(path, json={"days": 91}, headers=headers).status_code == 422
    assert portal.http.post(path, json={}).status_code == 401


def test_neither_code_nor_token_is_stored_or_logged(portal: Portal) -> None:
    """Not in the database, not in the access log, not in an address; and no identity code either."""
    with capture_logs() as logged:
        code = portal.code()
        portal.shown(portal.boss_id)
        token = portal.http.post("/v1/subject-sessions", json={"code": code}).json()["token"]
        portal.http.get("/v1/subject-view", headers={"Authorization": f"Bearer {token}"})
        portal.http.post("/v1/subject-sessions", json={"code": "2222-2222-2222-2223"})
        portal.http.get("/healthz")  # a line is written when its request is over; then the next one begins
    with read(portal.desk.engine) as conn:
        stored = repr(list(conn.execute(select(access_codes)))) + repr(list(conn.execute(select(checks))))
    lines = json.dumps(logged, ensure_ascii=False)
    routes = [e["route"] for e in logged if e["route"] != "/healthz"]

    assert routes[-3:] == ["/v1/subject-sessions", "/v1/subject-view", "/v1/subject-sessions"]
    for secret in (code, code.replace("-", ""), token, portal.company.code, portal.boss.code, "2222-2222-2222-2223"):
        assert secret not in lines
        assert secret not in stored


def test_guessing_is_slowed_down(portal: Portal) -> None:
    """From one address and from all; good codes are not counted, and the window passes."""
    now = [0.0]
    settings = Settings(portal_attempts=3, portal_attempts_total=4, portal_window_seconds=60)
    portal.app.state.attempts = Attempts(settings, lambda: now[0])
    for _ in range(5):
        assert portal.http.post("/v1/subject-sessions", json={"code": portal.code()}).status_code == 201
    statuses = [portal.http.post("/v1/subject-sessions", json={"code": "x"}).status_code for _ in range(3)]
    now[0] = 10.5
    refused = portal.http.post("/v1/subject-sessions", json={"code": portal.code()})
    html = portal.http.post("/me", data={"code": portal.code()})

    assert statuses == [404, 404, 404]
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "50")
    assert (refused.json()["type"], refused.json()["limit"], refused.json()["setting"]) == (
        "/problems/too-many-attempts", 3, "XINHENG_PORTAL_ATTEMPTS",
    )  # fmt: skip
    assert (html.status_code, html.headers["Retry-After"]) == (429, "50")
    assert "请在 1 分钟后再试" in html.text
    now[0] = 60.0
    assert portal.http.post("/v1/subject-sessions", json={"code": portal.code()}).status_code == 201


def test_many_addresses_gain_nothing() -> None:
    """The limit over all, and one limit for a whole IPv6 network."""

    class Caller:
        def __init__(self, host: str) -> None:
            self.client = type("Client", (), {"host": host})

    attempts = Attempts(Settings(portal_attempts=2, portal_attempts_total=3), lambda: 0.0)

    def fail(host: str) -> str:
        with pytest.raises((NotFoundError, TooManyError)) as error, attempts.one(Caller(host)):  # type: ignore[arg-type]
            raise NotFoundError
        return getattr(error.value, "setting", "wrong")

    told = [fail(h) for h in ("2001:db8::1", "2001:db8::2", "2001:db8::3", "10.0.0.1", "10.0.0.2")]
    assert told == ["wrong", "wrong", "portal_attempts", "wrong", "portal_attempts_total"]


def test_the_page_is_closed_to_other_sites(portal: Portal) -> None:
    """Strict cookie, nothing cached, nothing loaded from elsewhere, no script; forms of other sites are refused."""
    http = portal.http
    foreign = [
        http.post("/me", data={"code": portal.code()}, headers=headers)
        for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"})
    ]
    entered = http.post(
        "/me", data={"code": portal.code()}, headers={"Origin": str(http.base_url)}, follow_redirects=False
    )
    cookie = entered.headers["Set-Cookie"]
    seen = http.get("/me")
    policy = seen.headers["Content-Security-Policy"]

    assert [r.status_code for r in foreign] == [403, 403, 403]
    assert (entered.status_code, entered.headers["Location"]) == (303, "/me")
    assert {"HttpOnly", "SameSite=strict", "Path=/me", "Max-Age=1800"} <= set(cookie.split("; "))
    assert seen.headers["Cache-Control"] == entered.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in policy
    assert "script" not in seen.text
    assert not re.findall(r"""(?:src|href|action)=["'](?:https?:)?//""", seen.text)
    assert "style=" not in seen.text
    assert http.post("/me/logout", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert "拖欠工资名单" in http.get("/me").text
    http.post("/me/logout")
    assert "拖欠工资名单" not in http.get("/me").text


def test_over_https_the_cookie_is_for_https_alone(portal: Portal) -> None:
    """Where the service is reached by https, the cookie never goes without."""
    entered = portal.http.post(
        "/me", data={"code": portal.code()}, headers={"X-Forwarded-Proto": "https"}, follow_redirects=False
    )

    assert "Secure" in entered.headers["Set-Cookie"]


def test_a_wrong_code_is_told_on_the_page_and_an_ended_session_too(portal: Portal) -> None:
    """404 with the form again; the code is not repeated."""
    wrong = portal.http.post("/me", data={"code": "2345-2345-2345-2345"})
    portal.http.post("/me", data={"code": portal.code()})
    portal.desk.clock.turn(hours=1)
    ended = portal.http.get("/me")

    assert (wrong.status_code, "查询码不正确" in wrong.text, "2345" in wrong.text) == (404, True, False)
    assert "查询已经结束" in ended.text
    assert portal.http.post("/me", json={"code": "x"}).status_code == 415


def test_what_was_recorded_is_shown_as_text(portal: Portal) -> None:
    """Nothing in a fact or a name becomes part of the page."""
    filed = portal.desk.file(arrears(enterprise(name="<b>甲</b>"), decision_number="<script>alert(1)</script>"))
    _, html = portal.shown(filed.case.subject, filed.case.id)

    assert "<script" not in html
    assert "<b>甲" not in html
    assert "&lt;script&gt;" in html
