"""What the subject's own view shows, and that it shows nothing that does not concern the one who looks."""

from __future__ import annotations

import datetime as dt

from adapters.office import CheckRequest, Filing, Related
from adapters.office.model import Step
from api.web.pages import page
from tests.adapters.conftest import databases, engine  # noqa: F401 - fixtures
from tests.adapters.support import FINANCE, HR, MARKET, TAX, arrears, enterprise, person, principal
from tests.api.portals import PROOF, Portal, desk_ban, served_portal  # noqa: F401 - a fixture

DECIDER = principal("human-resources", officer="李四")


def test_the_subject_sees_what_is_recorded_on_what_basis_and_until_when(portal: Portal) -> None:
    """Facts, law and article, measures with their state, three clocks, remedies with their periods."""
    desk = portal.desk
    publish = desk.find(portal.case, "publish")
    desk.do(HR, publish, "accept")
    desk.do(HR, publish, "respond", outcome="implemented", evidence=PROOF)
    ban = desk.find(portal.case, "no-procurement")
    desk.do(FINANCE, ban, "accept")
    desk.do(FINANCE, ban, "confirm")
    desk.do(FINANCE, ban, "arm", evidence=PROOF)
    view = portal.view()
    facts = {f.title: f.value for f in view.facts}
    measures = {m.title: m for m in view.measures}
    clocks = {c.name: (c.start, c.minimum, c.maximum) for c in view.clocks}
    day = dt.date

    assert (view.name, view.code[:4], view.code[-4:]) == (
        "甲建筑公司",
        portal.company.code[:4],
        portal.company.code[-4:],
    )
    assert set(view.code[4:-4]) == {"*"}
    assert (view.list_title, view.since, view.process.number) == (
        "拖欠工资名单",
        day(2026, 11, 16),
        "人社列〔2026〕1号",
    )
    assert facts["拖欠金额"] == "800,000 元"
    assert facts["群体性事件"] == "是"
    assert [c.words for c in view.basis] == ["《信用法》第一条"]
    assert clocks == {
        "publicity": (day(2026, 11, 16), day(2027, 11, 16), day(2029, 11, 16)),
        "listing": (day(2026, 11, 16), day(2027, 5, 16), day(2029, 11, 16)),
    }
    assert set(measures) == {"公示", "限制政府采购"}
    banned = measures["限制政府采购"]
    assert (banned.department, banned.group, banned.state, banned.since) == (
        "finance局", "active", "实施中", day(2026, 11, 24),
    )  # fmt: skip
    assert banned.clock is not None
    assert banned.clock.maximum == day(2029, 11, 16)
    assert banned.effect == "“政府采购”依法不予办理"
    assert (measures["公示"].state, measures["公示"].since) == ("已经实施", day(2026, 11, 24))
    assert view.repair.earliest == day(2027, 11, 17)
    assert view.repair.requires == ("已改正", "已公开作出信用承诺")
    assert {e.ground: e.within for e in view.endings} == {"依据被撤销": "1 个工作日内"}
    remedies = {r.title: (r.until, r.over) for r in view.remedies}
    assert remedies["提出异议"] == (None, False)
    assert remedies["申请行政复议"] == (day(2027, 1, 18), False)  # sixty days end on a Saturday
    assert remedies["提起行政诉讼"] == (day(2027, 5, 17), False)


def test_another_case_never_shows(portal: Portal) -> None:
    """Neither another's, nor another of one's own."""
    office = portal.desk.office
    other = portal.desk.file(arrears(portal.company, amount_owed="99 万元", decision_number="另案一号"))
    office.file_case(TAX, Filing("a-grade", portal.company, {"year": 2025, "income": "77 万元"}))
    stranger = portal.desk.file(arrears(enterprise(name="乙公司"), decision_number="别人二号"))
    text = "".join(map(str, portal.shown()))

    for foreign in (other.case.id, "另案一号", "990,000", "770,000", "A级", stranger.case.id, "乙公司", "别人二号"):
        assert foreign not in text
    assert portal.case in text


def test_a_related_person_sees_only_what_is_theirs(portal: Portal) -> None:
    """Their own measure with the facts that it rests on, their own remedies; not the company's facts or measures."""
    document, html = portal.shown(portal.boss_id)
    text = str(document) + html

    assert (document["name"], document["role"], document["concerning"]) == ("赵老板", "法定代表人", "甲建筑公司")
    assert [m["title"] for m in document["measures"]] == ["限制任职"]
    assert [f["title"] for f in document["facts"]] == ["拖欠金额"]
    assert document["process"]["served_on"] is None
    for foreign in (
        "群体性事件",
        "限制政府采购",
        "送达回证",
        portal.company.code,
        portal.company.code[:8],
        portal.company_id,
    ):
        assert foreign not in text
    own = "".join(map(str, portal.shown()))
    for foreign in ("赵老板", "限制任职", portal.boss_id, portal.boss.code):
        assert foreign not in own


def test_a_person_who_is_listed_is_not_named_to_those_related(portal: Portal) -> None:
    """The name of an organisation is shown to those whom its listing reaches, that of a person is not."""
    debtor, guard = person(name="钱债户"), person(name="孙监护")
    filing = arrears(debtor, amount_owed="60 万元")
    filed = portal.desk.file(
        Filing(filing.list, debtor, filing.facts, related=(Related("legal-representative", guard),))
    )
    target = next(o.obligation.target for o in filed.obligations if o.obligation.target != filed.case.subject)
    document, html = portal.shown(target, filed.case.id)

    assert document["concerning"] == ""
    assert "钱债户" not in str(document) + html


def test_no_officer_is_ever_named(portal: Portal) -> None:
    """Whoever filed, accepted, confirmed, answered or looked: departments only, even where a clerk signed a purpose."""
    desk, ban = portal.desk, desk_ban(portal)
    finance = principal("finance", officer="王窗口")
    desk.do(finance, ban, "accept")
    desk.do(finance, ban, "confirm", remark="周主任同意")
    desk.do(finance, ban, "arm", evidence=PROOF)
    desk.office.check(finance, CheckRequest("procurement", "资格审查（王窗口）", code=portal.company.code))
    desk.office.step(HR, portal.case, Step("object", on=dt.date(2026, 11, 24), points=("金额不对",)))
    desk.office.step(
        DECIDER, portal.case, Step("answer-objection", objection="o1", outcome="rejected", reason="钱科长核实无误")
    )
    text = "".join(map(str, portal.shown()))

    for name in ("张三", "李四", "王窗口", "周主任", "钱科长"):
        assert name not in text
    assert "资格审查（经办人）" in text
    assert "异议不成立" in text


def test_what_is_said_to_lift_a_measure_does(portal: Portal) -> None:
    """Just above the figure the measure stays owed when the case is decided again, and at the figure it goes."""
    office = portal.desk.office
    (group,) = portal.view(portal.boss_id).ways
    (way,) = group.ways
    (lever,) = way.levers

    assert group.measures == ("限制任职（market-regulation局）",)
    assert (lever.fact, lever.now, lever.needed) == ("amount_owed", "800,000 元", "降至 50 万元以下（不含）")
    assert way.words == "若“拖欠金额”降至 50 万元以下（不含），该措施的适用条件即不再成立。"
    office.step(HR, portal.case, Step("correct", facts={"amount_owed": "500000 元"}, reason="部分清偿"))
    (still,) = portal.view(portal.boss_id).measures
    assert still.group == "pending"
    office.step(HR, portal.case, Step("correct", facts={"amount_owed": "499999.99 元"}, reason="部分清偿"))
    (gone,) = portal.view(portal.boss_id).measures
    assert (gone.group, gone.state) == ("over", "没有生效，已经终止")
    assert portal.view(portal.boss_id).ways == ()


def test_a_measure_passed_on_keeps_its_way_out(portal: Portal) -> None:
    """The department that has it now is shown, the one that passed it on is not."""
    serve = Step("notify", party=portal.boss_id, method="直接送达", reason="列入", evidence=PROOF)
    portal.desk.office.step(HR, portal.case, serve)
    portal.desk.office.step(HR, portal.case, Step("serve", party=portal.boss_id, method="直接送达", evidence=PROOF))
    posts = portal.desk.find(portal.case, "no-posts")
    portal.desk.do(MARKET, posts, "refer", to="transport", reason="不属本部门")
    view = portal.view(portal.boss_id)

    assert [m.department for m in view.measures] == ["transport局"]
    assert [g.measures for g in view.ways if g.ways] == [("限制任职（transport局）",)]


def test_who_looked_is_shown(portal: Portal) -> None:
    """Each counter check with department, matter, purpose and time, and the party's own looks; the latest first."""
    desk = portal.desk
    desk.office.check(FINANCE, CheckRequest("procurement", "采购资格审查", code=portal.company.code))
    desk.office.check(FINANCE, CheckRequest("procurement", "别人的事", subject=portal.boss_id))
    desk.clock.turn(hours=1)
    looks = portal.view().looks
    desk.clock.turn(hours=1)
    again = portal.view()

    assert [(f"{x.at:%H:%M}", x.who, x.matter, x.purpose) for x in looks] == [
        ("11:00", "本人查询", "", ""),
        ("10:00", "finance局", "政府采购", "采购资格审查"),
    ]
    assert [x.who for x in again.looks] == ["本人查询", "本人查询", "finance局"]
    assert again.looks_total == 3


def test_before_the_listing_the_party_sees_what_is_intended_and_how_to_be_heard(portal: Portal) -> None:
    """Measures only intended, the end of the period for a statement, no clocks yet; each point with its answer."""
    office = portal.desk.office
    filed = office.file_case(HR, Filing("polluters", enterprise(), {"rectified": False}))
    case, subject = filed.case.id, filed.case.subject
    office.step(HR, case, Step("notify", method="直接送达", reason="排污", evidence=PROOF))
    office.step(HR, case, Step("statement", on=dt.date(2026, 11, 24), points=("已在整改",)))
    view = portal.view(subject, case)
    remedies = {r.title: (r.until, r.over) for r in view.remedies}

    assert (view.state_title, view.clocks) == ("已经告知，尚未决定", ())
    assert [(m.title, m.group, m.state) for m in view.measures] == [
        ("重点监管", "pending", "拟采取：名单生效以前不实施")
    ]
    assert [w.words for g in view.ways for w in g.ways] == ["若“已整改到位”改为 是，该措施的适用条件即不再成立。"]
    assert remedies["陈述和申辩"] == (dt.date(2026, 12, 1), False)
    assert "申请行政复议" not in remedies
    assert view.process.statements[0].points == (("已在整改", ""),)
    assert [what for what, _, _ in view.process.letters] == ["告知书"]


def test_an_open_objection_is_shown_with_its_deadline_to_its_party_alone(portal: Portal) -> None:
    """The record is marked at once; measures that rest meanwhile are shown as resting to everyone they concern."""
    office = portal.desk.office
    office.step(HR, portal.case, Step("object", on=dt.date(2026, 11, 24), points=("金额有误",), own=False))
    mine, other = portal.view(), portal.view(portal.boss_id)
    (objection,) = mine.objections

    assert mine.objected
    assert (objection.due, objection.provider_due) == (dt.date(2026, 12, 3), dt.date(2026, 11, 27))
    assert objection.points == ("金额有误",)
    assert (other.objected, other.objections) == (False, ())
    assert mine.rests == other.rests == "因有异议尚未答复，措施暂停实施"


def test_after_the_end_the_party_sees_that_measures_come_down(portal: Portal) -> None:
    """By when, and later when they did; nothing of ways out any more."""
    desk, ban = portal.desk, desk_ban(portal)
    for action in ("accept", "confirm", "arm"):
        desk.do(FINANCE, ban, action, **({"evidence": PROOF} if action == "arm" else {}))
    desk.clock.turn(days=1)
    desk.office.end_case(HR, portal.case, "annulment", "决定被撤销")
    lifting = portal.view()
    desk.do(FINANCE, ban, "lift", evidence=PROOF)
    after = {m.title: m for m in portal.view().measures}["限制政府采购"]
    before = {m.title: m for m in lifting.measures}["限制政府采购"]

    assert (lifting.state, lifting.ground, lifting.ways) == ("lifting", "依据被撤销", ())
    assert (before.group, before.lift_by) == ("lifting", dt.date(2026, 11, 26))
    assert (after.state, after.since, after.lifted_on) == ("已经解除", dt.date(2026, 11, 24), dt.date(2026, 11, 25))


def test_a_favour_is_shown_as_one(portal: Portal) -> None:
    """An incentive list: what it brings, a suggested limit, and no talk of sanctions."""
    filed = portal.desk.office.file_case(TAX, Filing("a-grade", enterprise(), {"year": 2025, "income": "50 万元"}))
    code = portal.code(case=filed.case.id, who=TAX)
    view = portal.desk.office.subject_view(portal.desk.office.redeem_code(code).token)
    html = page("view.html", v=view).body.decode()

    assert [m.effect for m in view.measures] == ["“政府采购”可以容缺受理"]
    assert [(a.title, a.amount) for a in view.amounts] == [("授信（农商行）", "150,000 元")]
    assert [r.title for r in view.remedies] == ["提出异议"]
    assert "什么情况下终止" in html
    assert "怎样解除" not in html
