"""A small policy: three lists, and one of every thing that the ledger and the office treat differently."""

from __future__ import annotations

from collections.abc import Mapping

LAW = """
law: credit-law
title: 信用法
level: law
valid: {from: 2000-01-01}
articles: {第一条: 可以限制, 第二条: 可以激励}
"""

BASIS = "[{law: credit-law, article: 第一条, verified: {by: text, on: 2026-11-01}, \
covers: {subjects: [enterprise, natural-person], roles: [legal-representative]}}]"
FAVOUR = "[{law: credit-law, article: 第二条, verified: {by: text, on: 2026-11-01}}]"

DEPARTMENTS = ("finance", "transport", "human-resources", "market-regulation", "tax")

FILES: dict[str, str] = {
    "rules/laws/credit-law.yaml": LAW,
    **{
        f"rules/departments/{d}.yaml": f"department: {d}\ntitle: {d}局\nlevel: county\nkind: administrative\n"
        for d in DEPARTMENTS
    },
    "rules/departments/rural-bank.yaml": "department: rural-bank\ntitle: 农商行\nlevel: county\nkind: market\n",
    "rules/records/penalty.yaml": """
record: penalty
title: 行政处罚
supplied_by: [market-regulation]
fields:
  document_number: {type: text, title: 文号, required: true}
  amount: {type: money, title: 罚款}
  simple_procedure: {type: boolean, title: 简易程序}
excluded: {all: [{simple_procedure: true}, {subject.kind: natural-person}]}
""",
    "rules/lists/arrears.yaml": f"""
list: arrears
title: 拖欠工资名单
kind: sanction
severe: true
filed_by: [human-resources]
subjects: [enterprise, natural-person]
facts:
  decision_number: {{type: text, required: true, title: 文号}}
  amount_owed: {{type: money, title: 拖欠金额}}
  decided_on: {{type: date, title: 决定日期}}
  mass_incident: {{type: boolean, title: 群体性事件}}
  notice_date: {{type: date, title: 告知日期, required: true}}
  decision_date: {{type: date, title: 决定日期, required: true}}
  service_date: {{type: date, title: 送达日期, required: true}}
  service_proof: {{type: text, title: 送达回证编号, required: true}}
procedure:
  upstream:
    notice: {{date: notice_date}}
    decision: {{date: decision_date, number: decision_number}}
    service: {{date: service_date, proof: service_proof}}
  publicity: {{within: 7 working days, min: 1 year, max: 3 years}}
  term: {{length: 3 years}}
  objection: {{own: 3 working days, verify: 7 working days, provider: 3 working days, suspends: true}}
  ends: {{annulment: 1 working day}}
basis: {BASIS}
""",
    "rules/lists/a-grade.yaml": f"""
list: a-grade
title: A级纳税人
kind: incentive
filed_by: [tax]
subjects: [enterprise]
facts:
  year: {{type: integer, title: 年度}}
  income: {{type: money, title: 收入}}
procedure:
  term: {{length: 1 year}}
basis: {FAVOUR}
""",
    "rules/matters/procurement.yaml": f"""
matter: procurement
title: 政府采购
departments: [finance, transport]
documents:
  - {{id: form, title: 申请书}}
  - {{id: plan, title: 方案, may_be_outstanding: 20 working days}}
verification: {{site-check: 现场核查}}
basis: {FAVOUR}
""",
    "rules/matters/loan.yaml": f"""
matter: loan
title: 贷款
departments: [rural-bank]
documents:
  - {{id: form, title: 申请书}}
verification: {{original-copy: 核验原件}}
basis: {FAVOUR}
""",
    "rules/measures/publish.yaml": f"""
measure: publish
title: 公示
kind: sanction
class: managerial
nature: administrative
mode: one-shot
basis: {BASIS}
""",
    "rules/measures/no-procurement.yaml": f"""
measure: no-procurement
title: 限制政府采购
kind: sanction
class: restrictive
nature: market
mode: standing
directive: {{matter: procurement, effect: refuse}}
basis: {BASIS}
""",
    "rules/measures/no-posts.yaml": f"""
measure: no-posts
title: 限制任职
kind: sanction
class: restrictive
nature: market
mode: standing
basis: {BASIS}
""",
    "rules/measures/watch.yaml": f"""
measure: watch
title: 重点监管
kind: sanction
class: managerial
nature: industry
mode: standing
basis: {BASIS}
""",
    "rules/measures/green.yaml": f"""
measure: green
title: 容缺受理
kind: incentive
class: managerial
nature: administrative
mode: standing
directive: {{matter: procurement, effect: tolerate-missing}}
basis: {FAVOUR}
""",
    "rules/tables/credit.yaml": f"""
table: credit
title: 授信
inputs: {{income: {{type: money, title: 收入}}}}
outputs: {{base: {{type: money, title: 基础额度}}}}
hit: unique
rows:
  - {{when: {{income: {{lt: 10 万元}}}}, then: {{base: 1 万元}}}}
  - {{when: {{income: {{gte: 10 万元}}}}, then: {{base: 10 万元}}}}
limit:
  amount: base
  plus: [{{ratio: 10%, of: income}}]
  floor: 0 元
  cap: 20 万元
basis: {FAVOUR}
""",
    "rules/calendars/2026.yaml": """
calendar: 2026
holidays: [2026-01-01]
makeup: []
provisional: false
source: 试验
""",
    "rules/calendars/2027.yaml": """
calendar: 2027
holidays: [2027-01-01]
makeup: []
provisional: true
source: 试验
""",
    "memoranda/arrears.yaml": """
memorandum: arrears
title: 拖欠工资合作备忘录
valid: {from: 2000-01-01}
list: arrears
rules:
  - id: publicity
    then:
      - {oblige: publish, by: [human-resources]}
  - id: procurement
    when: {subject.kind: enterprise}
    then:
      - {oblige: no-procurement, by: [finance], after: [publish]}
  - id: posts
    when: {amount_owed: {gte: 50 万元}}
    then:
      - {oblige: no-posts, by: [market-regulation], target: {related: [legal-representative]}}
  - id: repeat
    when: {count: {record: penalty, within: 2 years, gte: 2}}
    then:
      - {oblige: watch, by: [transport]}
  - id: instead
    when: {response: {measure: no-procurement, by: finance, outcome: not-applicable}}
    then:
      - {oblige: watch, by: [tax]}
""",
    "memoranda/a-grade.yaml": """
memorandum: a-grade
title: A级纳税人激励备忘录
valid: {from: 2000-01-01}
list: a-grade
rules:
  - id: green
    then:
      - {oblige: green, by: [finance]}
  - id: credit
    then:
      - {limit: credit, by: [rural-bank]}
""",
}


def large(obligations: int) -> Mapping[str, str]:
    """The same policy with a list `many` from which this many independent obligations follow."""
    measures = {
        f"rules/measures/m{i}.yaml": f"""
measure: m{i}
title: 措施{i}
kind: sanction
class: managerial
nature: industry
mode: one-shot
basis: {BASIS}
"""
        for i in range(obligations)
    }
    rules = "\n".join(f"      - {{oblige: m{i}, by: [finance]}}" for i in range(obligations))
    return {
        **FILES,
        **measures,
        "rules/lists/many.yaml": FILES["rules/lists/arrears.yaml"].replace("list: arrears", "list: many"),
        "memoranda/many.yaml": f"""
memorandum: many
title: 大备忘录
valid: {{from: 2000-01-01}}
list: many
rules:
  - id: all
    then:
{rules}
""",
    }
