"""The demonstration: a real server, real HTTP, departments acting one after the other until everything is lifted."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from rich.progress import Progress

from api.cli.common import console, show
from api.cli.demo_cases import Demo, cases

STARTUP_SECONDS = 30
EVIDENCE = [{"sha256": hashlib.sha256("回执".encode()).hexdigest(), "title": "办理回执.pdf"}]
STATES = {"open": "待接收", "waiting": "等待前置", "in-force": "实施中", "done": "已完成", "closed": "已办结"}
EFFECTS = {
    "refuse": "不予办理", "verify-further": "增加核验", "expedite": "绿色通道", "tolerate-missing": "容缺受理",
    "prioritise": "优先", "limit": "限制", "caution": "审慎", "publicise": "公示",
}  # fmt: skip


class County:
    """The departments of the county, each with its key, talking to the server."""

    def __init__(self, base: str, tokens: dict[str, str], titles: dict[str, str]) -> None:
        self.http = httpx.Client(base_url=base, timeout=30)
        self.tokens, self.titles = tokens, titles
        self.calls = 0

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
            raise RuntimeError(message)
        return response.json()

    def answer(self, obligation: dict[str, Any], action: str, **body: Any) -> httpx.Response:
        """A department's answer about one of its obligations."""
        path = f"/v1/obligations/{obligation['id']}/{action}"
        return self.ask(obligation["department"], "POST", path, json={"officer": "经办人", **body})

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


def run(folder: Path) -> int:
    """Run the demonstration into `folder`; 0 when every case is closed at the end."""
    started = time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with server(folder) as county:
        today = dt.datetime.now(ZoneInfo("Asia/Shanghai")).date()
        demos = cases(today)
        console.rule("一、归集记录")
        put_records(county, demos, today)
        console.rule("二、列入名单，两个引擎一致决定")
        filed = [(demo, file(county, demo)) for demo in demos]
        by_department(county, filed)
        console.rule("三、各部门响应")
        work(county, filed)
        picture = folder / "graph.svg"
        draw(county, filed[0][1]["case"], picture)
        console.rule("四、窗口逢办必查")
        counter(county, demos)
        why(county, filed)
        console.rule("五、终止名单，按相反次序解除")
        end(county, filed)
        open_still = finish(county, filed, folder)
        calls = county.calls
    seconds = time.monotonic() - started
    console.print(f"依赖关系图：{picture}；解除中的图：{folder / 'lifting.svg'}", highlight=False)
    first = filed[0][1]["case"]["id"]
    console.print(f"继续看：xinheng explain {first} --why-not transport --db sqlite:///{folder}/demo.db", highlight=False)
    total = sum(len(f["obligations"]) for _, f in filed)
    console.print(
        f"[bold]{len(filed)} 个主体，{len({d.list for d in demos})} 个名单，{total} 项应响应事项，{calls} 次调用，"
        f"用时 {seconds:.0f} 秒；{'全部办结' if not open_still else f'尚有 {open_still} 件未办结'}[/]",
        highlight=False,
    )
    return 1 if open_still else 0


@contextlib.contextmanager
def server(folder: Path) -> Iterator[County]:
    """A fresh database, a key for each department, and the service on a free loopback port."""
    database = f"sqlite:///{folder / 'demo.db'}"
    tokens, titles = issue_keys(database)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (folder / "server.log").open("w", encoding="utf-8") as log:
        command = [sys.executable, "-m", "api.cli", "serve", "--db", database, "--port", str(port)]
        process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ)  # noqa: S603 - our own command
        try:
            county = County(f"http://127.0.0.1:{port}", tokens, titles)
            for _ in range(STARTUP_SECONDS * 10):
                with contextlib.suppress(httpx.TransportError):
                    if county.http.get("/readyz").is_success:
                        break
                time.sleep(0.1)
            else:
                message = f"服务没有启动，见 {folder / 'server.log'}"
                raise RuntimeError(message)
            yield county
        finally:
            process.terminate()
            process.wait()


def issue_keys(database: str) -> tuple[dict[str, str], dict[str, str]]:
    """Tokens and titles by department, and an auditor's token."""
    from api.assembly import open_office
    from api.cli.common import settings_of
    from api.cli.host import publish_default

    with open_office(settings_of(database)) as office:
        publish_default(office)
        departments = office.current_policy().departments
        tokens = {
            name: office.issue_key(name, ["initiator", "implementer"], "演示").token for name in departments
        }
        tokens["auditor"] = office.issue_key("audit", ["auditor"], "演示").token
    return tokens, {name: d.title for name, d in departments.items()}


def put_records(county: County, demos: tuple[Demo, ...], today: dt.date) -> None:
    """Departments supply records, and the registrar the relations, line by line."""
    lines: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for n, demo in enumerate(demos):
        subject = {"kind": demo.kind, "code": demo.code, "name": demo.name}
        for m, record in enumerate(demo.records):
            given = {k: v for k, v in record.items() if k != "by"}
            lines[record["by"]].append({**given, "id": f"{n}-{m}", "subject": subject})
        for m, (role, code, name) in enumerate(demo.related):
            party = {"kind": "natural-person", "code": code, "name": name}
            relation = {"relation": role, "id": f"rel-{n}-{m}", "subject": subject, "person": party}
            lines["market-regulation"].append(relation)
    lines["tax"].append({"record": "tax-rating", "id": "bad", "date": today.isoformat(), "subject": {"kind": "enterprise", "code": "91000000000000000X"}, "fields": {"grade": "A"}})
    rows = []
    for department, given in sorted(lines.items()):
        body = "\n".join(json.dumps(line, ensure_ascii=False) for line in given)
        headers = {"Content-Type": "application/x-ndjson"}
        result = county.must(department, "POST", "/v1/records", content=body.encode(), headers=headers)
        wrong = "；".join(f"第 {r['line']} 行 {r['errors'][0]['message']}" for r in result["results"] if r["errors"])
        rows.append((county.titles[department], str(result["accepted"]), str(result["rejected"]), wrong))
    show(rows, ("提供部门", "接收", "退回", "退回原因"))


def file(county: County, demo: Demo) -> dict[str, Any]:
    """File one subject; filing it again with the same idempotency key changes nothing."""
    body = {
        "list": demo.list, "officer": "王芳", "facts": demo.facts,
        "subject": {"kind": demo.kind, "code": demo.code, "name": demo.name},
    }  # fmt: skip
    headers = {"Idempotency-Key": f"demo-{demo.list}-{demo.code}"}
    filed = county.must(demo.by, "POST", "/v1/cases", json=body, headers=headers)
    again = county.must(demo.by, "POST", "/v1/cases", json=body, headers=headers)
    if again["case"]["id"] != filed["case"]["id"]:
        message = "重复提交产生了第二个案件"
        raise RuntimeError(message)
    result: dict[str, Any] = filed
    return result


def by_department(county: County, filed: list[tuple[Demo, dict[str, Any]]]) -> None:
    """What each filing brought about, and what each department owes now."""
    show(
        [
            (
                f["case"]["list_title"], demo.name, county.titles[demo.by], str(len(f["obligations"])), str(f["advice"]),
                "、".join(f"{limit['amount']} 元" for limit in f["limits"]), str(len(f["unknown"]) or ""),
            )
            for demo, f in filed
        ],
        ("名单", "主体", "发起部门", "应响应", "建议", "建议额度", "不能判定"),
    )  # fmt: skip
    owed: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for _, f in filed:
        for obligation in f["obligations"]:
            owed[obligation["department"]].append(obligation)
    rows = []
    for department in sorted(owed, key=lambda d: -len(owed[d])):
        page = county.must(department, "GET", "/v1/obligations", params={"limit": 200})
        items = page["items"]
        states = Counter(i["state"] for i in items)
        first = min((i["due_on"] for i in items if i["due_on"]), default="")
        titles = list(dict.fromkeys(i["title"] for i in items))
        rows.append(
            (county.titles[department], str(len(items)), "，".join(f"{STATES[s]} {n}" for s, n in states.items()), first, "；".join(titles))
        )
    show(rows, ("部门", "事项", "状态", "最近期限", "措施"), "各部门应响应事项")


def work(county: County, filed: list[tuple[Demo, dict[str, Any]]]) -> None:
    """Every department answers until nothing is left to do: one refers, one says not applicable, the rest implement."""
    referred = False
    reacted = 0
    with Progress(transient=True, console=console) as progress:
        for _, f in progress.track(filed, description="响应"):
            while True:
                moved = False
                for item in county.inbox(f["case"]["id"]):
                    actions = item["actions"] or offered(item)
                    if "accept" in actions and item["measure"] == "limit-construction-qualification":
                        answered = county.answer(item, "respond", outcome="not-applicable", reason="资质由上级部门核发")
                        reacted += len(answered.json()["added"])
                    elif "accept" in actions and not referred and item["department"] == "development-reform":
                        referred = county.answer(item, "refer", to="commerce", reason="职责已划转").is_success
                        answered = county.answer(item, "accept") if not referred else None
                    elif "accept" in actions:
                        answered = county.answer(item, "accept")
                    elif "confirm" in actions:
                        answered = county.answer(item, "confirm", remark="经复核，依据充分")
                    elif "arm" in actions:
                        answered = county.answer(item, "arm", evidence=EVIDENCE)
                    elif item["state"] == "accepted":
                        answered = county.answer(item, "respond", outcome="implemented", evidence=EVIDENCE)
                    else:
                        continue
                    if answered is not None and answered.is_error:
                        raise RuntimeError(answered.text)
                    moved = True
                if not moved:
                    break
    states = Counter(item["state"] for _, f in filed for item in county.inbox(f["case"]["id"]))
    text = "，".join(f"{STATES.get(s, s)} {n}" for s, n in sorted(states.items()))
    console.print(f"{text}。转办 {int(referred)} 项；因“不适用”的反馈另生 {reacted} 项。", highlight=False)


def offered(item: dict[str, Any]) -> list[str]:
    """The auditor may not act, so the inbox offers him nothing: what the department itself may do."""
    match item["state"]:
        case "open":
            return ["accept"]
        case "accepted" if item["restrictive"] and not item["confirmed_by"]:
            return ["confirm"]
        case "accepted":
            return ["arm"] if item["mode"] == "standing" else ["respond"]
        case "lifting" if not item["blocked"]:
            return ["lift"]
        case _:
            return []


def draw(county: County, case: dict[str, Any], path: Path) -> None:
    """The graph of a case as a picture."""
    headers = {"Accept": "image/svg+xml"}
    path.write_text(county.ask("auditor", "GET", f"/v1/cases/{case['id']}/graph", headers=headers).text, encoding="utf-8")


def counter(county: County, demos: tuple[Demo, ...]) -> None:
    """Clerks ask before they serve."""
    asked = (
        (0, "finance", "government-procurement"), (3, "public-resources", "bidding"), (11, "administrative-approval", "project-approval"),
        (12, "customs", "customs-clearance"), (14, "rural-commercial-bank", "farmer-loan"), (2, "railways", "rail-ticket"),
    )  # fmt: skip
    rows = []
    for n, department, matter in asked:
        body = {"matter": matter, "purpose": "演示：办理前查询", "code": demos[n].code, "kind": demos[n].kind}
        told = county.must(department, "POST", "/v1/checks", json=body)
        words = [f"{EFFECTS[d['effect']]}：{d['title']}" for d in told["directives"]]
        words += [f"（暂停）{d['title']}" for d in told["suspended"]]
        words += [f"可容缺：{d['title']}（{d['within']}）" for d in told["documents"]]
        words += [f"加核：{v['title']}" for v in told["verification"]]
        words += [f"建议额度 {limit['amount']} 元" for limit in told["limits"]]
        rows.append((county.titles[department], matter, demos[n].name, "；".join(words) or "正常办理"))
    show(rows, ("窗口", "事项", "主体", "告知"))


def why(county: County, filed: list[tuple[Demo, dict[str, Any]]]) -> None:
    """Why one department owes nothing."""
    demo, f = filed[1]
    department = "transport"
    path = f"/v1/cases/{f['case']['id']}/decision"
    told = county.must(demo.by, "GET", path, params={"why_not": department})
    console.print(f"{county.titles[department]}对“{demo.name}”：{told['why_not']['reason']}", highlight=False)
    for rule in told["why_not"]["rules"][:3]:
        console.print(f"  {rule['rule']}  {rule['at']}  {rule['condition']['text']}", highlight=False, markup=False)


def end(county: County, filed: list[tuple[Demo, dict[str, Any]]]) -> None:
    """The initiators end their listings, each on its ground."""
    for demo, f in filed:
        path = f"/v1/cases/{f['case']['id']}"
        etag = county.ask(demo.by, "GET", path).headers["ETag"]
        body = {"ground": demo.ground, "reason": "演示", "officer": "王芳"}
        county.must(demo.by, "POST", f"{path}/end", json=body, headers={"If-Match": etag})


def finish(county: County, filed: list[tuple[Demo, dict[str, Any]]], folder: Path) -> int:
    """Departments lift in reverse order until every case is closed; the number of cases still open."""
    draw(county, filed[0][1]["case"], folder / "lifting.svg")
    rows = []
    for demo, f in filed:
        case = f["case"]["id"]
        rounds = lifted = 0
        while True:
            ready = [i for i in county.inbox(case) if "lift" in offered(i)]
            if not ready:
                break
            rounds += 1
            for item in ready:
                answered = county.answer(item, "lift", evidence=EVIDENCE)
                if answered.is_error:
                    raise RuntimeError(answered.text)
                lifted += 1
        state = county.must("auditor", "GET", f"/v1/cases/{case}")
        rows.append((demo.name, f["case"]["list_title"], state["ground"], str(lifted), str(rounds), STATES.get(state["state"], state["state"])))
    show(rows, ("主体", "名单", "终止事由", "解除", "轮次", "结果"))
    return sum(row[-1] != STATES["closed"] for row in rows)
