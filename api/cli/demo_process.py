"""The demonstration's procedure on simulated time: notice to service, objections, repair, the end of every term."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

from rich.progress import Progress

from api.cli.common import console, show
from api.cli.demo_cases import Demo
from api.cli.demo_county import County, DemoError

Filed = list[tuple[Demo, dict[str, Any]]]
PROOF = [{"sha256": hashlib.sha256("送达回证".encode()).hexdigest(), "title": "送达回证.pdf"}]
RECORD = [{"sha256": hashlib.sha256("听证笔录".encode()).hexdigest(), "title": "听证笔录.pdf"}]
DRAFTER, DECIDER, CHAIR = "王芳", "赵敏", "孙立"
STAGES = {"filed": "已提出", "noticed": "已告知", "decided": "已决定", "in-force": "已生效"}
HEARD = "蒋五"  # speaks in time and asks for a hearing
LATE = "某乡人民政府"  # speaks when the period is over


def step(county: County, department: str, case: str, action: str, **body: Any) -> dict[str, Any]:
    """One step of the procedure, which has to succeed."""
    given = {"officer": DRAFTER, **body}
    return dict(county.must(department, "POST", f"/v1/cases/{case}/steps/{action}", json=given))


def process(county: County, case: str, department: str = "auditor") -> dict[str, Any]:
    """Where a case stands, and what the department may do about it."""
    return dict(county.must(department, "GET", f"/v1/cases/{case}/process"))


def due_process(county: County, filed: Filed) -> None:
    """Lists decided here go from notice to service; on the others, related persons are notified and served."""
    early = [(d, f["case"]["id"]) for d, f in filed if f["case"]["state"] != "in-force"]
    first = county.today
    for demo, case in early:
        if "show-before" in process(county, case, demo.by)["actions"]:
            step(county, demo.by, case, "show-before")
        for party in process(county, case)["parties"]:
            if "notify" in process(county, case, demo.by)["actions"]:
                reason = "经查，符合列入条件"
                step(
                    county, demo.by, case, "notify", party=party["id"], method="直接送达", reason=reason, evidence=PROOF
                )
    county.turn(days=2)
    for demo, case in early:
        if demo.name == HEARD:
            points = ["入伍前已提交体检复查申请", "愿意改正"]
            said = step(county, demo.by, case, "statement", points=points)
            answers = ["复查结论为合格，不影响应征义务", "责令期限内未改正，可以在生效后申请移出"]
            statement = said["process"]["parties"][0]["statements"][0]["id"]
            step(county, demo.by, case, "answer-statement", statement=statement, answers=answers)
            step(county, demo.by, case, "request-hearing")
    too_soon(county, early)
    county.turn(days=19)
    for demo, case in early:
        if demo.name == LATE:
            step(county, demo.by, case, "statement", points=["财政困难，已在筹款"])
        if demo.name == HEARD:
            announced = (county.today - dt.timedelta(days=14)).isoformat()
            step(county, demo.by, case, "hold-hearing", announced_on=announced, chair=CHAIR, evidence=RECORD)
    for number, (demo, case) in enumerate(early, start=1):
        decider = "county-government" if demo.list == "conscription-refusal" else demo.by
        body = {"outcome": "list", "number": f"长信决〔{county.today.year}〕{number}号", "reason": "事实清楚，程序完备"}
        step(county, decider, case, "decide", **body, officer=DECIDER)
    county.turn(days=3)
    rows = []
    for demo, case in early:
        for party in process(county, case)["parties"]:
            if "serve" in process(county, case, demo.by)["actions"]:
                step(county, demo.by, case, "serve", party=party["id"], method="留置送达", evidence=PROOF)
        now = process(county, case)
        late = sum(s["late"] for p in now["parties"] for s in p["statements"])
        heard = sum(p["hearing"] == "held" for p in now["parties"])
        spoken = sum(len(p["statements"]) for p in now["parties"])
        rows.append((demo.name, now["case"]["list_title"], STAGES[now["case"]["state"]], str(spoken or ""),
                     str(late or ""), str(heard or ""), now["number"]))  # fmt: skip
    show(rows, ("主体", "名单", "阶段", "陈述申辩", "其中逾期", "听证", "决定文号"))
    console.print(f"自 {first} 至 {county.today}，按工作日计", highlight=False, style="dim")
    related(county, filed)


def too_soon(county: County, early: list[tuple[Demo, str]]) -> None:
    """A decision before the stages are complete is refused, and told what is missing."""
    demo, case = next((d, c) for d, c in early if d.name == HEARD)
    body = {"outcome": "list", "number": "长信决〔2026〕0号", "reason": "抢先", "officer": DECIDER}
    refused = county.ask("county-government", "POST", f"/v1/cases/{case}/steps/decide", json=body)
    if refused.is_success:
        message = "程序未完成而作出了决定"
        raise DemoError(message)
    console.print(f"“{demo.name}”此时不能决定：{refused.json()['detail']}", highlight=False)


def related(county: County, filed: Filed) -> None:
    """Related persons on lists decided elsewhere have a notice and a service of their own; then listings are shown."""
    served = 0
    for demo, f in filed:
        case = f["case"]["id"]
        for party in process(county, case)["parties"]:
            if party["role"] == "subject" or party["served_on"]:
                continue
            if not party["noticed_on"]:
                body = {"party": party["id"], "method": "邮寄", "reason": "系有关责任人员", "evidence": PROOF}
                step(county, demo.by, case, "notify", **body)
            step(county, demo.by, case, "serve", party=party["id"], method="邮寄", evidence=PROOF)
            served += 1
    shown = 0
    for demo, f in filed:
        if "publish" in process(county, f["case"]["id"], demo.by)["actions"]:
            step(county, demo.by, f["case"]["id"], "publish", channel="信用中国网站")
            shown += 1
    console.print(
        f"另对 {served} 名相关人员分别告知并送达，其措施此后方可实施；{shown} 件已向社会公示", highlight=False
    )


def remedies(county: County, filed: Filed) -> None:
    """Objections rejected, upheld for one related person, upheld for the subject; and wrong data put right."""
    by_name = {d.name: (d, f["case"]["id"]) for d, f in filed}
    rows = []

    def object_to(name: str, *, related_person: bool, outcome: str, reason: str) -> None:
        demo, case = by_name[name]
        parties = process(county, case)["parties"]
        party = next(p for p in parties if (p["role"] != "subject") == related_person)
        raised = step(county, demo.by, case, "object", party=party["id"], points=["信息与事实不符"])
        now = raised["process"]
        objection = now["objections"][-1]
        marked = "已标注" + ("，暂停实施" if now["case"]["suspended"] else "")
        county.turn(days=1)
        body = {"objection": objection["id"], "outcome": outcome, "reason": reason}
        done = step(county, demo.by, case, "answer-objection", **body)
        who = f"{name}（相关人员）" if related_person else name
        word = {"upheld": "成立", "rejected": "不成立"}[outcome]
        undone = len(done["lifted"]) + len(done["cancelled"])
        rows.append((who, marked, objection["due"]["on"], word, f"解除 {undone} 项" if undone else "照旧"))

    object_to("平安装修队", related_person=False, outcome="rejected", reason="欠薪台账与银行流水一致")
    object_to(LATE, related_person=False, outcome="rejected", reason="欠款经审计确认")
    object_to("长信建筑劳务有限公司", related_person=True, outcome="upheld", reason="任职早于欠薪期间，已离任")
    object_to("鼎鑫食品有限公司", related_person=False, outcome="upheld", reason="处罚决定已被复议撤销")
    show(rows, ("异议人", "标注", "答复期限", "结论", "结果"))
    demo, case = by_name["孙七"]
    facts = {"public_official": False, "amount_outstanding": "3 万元"}
    fixed = step(county, demo.by, case, "correct", facts=facts, reason="法院更正执行信息")
    console.print(f"“孙七”数据更正：{'；'.join(fixed['changed'])}；解除 {len(fixed['lifted'])} 项，"
                  f"新增 {len(fixed['added'])} 项", highlight=False)  # fmt: skip


def repairs(county: County, filed: Filed) -> None:
    """An application too early is refused with its earliest day; then three are granted."""
    wanted = [(d, f["case"]["id"]) for d, f in filed if d.ground == "repair"]
    demo, case = wanted[0]
    body = {"proved": process(county, case)["repair_requires"], "evidence": PROOF, "officer": DRAFTER}
    refused = county.ask(demo.by, "POST", f"/v1/cases/{case}/steps/apply-repair", json=body)
    console.print(
        f"“{demo.name}”当日申请修复被退回：{refused.json()['title']}，{refused.json()['detail']}", highlight=False
    )
    earliest = max(dt.date.fromisoformat(process(county, c)["earliest_repair"]) for _, c in wanted)
    county.turn_to(earliest)
    ticked = county.tick()
    rows = []
    for demo, case in wanted:
        proved = process(county, case)["repair_requires"]
        applied = step(county, demo.by, case, "apply-repair", proved=proved, evidence=PROOF)
        repair = applied["process"]["repairs"][-1]["id"]
        step(county, demo.by, case, "accept-repair", repair=repair)
        done = step(county, demo.by, case, "grant-repair", repair=repair, reason="已履行义务并公开承诺")
        rows.append(
            (demo.name, done["process"]["case"]["list_title"], county.today.isoformat(), str(len(done["lifted"])))
        )
    show(rows, ("主体", "名单", "准予修复", "须解除"))
    console.print(f"其间定时任务产生 {ticked} 个事件", highlight=False, style="dim")


def expiries(county: County, filed: Filed) -> None:
    """Time passes until every term is over; what has no term is ended by its initiator."""
    ends = []
    for demo, f in filed:
        now = process(county, f["case"]["id"])
        if now["case"]["state"] == "in-force" and demo.ground not in {"expiry", "correction"}:
            path = f"/v1/cases/{f['case']['id']}"
            etag = county.ask(demo.by, "GET", path).headers["ETag"]
            body = {"ground": demo.ground, "reason": "演示", "officer": DRAFTER}
            county.must(demo.by, "POST", f"{path}/end", json=body, headers={"If-Match": etag})
        elif now["case"]["state"] == "in-force":
            ends.append((now["listing"]["maximum"], demo.name, f["case"]["id"], now["case"]["list_title"]))
    rows = []
    with Progress(transient=True, console=console) as progress:
        for last, name, case, title in progress.track(sorted(ends), description="时间推移"):
            county.turn_to(dt.date.fromisoformat(last) + dt.timedelta(days=1))
            county.tick()
            state = county.must("auditor", "GET", f"/v1/cases/{case}")
            rows.append((title, name, last, "期满" if state["ground"] == "expiry" else "", state["ended_on"] or ""))
    show(rows, ("名单", "主体", "期限最后一日", "自行终止", "终止日"), "期满自行终止")


def told(county: County) -> None:
    """What the escalation told whom."""
    words = {
        "notice": "通知",
        "remind": "提醒",
        "chief": "报部门负责人",
        "joint-office": "联席会议办公室督办",
        "report": "通报",
    }
    counts: Counter[str] = Counter()
    for department in ("human-resources", "finance", "development-reform", "county-government"):
        page = county.must(department, "GET", "/v1/messages", params={"limit": 200})
        counts += Counter(f"{county.titles[department]}：{words[m['audience']]}" for m in page["items"])
    show([(*name.split("："), str(n)) for name, n in sorted(counts.items())], ("部门", "性质", "消息（最近 200 条内）"))


def letters(county: County, filed: Filed, folder: Path) -> list[str]:
    """One letter of each kind, as docx and PDF."""
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*"):
        if old.suffix in {".docx", ".pdf"}:
            old.unlink()
    found: dict[str, tuple[Demo, dict[str, Any]]] = {}
    for demo, f in filed:
        for letter in county.must("auditor", "GET", f"/v1/cases/{f['case']['id']}/letters")["items"]:
            found.setdefault(letter["kind"], (demo, letter))
    written = []
    kinds = {
        "pdf": "application/pdf",
        "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    }
    with Progress(transient=True, console=console) as progress:
        for kind, (demo, letter) in progress.track(sorted(found.items()), description="文书"):
            for suffix, accept in kinds.items():
                file = county.ask("auditor", "GET", f"/v1/letters/{letter['id']}", headers={"Accept": accept})
                path = folder / f"{kind}-{demo.name}.{suffix}"
                path.write_bytes(file.raise_for_status().content)
                written.append(str(path))
    console.print(f"文书 {len(found)} 种，各一份 docx 和 PDF：{folder}", highlight=False)
    return written
