"""The obligation graph as a picture: deterministic SVG, layered left to right, coloured by state.

Each layer is a panel of cards; a layer too tall for a screen continues in further columns of its panel. What other
cards depend on stands in the panel's last column, so that arrows leave to the right without crossing cards. Cards of a
later layer stand at the mean height of what they wait for (barycentre), which keeps crossings few.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from engine.casework.deadlines import is_overdue, next_due
from engine.casework.graph import layers_of, shown_edges
from engine.casework.model import Case, Edge, Obligation
from engine.language.ir import Policy

CARD_WIDTH, CARD_HEIGHT, GAP, COLUMN_GAP = 212, 74, 12, 16
PANEL_PADDING, PANEL_GAP, TOP, LEFT = 14, 72, 132, 24
ROWS = 13  # cards in one column of a panel
SOURCE_WIDTH = 150
TITLE_COLUMNS = 30  # width of a card's text in half-width columns
FONT = "'Noto Sans CJK SC','Source Han Sans SC','Microsoft YaHei','PingFang SC','WenQuanYi Micro Hei',sans-serif"

STATES: Mapping[str, tuple[str, str, str]] = {  # state → (Chinese, fill, stroke)
    "waiting": ("等待前置", "#f3f4f6", "#9ca3af"),
    "open": ("待接收", "#fef3c7", "#d97706"),
    "accepted": ("已接收", "#dbeafe", "#2563eb"),
    "in-force": ("实施中", "#dcfce7", "#16a34a"),
    "done": ("已完成", "#ccfbf1", "#0d9488"),
    "lifting": ("待解除", "#ede9fe", "#7c3aed"),
    "closed": ("已办结", "#ffffff", "#94a3b8"),
}
CASE_STATES: Mapping[str, str] = {
    "filed": "已提出，待告知", "noticed": "已告知，待决定", "decided": "已决定，待送达", "in-force": "名单有效",
    "lifting": "已终止，解除中", "closed": "已办结",
}  # fmt: skip
STRIP: Mapping[str, str] = {
    "filed": "提出", "noticed": "告知", "decided": "决定", "in-force": "生效", "lifting": "解除", "closed": "办结",
}  # fmt: skip
STEP = 72  # width of a stage in the strip
OUTCOMES: Mapping[str, str] = {"not-applicable": "不适用", "referred": "已转办", "never-effective": "未生效即终止"}


@dataclass(frozen=True, slots=True)
class _Card:
    obligation: Obligation
    x: int
    y: int


def render(case: Case, policy: Policy, today: dt.date) -> str:
    """The SVG text. The same case, policy and day give the same bytes; no name or identity number appears in it."""
    panels = _panels(case)
    cards: dict[str, _Card] = {}
    boxes: list[tuple[int, int, int, int]] = []  # x, y, width, height
    x = LEFT + SOURCE_WIDTH + PANEL_GAP
    for panel in panels:
        columns = [panel[i : i + ROWS] for i in range(0, len(panel), ROWS)]
        width = len(columns) * (CARD_WIDTH + COLUMN_GAP) - COLUMN_GAP + 2 * PANEL_PADDING
        height = max(len(c) for c in columns) * (CARD_HEIGHT + GAP) - GAP + 2 * PANEL_PADDING
        boxes.append((x, TOP, width, height))
        for c, column in enumerate(columns):
            for r, obligation in enumerate(column):
                cards[obligation.id] = _Card(
                    obligation,
                    x + PANEL_PADDING + c * (CARD_WIDTH + COLUMN_GAP),
                    TOP + PANEL_PADDING + r * (CARD_HEIGHT + GAP),
                )
        x += width + PANEL_GAP
    width = max(x - PANEL_GAP + LEFT, 980)
    height = max([b[1] + b[3] for b in boxes], default=TOP + 120) + 40
    listed = policy.lists[case.list]
    body = [
        *_heading(case, listed.title, today),
        *_strip(case, width),
        *_legend(case, today),
        *_panel_boxes(boxes),
        *_source(case, listed.title, boxes),
        *(line for edge in _sorted(shown_edges(case)) for line in _arrow(edge, cards)),
        *(line for name in sorted(cards, key=_number) for line in _card(cards[name], policy, today)),
    ]
    label = quoteattr(f"{listed.title}：{len(case.obligations)} 项应响应事项的依赖关系图")
    return "\n".join(
        [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
                f'width="{width}" height="{height}" role="img" aria-label={label} font-family="{FONT}">'
            ),
            f'<rect width="{width}" height="{height}" fill="#fbfbfd"/>',
            (
                '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
                'orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" fill="#64748b"/></marker></defs>'
            ),
            *body,
            "</svg>",
            "",
        ]
    )


def _panels(case: Case) -> list[list[Obligation]]:
    """Obligations by layer, each layer in the order in which its cards stand."""
    rank: dict[str, float] = {}
    panels: list[list[Obligation]] = []
    needs = [e for e in case.edges if e.kind == "needs"]
    feeding = {e.before for e in needs}
    for layer in layers_of(case):
        before: dict[str, list[float]] = {}
        for edge in needs:
            if edge.after in layer and edge.before in rank:
                before.setdefault(edge.after, []).append(rank[edge.before])

        def place(name: str, before: Mapping[str, Sequence[float]] = before) -> tuple[bool, float, str, str]:
            heights = before.get(name, ())
            mean = sum(heights) / len(heights) if heights else 0.0
            here = case.obligations[name]
            return name in feeding, mean, here.department, here.measure

        ordered = sorted(layer, key=place)
        rank |= {name: float(i % ROWS) for i, name in enumerate(ordered)}
        panels.append([case.obligations[name] for name in ordered])
    return panels


def _heading(case: Case, title: str, today: dt.date) -> list[str]:
    closed = sum(o.state == "closed" for o in case.obligations.values())
    departments = len({o.department for o in case.obligations.values()})
    line = (
        f"{CASE_STATES[case.state]} · {len(case.obligations)} 项应响应事项，{departments} 个部门，已办结 {closed} 项"
        f" · 截至 {today.isoformat()}"
    )
    line += " · 异议处理中" if case.marked else ""
    line += " · 暂停实施" if case.suspended else ""
    return [
        f'<text x="{LEFT}" y="40" font-size="20" font-weight="700" fill="#0f172a">{escape(title)}</text>',
        f'<text x="{LEFT}" y="64" font-size="13" fill="#475569">{escape(line)}</text>',
    ]


def _strip(case: Case, width: int) -> list[str]:
    """The case's stages as a strip, filled up to where it stands."""
    lines = []
    reached = list(STRIP).index(case.state)
    x = width - LEFT - STEP * len(STRIP)
    for i, word in enumerate(STRIP.values()):
        past = ("#bfdbfe", "#1e3a8a") if i < reached else ("#e2e8f0", "#64748b")
        fill, ink = ("#2563eb", "#fff") if i == reached else past
        left, right = x + i * STEP, x + (i + 1) * STEP - 4
        lines += [
            f'<path d="M{left} 22H{right - 8}L{right} 34L{right - 8} 46H{left}L{left + 8} 34z" fill="{fill}"/>',
            f'<text x="{(left + right) // 2}" y="38" font-size="12" text-anchor="middle" fill="{ink}">{word}</text>',
        ]
    return lines


def _legend(case: Case, today: dt.date) -> list[str]:
    lines: list[str] = []
    x = LEFT
    for state, (word, fill, stroke) in STATES.items():
        count = sum(o.state == state for o in case.obligations.values())
        lines += [
            f'<rect x="{x}" y="80" width="14" height="14" rx="3" fill="{fill}" stroke="{stroke}"/>',
            f'<text x="{x + 20}" y="92" font-size="12" fill="#334155">{word} {count}</text>',
        ]
        x += 96
    late = sum(is_overdue(o, today) for o in case.obligations.values())
    lines += [
        f'<rect x="{x}" y="80" width="14" height="14" rx="3" fill="#fff" stroke="#dc2626" stroke-width="2.5"/>',
        f'<text x="{x + 20}" y="92" font-size="12" fill="#334155">逾期 {late}</text>',
    ]
    return lines


def _panel_boxes(boxes: Iterable[tuple[int, int, int, int]]) -> list[str]:
    lines = []
    for number, (x, y, width, height) in enumerate(boxes, start=1):
        word = "无前置事项" if number == 1 else f"第 {number} 层：待前一层生效"
        lines += [
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="12" fill="#f1f5f9" stroke="#e2e8f0"/>',
            f'<text x="{x + 4}" y="{y - 8}" font-size="12" fill="#64748b">{word}</text>',
        ]
    return lines


def _source(case: Case, title: str, boxes: Sequence[tuple[int, int, int, int]]) -> list[str]:
    filed = f"列入 {case.filed_on.isoformat()}" if case.filed_on else ""
    ended = f"终止 {case.ended_on.isoformat()}" if case.ended_on else ""
    words = [*_wrap(title, SOURCE_WIDTH // 7 - 2, 4), filed, ended]
    middle = TOP + 70
    lines = [
        f'<rect x="{LEFT}" y="{TOP}" width="{SOURCE_WIDTH}" height="140" rx="10" fill="#1e293b"/>',
        *(
            f'<text x="{LEFT + SOURCE_WIDTH // 2}" y="{TOP + 28 + 21 * i}" font-size="13" text-anchor="middle" '
            f'fill="#f8fafc">{escape(word)}</text>'
            for i, word in enumerate(w for w in words if w)
        ),
    ]
    if boxes:
        start, end = LEFT + SOURCE_WIDTH, boxes[0][0]
        lines.append(
            f'<path d="M{start} {middle}L{end - 4} {middle}" stroke="#64748b" stroke-width="2" fill="none" '
            'marker-end="url(#arrow)"/>'
        )
    return lines


def _arrow(edge: Edge, cards: Mapping[str, _Card]) -> list[str]:
    """`releases` arrows are the same lines walked backwards, so they are drawn dashed from right to left."""
    first, last = cards[edge.before], cards[edge.after]
    style = {
        "needs": 'stroke="#94a3b8" stroke-width="1.4"',
        "releases": 'stroke="#7c3aed" stroke-width="1.4" stroke-dasharray="5 4"',
        "supersedes": 'stroke="#d97706" stroke-width="1.4" stroke-dasharray="2 3"',
    }[edge.kind]
    middle = CARD_HEIGHT // 2
    offset = 8 if edge.kind == "releases" else 0
    y1, y2 = first.y + middle + offset, last.y + middle + offset
    if first.x < last.x:
        x1, x2 = first.x + CARD_WIDTH, last.x
        bend = max(30, (x2 - x1) // 2)
        path = f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2 - 2} {y2}"
    elif first.x > last.x:
        x1, x2 = first.x, last.x + CARD_WIDTH
        bend = max(30, (x1 - x2) // 2)
        path = f"M{x1} {y1}C{x1 - bend} {y1} {x2 + bend} {y2} {x2 + 2} {y2}"
    else:
        x1 = first.x + CARD_WIDTH
        path = f"M{x1} {y1}C{x1 + 26} {y1} {x1 + 26} {y2} {x1 + 2} {y2}"
    return [f'<path d="{path}" fill="none" {style} marker-end="url(#arrow)"/>']


def _card(card: _Card, policy: Policy, today: dt.date) -> list[str]:
    obligation = card.obligation
    word, fill, stroke = STATES[obligation.state]
    late = is_overdue(obligation, today)
    due = next_due(obligation)
    department = policy.departments[obligation.department].name_on(today)
    title = policy.measures[obligation.measure].title
    x, y = card.x, card.y
    dim = 0.62 if obligation.state == "closed" else 1
    note = OUTCOMES.get(obligation.outcome or "", "")
    when = f"{'逾期 ' if late else '限 '}{due.on.isoformat()}{'（暂定）' if due.provisional else ''}" if due else note
    bar = "#b91c1c" if obligation.kind == "sanction" else "#15803d"
    target = "" if obligation.target_role == "subject" else "（相关人员）"
    full = f"{department}：{title}{target}；{word}{'，' + when if when else ''}"
    return [
        f'<g opacity="{dim}"><title>{escape(full)}</title>',
        (
            f'<rect x="{x}" y="{y}" width="{CARD_WIDTH}" height="{CARD_HEIGHT}" rx="8" fill="{fill}" '
            f'stroke="{"#dc2626" if late else stroke}" stroke-width="{2.5 if late else 1.2}"/>'
        ),
        f'<rect x="{x}" y="{y + 8}" width="4" height="{CARD_HEIGHT - 16}" rx="2" fill="{bar}"/>',
        (
            f'<text x="{x + 12}" y="{y + 19}" font-size="12.5" font-weight="700" fill="#0f172a">'
            f"{escape(_clip(department + target, 22))}</text>"
        ),
        f'<text x="{x + CARD_WIDTH - 8}" y="{y + 19}" font-size="11" text-anchor="end" fill="{stroke}">{word}</text>',
        *(
            f'<text x="{x + 12}" y="{y + 37 + 15 * i}" font-size="12" fill="#334155">{escape(line)}</text>'
            for i, line in enumerate(_wrap(title, TITLE_COLUMNS, 2))
        ),
        (
            f'<text x="{x + 12}" y="{y + 67}" font-size="10.5" fill="{"#dc2626" if late else "#64748b"}">'
            f"{escape(when)}</text></g>"
        ),
    ]


def _columns(text: str) -> int:
    """Width in half-width columns."""
    return sum(2 if unicodedata.east_asian_width(c) in "WFA" else 1 for c in text)


def _clip(text: str, columns: int) -> str:
    return _wrap(text, columns, 1)[0] if text else ""


def _wrap(text: str, columns: int, lines: int) -> list[str]:
    """Text in at most `lines` lines of `columns` half-width columns; what does not fit ends in an ellipsis."""
    wrapped = [""]
    for character in text:
        if _columns(wrapped[-1] + character) > columns:
            if len(wrapped) == lines:
                wrapped[-1] = wrapped[-1][:-1] + "…"
                break
            wrapped.append("")
        wrapped[-1] += character
    return wrapped


def _sorted(edges: Iterable[Edge]) -> list[Edge]:
    return sorted(edges, key=lambda e: (_number(e.before), _number(e.after), e.kind))


def _number(name: str) -> int:
    return int(name.rpartition(".")[2])
