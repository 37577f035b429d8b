"""A small policy without a fault, for tests to plant one in: four lists, and most of what the language can say."""

from __future__ import annotations

BASIS = "{law: credit-law, article: 第一条, verified: {by: text, on: 2026-11-01}}"
DEPARTMENTS = {"tax": "税务局", "finance": "财政局", "market": "市场监督管理局", "bank": "农商行"}


def _law(name: str, title: str, level: str, valid: str) -> str:
    return f"law: {name}\ntitle: {title}\nlevel: {level}\nvalid: {valid}\narticles: {{第一条: 联合奖惩}}\n"


def _measure(name: str, title: str, kind: str, of: str, directive: str, basis: str = BASIS, term: str = "") -> str:
    more = f"directive: {directive}\n" if directive else ""
    more += "steps: [site]\n" if "verify-further" in directive else ""
    more += f"term: {term}\n" if term else ""
    return (
        f"measure: {name}\ntitle: {title}\nkind: {kind}\nclass: {of}\nnature: administrative\nmode: standing\n"
        f"{more}basis:\n  - {basis}\n"
    )


def _covering(what: str, maximum: str = "") -> str:
    return BASIS[:-1] + f", covers: {{{what}}}" + (f", max: {maximum}" if maximum else "") + "}"


def _matter(name: str, title: str, department: str) -> str:
    return f"matter: {name}\ntitle: {title}\ndepartments: [{department}]\nverification: {{site: 现场核查}}\n"


MEASURES = {
    "publish": _measure("publish", "公示", "sanction", "managerial", ""),
    "watch": _measure("watch", "重点监管", "sanction", "managerial", ""),
    "letter": _measure("letter", "约谈", "sanction", "managerial", ""),
    "no-procurement": _measure(
        "no-procurement", "限制政府采购", "sanction", "restrictive", "{matter: procurement, effect: refuse}",
        _covering("subjects: [enterprise]"),
    ),
    "no-bidding": _measure(
        "no-bidding", "限制投标", "sanction", "restrictive", "{matter: procurement, effect: refuse}"
    ),
    "no-posts": _measure(
        "no-posts", "限制任职", "sanction", "restrictive", "",
        _covering("roles: [legal-representative]", "3 years"),
    ),
    "no-licence": _measure(
        "no-licence", "限制许可", "sanction", "restrictive", "{matter: licence, effect: refuse}"
    ),
    "check-licence": _measure(
        "check-licence", "从严核验", "sanction", "managerial", "{matter: licence, effect: verify-further}"
    ),
    "caution": _measure(
        "caution", "审慎授信", "sanction", "managerial", "{matter: loan, effect: limit}",
        _covering("lists: [arrears]", "2 years"), "2 years",
    ),
    "fast-licence": _measure(
        "fast-licence", "绿色通道", "incentive", "managerial", "{matter: licence, effect: expedite}"
    ),
    "subsidy": _measure(
        "subsidy", "优先安排补贴", "incentive", "managerial", "{matter: funds, effect: prioritise}"
    ),
    "praise": _measure("praise", "表彰", "incentive", "managerial", ""),
}  # fmt: skip

FILES: dict[str, str] = {
    "rules/laws/credit-law.yaml": _law("credit-law", "信用法", "law", "{from: 2000-01-01}"),
    "rules/laws/old-law.yaml": _law("old-law", "旧信用法", "law", "{from: 2000-01-01, until: 2024-12-31}"),
    "rules/laws/notice.yaml": _law("notice", "信用通知", "normative-document", "{from: 2000-01-01}"),
    **{
        f"rules/departments/{d}.yaml": f"department: {d}\ntitle: {title}\nlevel: county\nkind: administrative\n"
        for d, title in DEPARTMENTS.items()
    },
    "rules/records/penalty.yaml": """\
record: penalty
title: 行政处罚
worse: more
fields:
  number: {type: text, title: 文号, required: true}
""",
    "rules/matters/procurement.yaml": _matter("procurement", "政府采购", "finance"),
    "rules/matters/licence.yaml": _matter("licence", "经营许可", "market"),
    "rules/matters/loan.yaml": _matter("loan", "贷款", "bank"),
    "rules/matters/funds.yaml": _matter("funds", "财政补贴", "finance"),
    **{f"rules/measures/{name}.yaml": text for name, text in MEASURES.items()},
    "rules/lists/arrears.yaml": f"""\
list: arrears
title: 欠税名单
kind: sanction
severe: true
filed_by: [tax]
subjects: [enterprise, natural-person]
facts:
  notice_date: {{type: date, title: 告知日期, required: true}}
  decision_date: {{type: date, title: 决定日期, required: true}}
  service_date: {{type: date, title: 送达日期, required: true}}
  conduct: {{type: enum, values: {{evade: 逃避缴税, refuse: 抗税}}, title: 行为, required: true}}
  amount: {{type: money, title: 欠税金额, worse: higher}}
  violence: {{type: boolean, title: 使用暴力, worse: higher}}
  harm: {{type: enum, values: {{minor: 轻微, serious: 严重, grave: 特别严重}}, title: 危害, worse: higher}}
procedure:
  upstream:
    notice: {{date: notice_date}}
    decision: {{date: decision_date}}
    service: {{date: service_date}}
  term: {{length: 3 years}}
basis: [{BASIS}]
""",
    "rules/lists/invoices.yaml": f"""\
list: invoices
title: 虚开发票名单
kind: sanction
filed_by: [tax]
subjects: [enterprise]
facts:
  conduct: {{type: enum, values: {{forge: 虚开发票, misstate: 虚假申报}}, title: 行为, required: true}}
procedure:
  notice: {{}}
  decision: {{}}
  service: {{within: 7 working days}}
  term: {{length: 2 years}}
basis: [{BASIS}]
""",
    "rules/lists/grading.yaml": f"""\
list: grading
title: 分级监管名单
kind: watch
filed_by: [market]
subjects: [enterprise]
facts:
  grade: {{type: enum, values: [A, B, C, D], title: 等级, required: true, worse: higher}}
procedure:
  term: {{length: 1 year}}
basis: [{BASIS}]
""",
    "rules/lists/model.yaml": f"""\
list: model
title: A级纳税人名单
kind: incentive
filed_by: [tax]
subjects: [enterprise, farmer-household]
facts:
  score: {{type: integer, title: 得分, required: true, worse: lower}}
  debts: {{type: money, title: 负债, worse: higher}}
  income: {{type: money, title: 收入, worse: lower}}
procedure:
  term: {{length: 1 year}}
basis: [{BASIS}]
""",
    "rules/tables/credit.yaml": """\
table: credit
title: 授信额度
inputs: {score: {type: integer, title: 得分}}
outputs: {base: {type: money, title: 基础额度}}
hit: unique
rows:
  - {when: {score: {lt: 60}}, then: {base: 1 万元}}
  - {when: {score: {gte: 60}}, then: {base: 10 万元}}
limit:
  amount: base
  plus: [{ratio: 10%, of: income}]
  floor: 0 元
  cap: 50 万元
""",
    "rules/tables/starter.yaml": """\
table: starter
title: 起步额度
inputs: {score: {type: integer, title: 得分}}
outputs: {base: {type: money, title: 基础额度}}
hit: first
rows:
  - {when: {score: {gte: 90}}, then: {base: 5 万元}}
  - {when: {score: {gte: 60}}, then: {base: 3 万元}}
  - {when: {}, then: {base: 1 万元}}
limit:
  amount: base
  floor: 0 元
  cap: 50 万元
""",
    "memoranda/arrears-main.yaml": """\
memorandum: arrears-main
title: 欠税联合惩戒备忘录
list: arrears
valid: {from: 2010-01-01}
derive:
  - fact: tier
    title: 档次
    type: enum
    values: {high: 高, middle: 中, low: 低}
    choose:
      - {when: {violence: true}, value: high}
      - {when: {amount: {gte: 100 万元}}, value: high}
      - {when: {amount: {gte: 50 万元}}, value: middle}
      - {value: low}
  - fact: penalties
    title: 两年内处罚次数
    count: {record: penalty, within: 2 years}
rules:
  - id: publicity
    then:
      - oblige: publish
        by: [tax]
  - id: procurement
    when: {subject.kind: enterprise}
    then:
      - oblige: no-procurement
        by: [finance]
        after: [publish]
  - id: posts
    when: {tier: high}
    then:
      - oblige: no-posts
        by: [market]
        target: {related: [legal-representative]}
  - id: repeat
    when: {penalties: {gte: 2}}
    then:
      - oblige: watch
        by: [market]
  - id: harmful
    when: {harm: grave}
    then:
      - oblige: watch
        by: [market]
  - id: large
    when: {amount: {gte: 500 万元}}
    then:
      - oblige: watch
        by: [market]
  - id: licence
    when: {harm: {in: [serious, grave]}}
    then:
      - oblige: check-licence
        by: [market]
  - id: instead
    when: {response: {measure: no-posts, by: market, outcome: not-applicable}}
    then:
      - oblige: letter
        by: [finance]
""",
    "memoranda/arrears-bank.yaml": """\
memorandum: arrears-bank
title: 欠税信贷惩戒备忘录
list: arrears
valid: {from: 2010-01-01}
rules:
  - id: loans
    when: {amount: {gte: 10 万元}}
    then:
      - oblige: caution
        by: [bank]
  - id: tender
    when: {subject.kind: enterprise, amount: {gte: 20 万元}}
    then:
      - oblige: no-procurement
        by: [finance]
  - id: notice
    when: {conduct: refuse}
    then:
      - oblige: publish
        by: [tax]
""",
    "memoranda/invoices.yaml": """\
memorandum: invoices
title: 虚开发票惩戒备忘录
list: invoices
valid: {from: 2010-01-01}
rules:
  - id: procurement
    then:
      - oblige: no-procurement
        by: [finance]
  - id: licence
    when: {conduct: forge}
    then:
      - oblige: no-licence
        by: [market]
""",
    "memoranda/grading-main.yaml": """\
memorandum: grading-main
title: 分级监管备忘录
list: grading
valid: {from: 2010-01-01}
rules:
  - id: easy
    when: {grade: A}
    then:
      - oblige: fast-licence
        by: [market]
  - id: hard
    when: {grade: {in: [C, D]}}
    then:
      - oblige: check-licence
        by: [market]
""",
    "memoranda/grading-more.yaml": """\
memorandum: grading-more
title: 从严核验备忘录
list: grading
valid: {from: 2010-01-01}
rules:
  - id: punished
    when: {grade: D, count: {record: penalty, within: 1 year, gte: 1}}
    then:
      - oblige: check-licence
        by: [market]
""",
    "memoranda/model.yaml": """\
memorandum: model
title: A级纳税人激励备忘录
list: model
valid: {from: 2010-01-01}
rules:
  - id: fast
    when: {debts: {lt: 10 万元}}
    then:
      - oblige: fast-licence
        by: [market]
  - id: first
    then:
      - oblige: subsidy
        by: [finance]
  - id: praised
    unless: {exists: {record: listing, where: {severe: true}}}
    then:
      - oblige: praise
        by: [tax]
  - id: credit
    when: {debts: {lt: 50 万元}}
    then:
      - limit: credit
        by: [bank]
  - id: starting
    when: {subject.kind: farmer-household}
    then:
      - limit: starter
        by: [bank]
""",
    **{
        f"memoranda/{name}.test.yaml": f"""\
tests: {name}
cases:
  - name: 成立
    as_of: 2026-03-02
    subject: enterprise
    expect: {{fires: [{rules}]}}
  - name: 不成立
    as_of: 2026-03-02
    subject: enterprise
    expect: {{silent: [{others}]}}
"""
        for name, rules, others in (
            (
                "arrears-main",
                "publicity, procurement, posts, repeat, harmful, large, licence, instead",
                "procurement, posts, repeat, harmful, large, licence, instead",
            ),
            ("arrears-bank", "loans, tender, notice", "loans, tender, notice"),
            ("invoices", "procurement, licence", "licence"),
            ("grading-main", "easy, hard", "easy, hard"),
            ("grading-more", "punished", "punished"),
            ("model", "fast, first, praised, credit, starting", "fast, praised, credit, starting"),
        )
    },
}
"""Relative path → text. It compiles, and neither the compiler nor the deep check has anything to say of it."""
