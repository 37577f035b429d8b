"""The subject's view put into words: titles for ids, sentences for rules, and no names of officers or other persons."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import replace

from adapters.office.letters import chinese, masked
from adapters.office.looks import SELF, WHAT
from adapters.office.portal_material import OWN_PURPOSE, OWN_VIEW, Material, moment
from adapters.office.portal_remedies import remedies_of, repair_of
from adapters.office.portal_view import (
    Cited,
    ClockView,
    DueProcess,
    Ending,
    Group,
    Lever,
    Look,
    MeasureView,
    ObjectionView,
    RecordedFact,
    RecordedItem,
    StatementView,
    SubjectCaseView,
    SuggestedAmount,
    Way,
    WaysOut,
)
from engine.casework.clocks import bounds
from engine.casework.model import Clock, Obligation
from engine.casework.terms import response_terms
from engine.decision.counterfactual import WayOut, describe
from engine.decision.model import LISTING_RECORD, Record
from engine.language.build_procedure import GROUNDS
from engine.language.ir import FactType, Policy, Type, Value
from engine.language.scalars import show_fact
from engine.language.titles import ROLES

STATES: Mapping[str, str] = {
    "filed": "已经申报，尚未告知", "noticed": "已经告知，尚未决定", "decided": "已经决定，尚未送达",
    "in-force": "名单生效中", "lifting": "名单已经终止，措施正在解除", "closed": "已经办结",
}  # fmt: skip
GROUPS: Mapping[str, Group] = {
    "waiting": "pending", "open": "pending", "accepted": "pending", "in-force": "active", "done": "active",
    "lifting": "lifting", "closed": "over",
}  # fmt: skip
WORDS: Mapping[str, str] = {
    "waiting": "尚未生效：前面的步骤还没有完成", "open": "尚未生效：等待部门接收", "accepted": "尚未生效：部门正在办理",
    "in-force": "实施中", "done": "已经实施", "lifting": "正在解除",
}  # fmt: skip
HOST = "系统所在单位（审计）"
"""Who looks without a key: whoever runs the system, as auditor."""
UNSERVED = "尚未生效：决定还没有向您送达"
PLANNED = "拟采取：名单生效以前不实施"
EFFECTS: Mapping[str, str] = {
    "refuse": "“{}”依法不予办理", "verify-further": "“{}”增加核验", "expedite": "“{}”走绿色通道",
    "tolerate-missing": "“{}”可以容缺受理", "prioritise": "“{}”同等条件下优先", "limit": "“{}”受到限制",
    "caution": "“{}”从严审慎", "publicise": "向社会公示",
}  # fmt: skip
LETTERS: Mapping[str, str] = {
    "notice": "告知书", "decision": "决定书", "repair-notice": "信用修复告知书", "repair-answer": "信用修复决定书",
    "objection-answer": "异议答复书", "delisting": "移出通知书",
}  # fmt: skip
HEARINGS: Mapping[str, str] = {
    "none": "",
    "requested": "已申请，尚未举行",
    "requested-late": "逾期申请",
    "held": "已经举行",
}


def view_of(m: Material, ways: Mapping[str, tuple[WayOut, ...]], until: str) -> SubjectCaseView:
    """What the party is shown. `ways` are those out of each measure in `open_keys`."""
    case, listed = m.case, m.policy.lists[m.case.list]
    measures = tuple(_measures(m))
    mine = [o for o in case.objections.values() if o.party == m.party.id]
    publish = case.tasks.get("publish")
    assert case.filed_on is not None
    return SubjectCaseView(
        case=case.id,
        today=m.context_today,
        session_until=until,
        name=m.name,
        code=masked(m.code) if m.code else "",
        role="" if m.own else ROLES.get(m.party.role, m.party.role),
        concerning=m.concerning,
        list_title=m.list_title,
        list_kind=listed.kind,
        severe=m.severe,
        initiator=department(m.current, case.initiator, m.context_today),
        state=case.state,
        state_title=STATES[case.state],
        since=case.decided_on or case.filed_on,
        ended_on=case.ended_on,
        ground=GROUNDS[case.ground] if case.ground else "",
        removed_on=m.party.removed_on,
        objected=any(o.outcome is None for o in mine),
        rests=_rests(m),
        published_on=publish.done_on if publish else None,
        basis=tuple(cited(m.policy, b.law, b.article) for b in listed.basis),
        facts=tuple(_facts(m)),
        records=tuple(_record(m, record, supplier) for record, supplier in m.records),
        process=_process(m),
        clocks=tuple(_clocks(m)),
        measures=measures,
        ways=tuple(_ways(m, measures, ways)),
        repair=repair_of(m),
        endings=tuple(
            Ending(GROUNDS[ground], f"{within.words}内") for ground, within in listed.procedure.ends.items()
        ),
        objections=tuple(
            ObjectionView(
                o.received_on, o.points, o.outcome is None, o.suspends, o.due.on,
                o.provider_due.on if o.provider_due else None,
                {None: "尚未答复", "upheld": "异议成立", "rejected": "异议不成立"}[o.outcome], o.answered_on,
            )
            for o in mine
        ),
        remedies=tuple(remedies_of(m)),
        amounts=tuple(
            SuggestedAmount(
                f"{m.policy.tables[table].title}（{department(m.current, by, m.context_today)}）", yuan(amount)
            )
            for table, by, amount in m.amounts
        ),
        steps=m.steps,
        looks=tuple(_looks(m)),
        looks_total=m.looks_total,
    )  # fmt: skip


def open_keys(m: Material) -> tuple[str, ...]:
    """Keys of the measures of the party that stand or are to come, in order; each once."""
    if m.case.state in {"lifting", "closed"}:
        return ()
    if _planned(m):
        return tuple(m.owed)
    return tuple(
        dict.fromkeys(k for o, k in m.obligations if k is not None and GROUPS[o.state] in {"active", "pending"})
    )


def department(policy: Policy, name: str, day: dt.date) -> str:
    """The name that a department bears on a day."""
    found = policy.departments.get(name)
    return found.name_on(day) if found is not None else name


def cited(policy: Policy, law: str, article: str) -> Cited:
    """An article of a law, with what it says."""
    found = policy.laws.get(law)
    if found is None:
        return Cited(law, "", article, "")
    return Cited(found.title, found.number or "", article, found.articles.get(article, ""))


def say(fact: FactType, value: Value) -> str:
    """A value as people read it: 1,200,000 元, 2026年11月24日, 是."""
    match fact.type, value:
        case (Type.MONEY, int()):
            return yuan(value)
        case (Type.RATIO, int()):
            whole, points = divmod(abs(value), 100)
            return f"{'-' if value < 0 else ''}{whole}{f'.{points:02}'.rstrip('0') if points else ''}%"
        case (Type.DATE, int()):
            return chinese(dt.date.fromordinal(value))
        case _:
            return show_fact(fact, value)


def yuan(fen: int) -> str:
    """An amount with its thousands apart."""
    whole, rest = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{whole:,}{f'.{rest:02}' if rest else ''} 元"


def _facts(m: Material) -> Iterator[RecordedFact]:
    """The subject sees every fact of the listing, a related person those that lead to their own measures."""
    for name, fact in m.decided_under.lists[m.case.list].facts.items():
        if name in m.facts.values and (m.fact_names is None or name in m.fact_names):
            yield RecordedFact(fact.title, say(fact, m.facts.values[name]))


def _record(m: Material, record: Record, supplier: str) -> RecordedItem:
    """The subject sees what a record says, a related person only that there is one."""
    day = dt.date.fromordinal(record.date) if record.date is not None else None
    if record.kind == LISTING_RECORD:
        found = m.decided_under.lists.get(str(record.fields["list"]))
        title = f"同时列入：{found.title if found else record.fields['list']}"
        return RecordedItem(title, day, "", (), record.excluded)
    kind = m.decided_under.records[record.kind]
    said = {n: v for n, v in record.fields.items() if n in kind.fields and m.own}
    return RecordedItem(
        kind.title,
        day,
        department(m.current, supplier, m.context_today) if supplier else "",
        tuple(RecordedFact(kind.fields[n].title, say(kind.fields[n], v)) for n, v in said.items()),
        record.excluded,
    )


def _process(m: Material) -> DueProcess:
    party, case = m.party, m.case
    return DueProcess(
        noticed_on=party.noticed_on,
        statement_until=party.statement_until.on if party.statement_until else None,
        statements=tuple(
            StatementView(
                s.received_on, tuple((p, s.answers[i] if s.answers else "") for i, p in enumerate(s.points)), s.late
            )
            for s in party.statements
        ),
        hearing=HEARINGS[party.hearing],
        hearing_until=party.hearing_until.on if party.hearing_until else None,
        decided_on=case.decided_on,
        number=case.number,
        served_on=party.served_on,
        letters=tuple((LETTERS.get(kind, kind), number, day) for kind, number, day in m.letters),
    )


def _clocks(m: Material) -> Iterator[ClockView]:
    """Publicity and listing; the clocks of measures stand with the measures."""
    case, procedure = m.case, m.policy.lists[m.case.list].procedure
    if case.publicity is not None and procedure.publicity.public:
        limits = tuple(
            f"{cited(m.policy, b.law, b.article or '全文').words}："
            + "，".join(
                part
                for part in (
                    f"最短至{chinese(b.minimum)}" if b.minimum else "",
                    f"最长至{chinese(b.maximum)}" if b.maximum else "",
                )
                if part
            )
            for b in bounds(procedure, case.publicity)
        )
        shown = _ended(case.publicity, case.ended_on)
        yield ClockView(
            "publicity", "公示期", shown.start, shown.minimum, shown.maximum, shown.ended_on,
            "" if shown.maximum else "随名单终止", limits,
        )  # fmt: skip
    if case.listing is not None:
        shown = _ended(case.listing, case.ended_on)
        until = "" if shown.maximum else "至义务履行完毕" if procedure.term.until_performed else "至终止事由出现"
        yield ClockView("listing", "列入期限", shown.start, shown.minimum, shown.maximum, shown.ended_on, until)


def _ended(clock: Clock, ended_on: dt.date | None) -> Clock:
    """The end of a listing ends what still runs."""
    return clock if clock.ended_on is not None else replace(clock, ended_on=ended_on)


def _planned(m: Material) -> bool:
    """Whether the listing is not in force yet, so that measures are only intended."""
    return m.case.state in {"filed", "noticed", "decided"}


def _measures(m: Material) -> Iterator[MeasureView]:
    if _planned(m):
        for key, owed in m.owed.items():
            measure = m.decided_under.measures[owed["measure"]]
            terms = response_terms(m.decided_under, owed["rules"], measure.id, owed["department"])
            told = measure.directive if owed["duty"] != "transmit" else None
            yield MeasureView(
                key, measure.title, department(m.current, owed["department"], m.context_today), "pending", PLANNED,
                _effect(m.decided_under, told.effect, told.matter) if told else "",
                measure.kind == "sanction" and measure.cls == "restrictive", rests=False, since=None, lifted_on=None,
                lift_by=None, lift_within=terms.lift.words, clock=None,
                basis=tuple(cited(m.decided_under, law, article) for law, article in owed["basis"]),
                clauses=_clauses(m.decided_under, owed["rules"]),
            )  # fmt: skip
        return
    for obligation, owed_as in m.obligations:
        if obligation.outcome != "referred":  # whoever has it now is shown instead
            yield _measure(m, obligation, owed_as)


def _measure(m: Material, o: Obligation, key: str | None) -> MeasureView:
    policy = m.policies[o.policy or m.case.policy]
    since = o.effective_on or m.days.get((o.id, "done"))
    lifted_on = m.days.get((o.id, "lift"))
    clock = None
    if since is not None and o.mode == "standing":
        listing = m.case.listing.maximum if m.case.listing else None
        ends = min((day for day in (o.expires_on, listing) if day is not None), default=None)
        ended_on = lifted_on or (m.case.ended_on if o.state == "closed" else None)
        clock = ClockView("measure", "措施期限", since, None, ends, ended_on, "" if o.expires_on else "随名单终止")
    return MeasureView(
        key or o.key, policy.measures[o.measure].title, department(m.current, o.department, m.context_today),
        GROUPS[o.state], _state(m, o, since), _effect(policy, o.effect, o.matter), o.restrictive,
        rests=m.case.suspended and GROUPS[o.state] == "active", since=since, lifted_on=lifted_on,
        lift_by=o.lift_by.on if o.lift_by and o.state == "lifting" else None,
        lift_within=response_terms(policy, o.rules, o.measure, o.department).lift.words, clock=clock,
        basis=tuple(cited(policy, law, article) for law, article in o.basis), clauses=_clauses(policy, o.rules),
    )  # fmt: skip


def _state(m: Material, o: Obligation, since: dt.date | None) -> str:
    if o.state == "waiting" and not m.own and m.party.served_on is None:
        return UNSERVED
    if o.state != "closed":
        return WORDS[o.state]
    if o.outcome == "not-applicable":
        return "不适用，没有实施"
    if since is None:
        return "没有生效，已经终止"
    return "已经解除" if o.reversible else "已经实施完毕"


def _effect(policy: Policy, effect: str | None, matter: str | None) -> str:
    found = policy.matters.get(matter) if matter else None
    return EFFECTS[effect].format(found.title if found else matter) if effect else ""


def _clauses(policy: Policy, rules: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    """The memorandum, and the clause of it, that a measure comes from."""
    words = []
    for name in rules:
        memorandum = policy.memoranda.get(name.partition("/")[0])
        rule = next((r for r in memorandum.rules if r.id == name), None) if memorandum else None
        if memorandum is not None and rule is not None:
            document = f"（{memorandum.document}）" if memorandum.document else ""
            words.append(f"《{memorandum.title}》{document}：{rule.clause or rule.title}")
    return tuple(dict.fromkeys(words))


def _ways(m: Material, measures: tuple[MeasureView, ...], ways: Mapping[str, tuple[WayOut, ...]]) -> Iterator[WaysOut]:
    """Measures with the same ways out stand together; those with none come last."""
    declared = m.decided_under.lists[m.case.list].facts
    titles = {v.key: f"{v.title}（{v.department}）" for v in measures if v.group in {"active", "pending"}}
    grouped: dict[tuple[Way, ...], list[str]] = {}
    for key, found in ways.items():
        said = tuple(
            Way(
                describe(way),
                tuple(
                    Lever(c.fact, c.title, say(declared[c.fact], c.now) if c.now is not None else None, c.needed)
                    for c in way.changes
                ),
            )
            for way in found
        )
        if key in titles:
            grouped.setdefault(said, []).append(key)
    for ways_out, keys in sorted(grouped.items(), key=lambda item: not item[0]):
        yield WaysOut(tuple(titles[k] for k in keys), tuple(keys), ways_out)


def _rests(m: Material) -> str:
    """Why the measures rest, if they do."""
    if m.case.shielded:
        return "因人民法院批准的重整计划或者和解协议，名单和措施暂停"
    return "因有异议尚未答复，措施暂停实施" if m.case.suspended else ""


def _looks(m: Material) -> Iterator[Look]:
    for row in m.looks:
        if row.department == SELF:
            assert row.matter == OWN_VIEW
            yield Look(moment(row.at), OWN_PURPOSE, "", "", "")
            continue
        matter = m.current.matters.get(row.matter)
        # a clerk may have signed the purpose with their own name
        purpose = row.purpose.replace(row.officer, "经办人") if row.officer else row.purpose
        who = department(m.current, row.department, moment(row.at).date()) if row.department else HOST
        yield Look(moment(row.at), who, WHAT[row.what], matter.title if matter else row.matter, purpose)
