"""The demonstration's server, a process of its own, and the departments that talk to it over HTTP."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx

STARTUP_SECONDS = 30
START = dt.date(2026, 4, 7)
"""The first simulated day: the Tuesday after 信用修复管理办法 came into force, Qingming behind it."""
LEFT_BEHIND = (
    "clock.txt",
    "demo.db",
    "demo.db-wal",
    "demo.db-shm",
    "demo.db.secret",
    "server.log",
    "graph.svg",
    "lifting.svg",
)


class DemoError(Exception):
    """The demonstration met something it did not expect."""


class County:
    """The departments of the county, each with its key, talking to the server."""

    def __init__(
        self, base: str, tokens: dict[str, str], titles: dict[str, str], clock: Path, worker: list[str]
    ) -> None:
        self.http = httpx.Client(base_url=base, timeout=30)
        self.tokens, self.titles = tokens, titles
        self.calls = 0
        self._clock, self._worker = clock, worker
        self.turn_to(START)

    @property
    def today(self) -> dt.date:
        """The simulated day in China."""
        return self._day

    def turn(self, days: int) -> None:
        """Let days pass."""
        self.turn_to(self._day + dt.timedelta(days=days))

    def turn_to(self, day: dt.date) -> None:
        """Turn the simulated clock to nine in the morning of a day."""
        self._day = day
        instant = dt.datetime.combine(day, dt.time(9), ZoneInfo("Asia/Shanghai"))
        fresh = self._clock.with_suffix(".new")
        fresh.write_text(instant.isoformat(), encoding="utf-8")
        fresh.replace(self._clock)  # a reader sees the old time or the new, never half of it

    def tick(self) -> int:
        """A round of the real worker; how many events it made."""
        run = subprocess.run(self._worker, capture_output=True, text=True, check=False, env=environment(self._clock))  # noqa: S603
        if run.returncode:
            raise DemoError(f"定时任务失败：{run.stderr[-400:]}")
        return int(json.loads(run.stdout)["events"])

    def ask(self, department: str, method: str, path: str, **given: Any) -> httpx.Response:
        """One call by a department."""
        self.calls += 1
        headers = {"Authorization": f"Bearer {self.tokens[department]}", **given.pop("headers", {})}
        return self.http.request(method, path, headers=headers, **given)

    def must(self, department: str, method: str, path: str, **given: Any) -> Any:
        """A call that has to succeed; its JSON."""
        response = self.ask(department, method, path, **given)
        if response.is_error:
            message = f"{method} {path}：{response.status_code} {response.text}"
            raise DemoError(message)
        return response.json()

    def answer(self, obligation: dict[str, Any], action: str, **body: Any) -> dict[str, Any]:
        """A department's answer about one of its obligations."""
        path = f"/v1/obligations/{obligation['id']}/{action}"
        answered = self.must(obligation["department"], "POST", path, json={"officer": "经办人", **body})
        return dict(answered)

    def inbox(self, case: str) -> list[dict[str, Any]]:
        """Every obligation of a case, as the auditor sees it."""
        items: list[dict[str, Any]] = []
        query: dict[str, Any] = {"case": case, "limit": 200}
        while True:
            page = self.must("auditor", "GET", "/v1/obligations", params=query)
            items += page["items"]
            if page["next"] is None:
                return items
            query["after"] = page["next"]


@contextlib.contextmanager
def server(folder: Path) -> Iterator[County]:
    """A fresh database, a key for each department, and the service on a free loopback port."""
    for name in LEFT_BEHIND:  # by name: the folder may hold what is not ours
        (folder / name).unlink(missing_ok=True)
    database = f"sqlite:///{folder / 'demo.db'}"
    tokens, titles = issue_keys(database)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (folder / "server.log").open("w", encoding="utf-8") as log:
        command = [sys.executable, "-m", "api.cli", "serve", "--db", database, "--port", str(port)]
        clock = folder / "clock.txt"
        worker = [sys.executable, "-m", "api.cli", "worker", "--once", "--no-letters", "--json", "--db", database]
        county = County(f"http://127.0.0.1:{port}", tokens, titles, clock, worker)
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment(clock))  # noqa: S603 - our own command
        try:
            for _ in range(STARTUP_SECONDS * 10):
                with contextlib.suppress(httpx.TransportError):
                    if county.http.get("/readyz").is_success:
                        break
                if process.poll() is not None:
                    message = f"服务没有启动，见 {folder / 'server.log'}"
                    raise DemoError(message)
                time.sleep(0.1)
            else:
                message = f"服务没有启动，见 {folder / 'server.log'}"
                raise DemoError(message)
            yield county
            county.http.close()
        finally:
            process.terminate()
            process.wait()


def environment(clock: Path) -> dict[str, str]:
    """What our processes run in: simulated time, and no key or officer of whoever looks on."""
    return os.environ | {"XINHENG_SIMULATED_CLOCK": str(clock.absolute())}


def issue_keys(database: str) -> tuple[dict[str, str], dict[str, str]]:
    """Tokens and titles by department, and an auditor's token."""
    from api.assembly import open_office
    from api.cli.common import settings_of
    from api.cli.host import publish_default

    with open_office(settings_of(database), serving=False) as office:
        publish_default(office)
        departments = office.current_policy().departments
        tokens = {name: office.issue_key(name, ["initiator", "implementer"], "演示").token for name in departments}
        tokens["auditor"] = office.issue_key("audit", ["auditor"], "演示").token
    return tokens, {name: d.title for name, d in departments.items()}
