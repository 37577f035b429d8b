"""The service over HTTP against bare FastAPI routes, each in a server process of its own, on SQLite."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import multiprocessing
import secrets
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any as Anything

import structlog
import uvicorn
from fastapi import FastAPI
from sqlalchemy import Engine, insert, select

from adapters.ledger import open_database, read, upgrade, write
from adapters.ledger.key_tables import subject_keys
from adapters.ledger.tables import cases, decisions, edges, events, identities, limits, obligations, subjects
from adapters.office import Filing, ObligationQuery, Office, Party, Principal
from adapters.office.subjects import digest_of
from api.assembly import open_office
from api.cli.host import publish_default
from api.http import create_app
from api.settings import Settings
from benchmarks.measure import Comparison, side_by_side
from engine.identity import person_check_character

WRITTEN = (subject_keys, subjects, identities, decisions, events, cases, obligations, edges, limits)
SMALL, LARGE = 1_000, 100_000  # listed subjects, ten obligations each


def compare() -> list[Comparison]:
    """Filing, counter check and inbox."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        return [*filing(folder), *checking_and_inbox(folder)]


def debtor(number: int) -> dict[str, Anything]:
    """A filing with about thirty obligations."""
    return {
        "list": "court-defaulters", "officer": "王芳",
        "subject": {"kind": "natural-person", "code": birth(number), "name": "某人"},
        "facts": {
            "issuer": "peoples-court", "conduct": "able-but-refusing", "violence_or_repeated": False,
            "underage": False, "consumption_order": True, "exit_decision": True, "personal_large_debt": True,
            "public_official": True, "amount_outstanding": "30 万元", "decision_date": "2026-11-02",
            "decision_number": f"（2026）豫0783执{number}号",
            "notice_date": "2026-10-20", "service_date": "2026-11-03", "service_proof": f"送达回证{number}号",
        },
    }  # fmt: skip


def birth(number: int) -> str:
    """A well-formed citizen number for each number below 300,000."""
    year, rest = divmod(number, 9_000)
    month, serial = divmod(rest, 900)
    body = f"410728{1950 + year}{month + 1:02}15{serial + 100:03}"
    return body + person_check_character(body)


def filing(folder: Path) -> list[Comparison]:
    """POST /v1/cases against a bare route that inserts the same rows."""
    url = f"sqlite:///{folder / 'filing.db'}"
    with open_office(Settings(database_url=url)) as office:
        publish_default(office)
        token = office.issue_key("peoples-court", ["initiator"], "bench").token
        given = debtor(0)
        principal = Principal("peoples-court", frozenset({"initiator"}), "bench", "王芳")
        party = Party(**given["subject"])
        filed = office.file_case(principal, Filing(given["list"], party, given["facts"]))
        rows = {t.name: rows_of(office.context.engine, t, filed.case.id, filed.case.subject) for t in WRITTEN}
        count = len(filed.obligations)
    numbers = itertools.count(1)
    bare_url = f"sqlite:///{folder / 'bare.db'}"
    upgrade(open_database(bare_url))
    with serving(ours, url) as port, serving(bare, bare_url, rows) as bare_port:
        ask, ask_bare = poster(port, "/v1/cases", token), poster(bare_port, "/cases", token)
        what = f"filing over HTTP, {count} obligations, SQLite"
        against = "a bare route inserting the same rows with SQLAlchemy Core"
        return [
            side_by_side(
                what, against, lambda: ask(debtor(next(numbers)), 201), lambda: ask_bare(debtor(next(numbers)), 200),
                target="≤ 3 ×", bound=3.0, rounds=40, batch=0.1,
            )
        ]  # fmt: skip


def checking_and_inbox(folder: Path) -> list[Comparison]:
    """The counter check among 100,000 listed subjects, and the inbox among 1,000,000 obligations."""
    made = {size: populate(folder / f"{size}.db", size) for size in (SMALL, LARGE)}
    url, token, codes = made[LARGE]
    bodies = itertools.cycle(
        {"matter": "rail-ticket", "purpose": "售票前查询", "kind": "natural-person", "code": code} for code in codes
    )
    with serving(ours, url) as port, serving(constant, url) as constant_port:
        ask, ask_constant = poster(port, "/v1/checks", token), poster(constant_port, "/checks", token)
        assert ask(next(bodies), 200)["directives"], "the check found nothing"
        check = side_by_side(
            f"counter check over HTTP, {LARGE:,} listed subjects", "a route that returns a constant",
            lambda: ask(next(bodies), 200), lambda: ask_constant(next(bodies), 200),
            target="≤ 2.5 × at the median", bound=2.5, rounds=60, batch=0.1,
        )  # fmt: skip
    pages: dict[int, Callable[[], object]] = {}
    with contextlib.ExitStack() as stack:
        for size, (address, _, _) in made.items():
            office = stack.enter_context(open_office(Settings(database_url=address, engine_children=1)))
            pages[size] = page_of(office)
        inbox = side_by_side(
            f"inbox page of 50 among {LARGE * 10:,} obligations", f"the same among {SMALL * 10:,}",
            pages[LARGE], pages[SMALL], target="≤ 1.5 ×", bound=1.5, rounds=60, batch=0.05,
        )  # fmt: skip
    return [check, inbox]


def page_of(office: Office) -> Callable[[], object]:
    """One inbox page of a department."""
    principal = Principal("railways", frozenset({"implementer"}), "bench")

    def ask() -> object:
        page = office.list_obligations(principal, ObligationQuery())
        assert len(page.items) == 50
        return page

    return ask


def rows_of(engine: Engine, table: Anything, case: str, subject: str) -> list[dict[str, Anything]]:
    """The rows that a filing wrote into a table."""
    columns = table.c
    if "case_id" in columns:
        which = columns.case_id == case
    elif table is cases:
        which = columns.id == case
    else:
        which = (columns.id if table is subjects else columns.subject_id) == subject
    with read(engine) as conn:
        return [dict(r._mapping) for r in conn.execute(select(table).where(which))]


def populate(path: Path, size: int) -> tuple[str, str, list[str]]:
    """A database with `size` subjects on a list, ten obligations each, in force; its URL, a key, and some codes."""
    url = f"sqlite:///{path}"
    with open_office(Settings(database_url=url)) as office:
        publish_default(office)
        token = office.issue_key("railways", ["implementer"], "bench").token
        given = debtor(0)
        principal = Principal("peoples-court", frozenset({"initiator"}), "bench", "王芳")
        filed = office.file_case(principal, Filing(given["list"], Party(**given["subject"]), given["facts"]))
        engine = office.context.engine
        case = rows_of(engine, cases, filed.case.id, filed.case.subject)[0]
        owed = rows_of(engine, obligations, filed.case.id, filed.case.subject)
        owed = sorted(owed, key=lambda o: o["department_id"] != "railways")[:10]
        codes = [birth(n) for n in range(1, size)]
        for start in range(0, len(codes), 5_000):
            people, listings, duties = [], [], []
            for n, code in enumerate(codes[start : start + 5_000], start=start):
                subject, name = f"s{n:09}", f"c{n:09}"
                people.append(
                    {
                        "id": subject,
                        "kind": "natural-person",
                        "code_digest": digest_of(office.context, "natural-person", code),
                        "created_at": "",
                    }
                )
                listings.append(case | {"id": name, "subject_id": subject, "listing_key": name})
                duties += [
                    o | {
                        "id": f"{name}.{k}", "case_id": name, "subject_id": subject, "target_id": subject,
                        "key": f"{k}", "state": "in-force", "queue_rank": 1, "due_on": f"2027-0{1 + n % 9}-{1 + k:02}",
                    }
                    for k, o in enumerate(owed, start=1)
                ]  # fmt: skip
            with write(engine) as conn:
                conn.execute(insert(subjects), people)
                conn.execute(insert(cases), listings)
                conn.execute(insert(obligations), duties)
        with write(engine) as conn:
            conn.exec_driver_sql("ANALYZE")
    return url, token, codes[:: max(1, size // 500)]


def ours(url: str) -> FastAPI:
    """Our service."""
    return create_app(Settings(database_url=url))


def bare(url: str, rows: dict[str, list[dict[str, Anything]]]) -> FastAPI:
    """A route that only inserts the rows of a filing, under fresh ids."""
    app = FastAPI()
    engine = open_database(url)
    old = (rows["cases"][0]["id"], rows["subjects"][0]["id"], rows["decisions"][0]["digest"])
    plain = {
        name: [
            (
                {k: v for k, v in row.items() if k != "position"},
                [k for k, v in row.items() if isinstance(v, str) and any(o in v for o in old)],
                [k for k in ("code_digest", "listing_key") if k in row],
            )
            for row in found
        ]
        for name, found in rows.items()
    }

    @app.post("/cases")
    def insert_rows(_body: dict[str, Anything]) -> dict[str, str]:
        fresh = secrets.token_hex(16)
        names = tuple(zip(old, (f"c{fresh}", f"s{fresh}", f"d{fresh}"), strict=True))
        with write(engine) as conn:
            for table in WRITTEN:
                copies = []
                for row, renamed, unique in plain[table.name]:
                    copy = row | dict.fromkeys(unique, fresh)
                    for column in renamed:
                        for before, after in names:
                            copy[column] = copy[column].replace(before, after)
                    copies.append(copy)
                if copies:
                    conn.execute(insert(table), copies)
        return {"id": names[0][1]}

    return app


def constant(_: str) -> FastAPI:
    """A route that returns a constant."""
    app = FastAPI()

    @app.post("/checks")
    def answer() -> dict[str, str]:
        return {"status": "ok"}

    return app


def _serve(make: Callable[..., FastAPI], given: tuple[Anything, ...], port: int) -> None:
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    uvicorn.run(make(*given), port=port, log_level="error", access_log=False)


@contextlib.contextmanager
def serving(make: Callable[..., FastAPI], *given: Anything) -> Iterator[int]:
    """A server process; its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(make, given, port))
    process.start()
    try:
        for _ in range(300):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.join()


def poster(port: int, path: str, token: str) -> Callable[[dict[str, Anything], int], Anything]:
    """Posts JSON over one kept connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def post(body: dict[str, Anything], wanted: int) -> Anything:
        connection.request("POST", path, json.dumps(body), headers)
        response = connection.getresponse()
        text = response.read()
        assert response.status == wanted, (response.status, text[:500])
        return json.loads(text)

    return post
