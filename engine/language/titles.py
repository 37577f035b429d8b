"""What the closed vocabularies of the language are called in Chinese: kinds of document, operators, enumerations."""

from __future__ import annotations

from collections.abc import Mapping

from engine.language.legality import LEVEL_TITLES
from engine.language.raw_procedure import REQUIREMENTS

KINDS: Mapping[str, str] = {
    "law": "法律文件", "department": "部门", "record": "记录种类", "list": "名单", "measure": "措施", "matter": "事项",
    "table": "分级表", "calendar": "工作日历", "ladder": "督办阶梯", "retention": "保存期限",
    "memorandum": "备忘录", "tests": "测试",
}  # fmt: skip
SUBJECTS: Mapping[str, str] = {
    "enterprise": "企业", "sole-trader": "个体工商户", "natural-person": "自然人", "farmer-household": "农户",
    "public-body": "机关、事业单位", "social-organisation": "社会组织", "village": "行政村", "township": "乡（镇）",
}  # fmt: skip
ROLES: Mapping[str, str] = {
    "legal-representative": "法定代表人", "principal": "主要负责人", "actual-controller": "实际控制人",
    "directly-responsible": "直接责任人员", "member": "成员",
}  # fmt: skip
DEPARTMENT_KINDS: Mapping[str, str] = {
    "administrative": "行政机关", "judicial": "司法机关", "party": "党的机关", "public-institution": "事业单位",
    "association": "行业协会、群团组织", "market": "市场机构",
}  # fmt: skip
GOVERNMENT_LEVELS: Mapping[str, str] = {
    "national": "国家级", "provincial": "省级", "city": "市级", "county": "县级", "township": "乡（镇）级",
}  # fmt: skip
LIST_KINDS: Mapping[str, str] = {"incentive": "激励", "sanction": "惩戒", "watch": "重点关注"}
CLASSES: Mapping[str, str] = {
    "restrictive": "减损权益（C1）：须有法律、行政法规、中央政策文件或省级法规为据",
    "managerial": "管理性（C2）",
    "voluntary": "自愿性（C3）：由市场主体自行决定，只是建议",
}
NATURES: Mapping[str, str] = {
    "administrative": "行政性", "market": "市场性", "industry": "行业性", "social": "社会性",
}  # fmt: skip
MODES: Mapping[str, str] = {
    "standing": "持续性：落实一次，逢办必查", "one-shot": "一次性：办一次即完成",
}  # fmt: skip
EFFECTS: Mapping[str, str] = {
    "refuse": "不予办理", "verify-further": "从严核验", "expedite": "绿色通道", "tolerate-missing": "容缺受理",
    "prioritise": "优先", "limit": "限制", "caution": "审慎", "publicise": "公示",
}  # fmt: skip
HITS: Mapping[str, str] = {
    "unique": "恰有一行成立", "first": "自上而下第一行", "any": "可有几行成立，输出须相同",
    "min": "取最小", "max": "取最大", "sum": "求和",
}  # fmt: skip
TYPES: Mapping[str, str] = {
    "text": "文字", "integer": "整数，如 -12、1_000", "money": "金额，如 10 万元、12.34 元",
    "ratio": "比率，如 30%、12.34%", "date": "日期，如 2024-01-31", "boolean": "真假，true 或 false",
    "enum": "枚举，须写 values", "list": "列表，可写 values",
}  # fmt: skip
OUTCOMES: Mapping[str, str] = {
    "implemented": "已实施", "not-applicable": "不适用", "referred": "已转办", "no-occasion": "暂无适用情形",
}  # fmt: skip
FEEDBACKS: Mapping[str, str] = {
    "none": "不必定期反馈", "monthly": "每月", "quarterly": "每季度", "half-yearly": "每半年", "yearly": "每年",
}  # fmt: skip
OPERATORS: Mapping[str, str] = {
    "eq": "等于", "ne": "不等于", "lt": "小于（日期：早于）", "lte": "小于等于（日期：不晚于）",
    "gt": "大于（日期：晚于）", "gte": "大于等于（日期：不早于）", "in": "是其中之一", "not_in": "不在其中",
    "contains": "列表包含", "not_contains": "列表不包含", "within": "在决定之日前这么久以内，如 2 years",
    "before": "比决定之日早出这么久以上，如 2 years", "known": "是否已提供；true 或 false",
}  # fmt: skip
GROUPS: Mapping[str, str] = {
    "all": "同时成立", "any": "至少一项成立", "not": "不成立", "exists": "有这样的记录", "none": "没有这样的记录",
    "count": "这样的记录有几条", "response": "措施的答复",
}  # fmt: skip
QUANTIFIER: Mapping[str, str] = {
    "record": "记录种类", "within": "回溯期，如 2 years", "where": "对记录字段的条件",
}  # fmt: skip
ANSWERED: Mapping[str, str] = {"measure": "措施", "by": "部门，缺省为任一实施部门", "outcome": "答复结果"}

VOCABULARY: Mapping[str, Mapping[str, str]] = {
    "RawLaw.level": LEVEL_TITLES,
    "RawDepartment.level": GOVERNMENT_LEVELS,
    "RawDepartment.kind": DEPARTMENT_KINDS,
    "RawList.kind": LIST_KINDS,
    "RawMeasure.kind": LIST_KINDS,
    "RawTestRelation.kind": SUBJECTS,
    "VerifiedOn.by": {"text": "与原文逐字核对"},
    "FactDecl.worse": {"higher": "越高情节越重；枚举按取值先后", "lower": "越低情节越重；枚举按取值先后"},
    "RawRecord.worse": {"more": "越多情节越重", "fewer": "越少情节越重"},
    "class": CLASSES,
    "nature": NATURES,
    "mode": MODES,
    "effect": EFFECTS,
    "hit": HITS,
    "type": TYPES,
    "subject": SUBJECTS,
    "subjects": SUBJECTS,
    "role": ROLES,
    "roles": ROLES,
    "related": ROLES,
    "target": {"subject": "主体自身", **ROLES},
    "authority": {"any": "任何实施部门"},
    "outcome": OUTCOMES,
    "feedback": FEEDBACKS,
    "evidence": {"required": "须附证据", "optional": "可不附"},
    "act": {"remind": "提醒经办人", "chief": "提醒部门负责人", "joint-office": "联席会议办公室督办", "report": "通报"},
    "requires": REQUIREMENTS,
    "existing_cases": {"keep": "在办案件仍依原政策", "migrate": "在办案件改依新政策"},
    "duty": {"implement": "实施", "assist": "协助", "transmit": "转送"},
}
"""`Model.key`, or `key` in any model → the titles of the values it may have."""


def fact_words(title: str, kind: str) -> str:
    """A fact's title with the name of its type."""
    return f"{title}（{type_word(kind)}）"


def type_word(kind: str) -> str:
    """The name of a type, without how it is written."""
    return TYPES.get(kind, kind).split("，", maxsplit=1)[0]
