"""The subjects of the demonstration. All are made up; their codes are valid in form and belong to nobody we know."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from engine.identity import organisation_check_character, person_check_character


def organisation(number: int, registrar: str = "91") -> str:
    """A well-formed unified social credit code (GB 32100-2015) of the demonstration county."""
    body = f"{registrar}410783MADEM{number:04d}"
    return body + organisation_check_character(body)


def person(number: int) -> str:
    """A well-formed citizen number (GB 11643-1999)."""
    body = f"41072819800101{number:03d}"
    return body + person_check_character(body)


@dataclass(frozen=True)
class Demo:
    """One filing: who files whom on which list with which facts, and on what ground it will end."""

    by: str
    list: str
    kind: str
    code: str
    name: str
    facts: dict[str, Any]
    ground: str
    related: tuple[tuple[str, str, str], ...] = ()  # role, code, name
    records: tuple[dict[str, Any], ...] = field(default=())  # supplied_by, record, days ago, fields


def cases(today: dt.date) -> tuple[Demo, ...]:
    """The filings, dated back from `today` so that each listing is within its term."""

    def ago(days: int) -> str:
        return (today - dt.timedelta(days=days)).isoformat()

    def rating(years: int) -> dict[str, Any]:
        return {
            "by": "tax", "record": "tax-rating", "date": ago(200 + 365 * years),
            "fields": {"grade": "A", "year": today.year - 1 - years},
        }  # fmt: skip

    decided = {
        "notice_date": ago(40), "decision_date": ago(20), "service_date": ago(18), "service_proof": "送达回证2026-18",
    }  # fmt: skip
    return (
        Demo(
            "human-resources", "wage-arrears", "enterprise", organisation(1), "长信建筑劳务有限公司",
            {
                "amount_owed": "120 万元", "workers": "60", "mass_incident": True, "extreme_incident": False,
                "able_but_refusing": True, "construction_sector": True, "works_owner": False, "paid_in_full": False,
                "conduct": "crime-threshold", "decision_number": "长人社欠〔2026〕1号", **decided,
            },
            "repair", (("legal-representative", person(101), "李强"), ("directly-responsible", person(102), "赵六")),
        ),
        Demo(
            "human-resources", "wage-arrears", "sole-trader", organisation(2, "92"), "平安装修队",
            {
                "amount_owed": "8.50 万元", "workers": "7", "mass_incident": False, "extreme_incident": False,
                "able_but_refusing": False, "construction_sector": True, "conduct": "crime-threshold",
                "paid_in_full": False, "decision_number": "长人社欠〔2026〕2号", **decided,
            },
            "performance",
        ),
        Demo(
            "peoples-court", "court-defaulters", "natural-person", person(103), "孙七",
            {
                "issuer": "peoples-court", "conduct": "able-but-refusing", "violence_or_repeated": False,
                "underage": False, "consumption_order": True, "exit_decision": True, "personal_large_debt": True,
                "public_official": True, "amount_outstanding": "30 万元",
                "decision_number": "（2026）豫0783执101号", **decided,
            },
            "performance",
        ),
        Demo(
            "peoples-court", "court-defaulters", "enterprise", organisation(3), "恒远贸易有限公司",
            {
                "issuer": "peoples-court", "conduct": "property-report-breach", "violence_or_repeated": False,
                "underage": False, "consumption_order": True, "exit_decision": False, "state_owned": False,
                "amount_outstanding": "450 万元", "decision_number": "（2026）豫0783执102号", **decided,
            },
            "expiry", (("legal-representative", person(104), "周八"), ("actual-controller", person(105), "吴九")),
        ),
        Demo(
            # certified first, and then caught out by the next filing: its incentives are suspended while that lasts
            "customs", "aeo-enterprises", "enterprise", organisation(4), "华丰进出口有限公司",
            {
                "certification": "advanced-certified", "minor_dishonesty": False, "credit_consent": True,
                "promise_given": True, "annual_trade": "2 亿元", "decision_number": "AEO-2026-0783-01",
                "decision_date": ago(20),
            },
            "withdrawal",
        ),
        Demo(
            "tax", "tax-violations", "enterprise", organisation(4), "华丰进出口有限公司",
            {
                "conduct": "export-refund-fraud", "tax_amount": "300 万元", "arrears_outstanding": "120 万元",
                "guarantee_given": False, "exporter": True, "convicted": False,
                "decision_number": "豫税稽罚〔2026〕1号", **decided,
            },
            "repair", (("legal-representative", person(106), "郑十"),),
        ),
        Demo(
            "market-regulation", "market-serious", "enterprise", organisation(5), "鼎鑫食品有限公司",
            {
                "field": "food", "licence_revoked": True, "personal_responsibility": True,
                "revocation_date": ago(90), "penalty_kind": "heaviest-fine",
                "decision_number": "长市监列〔2026〕1号", **decided,
            },
            "annulment", (("legal-representative", person(107), "冯一"),),
        ),
        Demo(
            "emergency-management", "work-safety", "enterprise", organisation(6), "宏达化工有限公司",
            {
                "conduct": "major-accident", "accident_grade": "major", "deaths": "3", "hazard_rectified": False,
                "closure_proposed": True, "technical_agency": False, "false_report": False,
                "principal_dismissed_or_convicted": True, "standardisation_certified": True,
                "penalty_number": "长应急罚〔2026〕3号", "decision_number": "长应急列〔2026〕1号", **decided,
            },
            "expiry", (("principal", person(108), "陈二"),),
        ),
        Demo(
            "market-regulation", "food-drug", "enterprise", organisation(7), "康乐食品厂",
            {
                "field": "food", "conduct": "toxic-food", "goods_value": "8 万元", "licence_revoked": True,
                "decision_number": "长市监列〔2026〕2号", **decided,
            },
            "expiry", (("legal-representative", person(109), "褚三"), ("directly-responsible", person(110), "卫四")),
        ),
        Demo(
            "ecology-environment", "environment", "enterprise", organisation(8), "清源电镀有限公司",
            {
                "conduct": "data-falsification", "environmental_harm": "serious", "rectified": False,
                "black_grade": True,
            },
            "repair",
        ),
        Demo(
            "armed-forces", "conscription-refusal", "natural-person", person(111), "蒋五",
            {
                "conduct": "enlistment-refused", "corrected": False, "student": True,
                "order_number": "长政责改〔2026〕1号",
            },
            "withdrawal",
        ),
        Demo(
            "industry-information", "public-body-default", "public-body", organisation(9, "11"), "某乡人民政府",
            {
                "conduct": "sme-payment-arrears", "amount_owed": "600 万元", "overdue_days": "60", "grave": True,
                "explanation_given": False, "correction_due": ago(5), "rectified": False,
            },
            "correction",
        ),
        Demo(
            "tax", "a-grade-taxpayers", "enterprise", organisation(10), "诚达精密机械有限公司",
            {
                "rating_date": ago(200), "current_grade": "A", "exporter": True, "importer": True,
                "credit_consent": True, "promise_given": True, "annual_sales": "3000 万元",
            },
            "expiry", (), (rating(0), rating(1), rating(2)),
        ),
        Demo(
            "civilisation-office", "honesty-models", "natural-person", person(112), "沈六",
            {"category": "moral-model", "promise_given": True, "credit_consent": True},
            "expiry",
        ),
        Demo(
            "financial-office", "credit-household", "farmer-household", person(113), "韩七户",
            {
                "grade": "AAA", "score": "93", "household_assets": "30 万元", "operating_income": "10 万元",
                "consent": True, "gambling_or_drugs": False, "false_data": False, "overdue_loan": False,
                "rating_date": ago(40), "cooperative_member": True,
            },
            "expiry",
        ),
        Demo(
            "financial-office", "credit-village", "village", organisation(11, "55"), "杨庄村",
            {
                "credit_household_ratio": "82%", "clean_borrower_ratio": "90%", "bad_loan_stock_ratio": "2%",
                "bad_loan_new_ratio": "0.5%", "rating_date": ago(40), "false_data": False,
            },
            "expiry",
        ),
    )  # fmt: skip
