"""The demonstration: a real server, real HTTP, simulated time; every case from filing to the last measure lifted."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from rich.progress import Progress

from api.cli.common import STATES, console, show
from api.cli.demo_cases import Demo, cases
from api.cli.demo_county import County, DemoError, server
from api.cli.demo_process import Filed, due_process, expiries, letters, remedies, repairs, told

__all__ = ["DemoError", "run"]

EVIDENCE = [{"sha256": hashlib.sha256("回执".encode()).hexdigest(), "title": "办理回执.pdf"}]
EFFECTS = {
    "refuse": "不予办理", "verify-further": "增加核验", "expedite": "绿色通道", "tolerate-missing": "容缺受理",
    "prioritise": "优先", "limit": "限制", "caution": "审慎", "publicise": "公示",
}  # fmt: skip
GROUNDS = {
    "performance": "履行", "repair": "信用修复", "expiry": "期满", "withdrawal": "撤回", "annulment": "撤销",
    "correction": "更正", "deceased": "死亡", "dissolved": "注销",
}  # fmt: skip
ASKED = (  # at the counter: subject, department, matter
    ("长信建筑劳务有限公司", "finance", "government-procurement"),
    ("鼎鑫食品有限公司", "public-resources", "bidding"),
    ("诚达精密机械有限公司", "administrative-approval", "project-approval"),
    ("华丰进出口有限公司", "customs", "customs-clearance"),
    ("韩七户", "rural-commercial-bank", "farmer-loan"),
    ("孙七", "railways", "rail-ticket"),
)


def run(folder: Path, *, quiet: bool = False) -> dict[str, Any]:
    """Run the demonstration into `folder`; figures, with `open` the number of cases not closed at the end.

    Raises:
        DemoError: the service did not start, or answered with an error.

    """
    console.quiet = quiet
    started = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    picture, lifting = folder / "graph.svg", folder / "lifting.svg"
    with server(folder) as county:
        today = county.today
        demos = cases(today)
        console.rule("一、归集记录")
        put_records(county, demos, today)
        console.rule("二、列入名单，两个引擎一致决定")
        filed = [(demo, file(county, demo)) for demo in demos]
        console.rule("三、告知、陈述申辩、听证、决定、送达")
        due_process(county, filed)
        by_department(county, filed)
        console.rule("四、各部门响应")
        work(county, filed)
        draw(county, filed[0][1]["case"], picture)
        console.rule("五、窗口逢办必查")
        asked = counter(county, demos)
        why(county, filed)
        console.rule("六、异议与更正")
        remedies(county, filed)
        console.rule("七、信用修复")
        repairs(county, filed)
        draw(county, filed[0][1]["case"], lifting)
        console.rule("八、期满自行终止")
        expiries(county, filed)
        told(county)
        console.rule("九、按相反次序解除")
        still_open = finish(county, filed)
        still_told = counter(county, demos)
        console.rule("十、文书")
        written = letters(county, filed, folder / "letters")
        now = [county.must("auditor", "GET", f"/v1/cases/{f['case']['id']}") for _, f in filed]
        obligations = sum(case["total"] for case in now)
        calls, until = county.calls, county.today
    first = filed[0][1]["case"]["id"]
    summary = {
        "subjects": len({demo.code for demo in demos}), "cases": len(filed), "lists": len({d.list for d in demos}),
        "obligations": obligations, "calls": calls, "told": asked,
        "still_told": still_told, "open": still_open, "seconds": round(time.monotonic() - started, 1), "case": first,
        "pictures": [str(picture), str(lifting)], "letters": written, "until": until.isoformat(),
    }  # fmt: skip
    console.print(f"依赖关系图：{picture}；解除中的图：{lifting}", highlight=False, soft_wrap=True)
    console.print(
        f"继续看：xinheng explain {first} --why-not airlines --db sqlite:///{folder}/demo.db",
        highlight=False, soft_wrap=True,
    )  # fmt: skip
    console.print(
        f"[bold]{summary['subjects']} 个主体，{len(filed)} 个案件，{summary['lists']} 个名单，"
        f"{summary['obligations']} 项应响应事项，{calls} 次调用，用时 {summary['seconds']:.0f} 秒；"
        f"{f'尚有 {still_open} 件未办结' if still_open else '全部办结'}，"
        f"窗口{f'仍有 {still_told} 条告知' if still_told else '不再有任何限制或优待'}[/]",
        highlight=False,
    )
    if still_told:
        message = "全部办结之后，窗口仍有告知"
        raise DemoError(message)
    return summary


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
    lines["tax"].append(
        {
            "record": "tax-rating",
            "id": "bad",
            "date": today.isoformat(),
            "subject": {"kind": "enterprise", "code": "91000000000000000X"},
            "fields": {"grade": "A"},
        }
    )
    rows = []
    for department, supplied in sorted(lines.items()):
        text = "\n".join(json.dumps(line, ensure_ascii=False) for line in supplied)
        headers = {"Content-Type": "application/x-ndjson"}
        result = county.must(department, "POST", "/v1/records", content=text.encode(), headers=headers)
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
        raise DemoError(message)
    result: dict[str, Any] = filed
    return result


def by_department(county: County, filed: Filed) -> None:
    """What each filing brought about, and what each department owes now."""
    show(
        [
            (
                f["case"]["list_title"], demo.name, county.titles[demo.by],
                str(len(f["obligations"])), str(f["advice"]),
                "、".join(f"{limit['amount']} 元" for limit in f["limits"]), str(len(f["unknown"]) or ""),
            )
            for demo, f in filed
        ],
        ("名单", "主体", "发起部门", "应响应", "建议", "建议额度", "不能判定"),
    )  # fmt: skip
    owed: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for _, f in filed:
        for obligation in county.inbox(f["case"]["id"]):
            owed[obligation["department"]].append(obligation)
    rows = []
    for department in sorted(owed, key=lambda d: -len(owed[d])):
        page = county.must(department, "GET", "/v1/obligations", params={"limit": 200})
        items = page["items"]
        states = Counter(i["state"] for i in items)
        first = min((i["due_on"] for i in items if i["due_on"]), default="")
        titles = list(dict.fromkeys(i["title"] for i in items))
        rows.append(
            (
                county.titles[department],
                str(len(items)),
                "，".join(f"{STATES[s]} {n}" for s, n in states.items()),
                first,
                "；".join(titles),
            )
        )
    show(rows, ("部门", "事项", "状态", "最近期限", "措施"), "各部门应响应事项")


def work(county: County, filed: Filed) -> None:
    """Every department answers until nothing is left to do: one refers, some are not concerned, the rest implement."""
    did: Counter[str] = Counter()
    with Progress(transient=True, console=console) as progress:
        for _, f in progress.track(filed, description="响应"):
            while True:
                ready = [i for i in county.inbox(f["case"]["id"]) if offered(i) and i["state"] != "in-force"]
                for item in ready:
                    answer(county, item, did)
                if not ready:
                    break
    items = [item for _, f in filed for item in county.inbox(f["case"]["id"])]
    standing = next(i for i in items if i["state"] == "in-force" and i["measure"] == "no-government-procurement")
    county.answer(standing, "apply", applied=True, occasion="县政府采购项目资格审查", evidence=EVIDENCE)
    states = Counter(item["state"] for item in items)
    text = "，".join(f"{STATES[s]} {n}" for s, n in sorted(states.items()))
    console.print(
        f"{text}。接收 {did['accept']}，具名确认 {did['confirm']}，布置 {did['arm']}，完成 {did['respond']}，"
        f"转办 {did['refer']}，不适用 {did['not-applicable']}（由此另生 {did['added']} 项），适用 1 次。",
        highlight=False,
    )


def answer(county: County, item: dict[str, Any], did: Counter[str]) -> None:
    """What the department concerned does next about an obligation."""
    action = offered(item)
    if action == "accept" and item["measure"] == "limit-construction-qualification":
        reason = "资质由上级部门核发"
        answered = county.answer(item, "respond", outcome="not-applicable", reason=reason)
        action, did["added"] = "not-applicable", did["added"] + len(answered["added"])
    elif action == "accept" and not did["refer"] and item["department"] == "development-reform":
        county.answer(item, "refer", to="commerce", reason="职责已划转")
        action = "refer"
    elif action == "confirm":
        county.answer(item, "confirm", remark="经复核，依据充分")
    elif action == "arm":
        county.answer(item, "arm", evidence=EVIDENCE)
    elif action == "respond":
        county.answer(item, "respond", outcome="implemented", evidence=EVIDENCE)
    else:
        county.answer(item, action)
    did[action] += 1


def offered(item: dict[str, Any]) -> str:
    """What the department can do next; empty when it waits. The auditor who looks may act on nothing himself."""
    match item["state"]:
        case "open":
            return "accept"
        case "accepted" if item["restrictive"] and not item["confirmed_by"]:
            return "confirm"
        case "accepted":
            return "arm" if item["mode"] == "standing" else "respond"
        case "lifting" if not item["blocked"]:
            return "lift"
        case _:
            return ""


def draw(county: County, case: dict[str, Any], path: Path) -> None:
    """The graph of a case as a picture."""
    headers = {"Accept": "image/svg+xml"}
    drawn = county.ask("auditor", "GET", f"/v1/cases/{case['id']}/graph", headers=headers)
    path.write_text(drawn.raise_for_status().text, encoding="utf-8")


def counter(county: County, demos: tuple[Demo, ...]) -> int:
    """Clerks ask before they serve; how much they are told."""
    rows, told = [], 0
    by_name = {demo.name: demo for demo in demos}
    for name, department, matter in ASKED:
        demo = by_name[name]
        body = {
            "matter": matter,
            "purpose": "演示：办理前查询",
            "code": demo.code,
            "kind": demo.kind,
            "officer": "窗口",
        }
        said = county.must(department, "POST", "/v1/checks", json=body)
        words = Counter(f"{EFFECTS[d['effect']]}：{d['title']}" for d in said["directives"])
        words += Counter(f"（暂停）{d['title']}" for d in said["suspended"])
        words += Counter(f"可容缺：{d['title']}（{d['within']}）" for d in said["documents"])
        words += Counter(f"加核：{v['title']}" for v in said["verification"])
        words += Counter(f"建议额度 {limit['amount']} 元" for limit in said["limits"])
        told += len(words)
        text = "；".join(word if n == 1 else f"{word}（{n} 个部门）" for word, n in words.items())
        rows.append((county.titles[department], matter, name, text or "正常办理"))
    show(rows, ("窗口", "事项", "主体", "告知"))
    return told


def why(county: County, filed: Filed) -> None:
    """Why one department owes nothing."""
    demo, f = filed[1]
    department = "airlines"
    path = f"/v1/cases/{f['case']['id']}/decision"
    told = county.must(demo.by, "GET", path, params={"why_not": department})
    console.print(f"{county.titles[department]}对“{demo.name}”：{told['why_not']['reason']}", highlight=False)
    for rule in told["why_not"]["rules"][:3]:
        for step in [rule["condition"], *rule["condition"]["steps"]]:
            if step["truth"] is not True and not step["steps"]:
                console.print(f"  {rule['rule']}：{step['text']}  {step['at']}", highlight=False, markup=False)


def finish(county: County, filed: Filed) -> int:
    """Departments lift in reverse order until every case is closed; the number of cases still open."""
    rows, still_open = [], 0
    for demo, f in filed:
        case = f["case"]["id"]
        rounds = lifted = 0
        while ready := [i for i in county.inbox(case) if offered(i) == "lift"]:
            rounds += 1
            for item in ready:
                county.answer(item, "lift", evidence=EVIDENCE)
                lifted += 1
        state = county.must("auditor", "GET", f"/v1/cases/{case}")
        still_open += state["state"] != "closed"
        ground, word = GROUNDS[state["ground"]], STATES[state["state"]]
        rows.append((demo.name, f["case"]["list_title"], ground, str(lifted), str(rounds), word))
    show(rows, ("主体", "名单", "终止事由", "解除", "轮次", "结果"))
    return still_open
