"""Charts as SVG to stand inside a page: no script, no link, nothing loaded, the same bytes every time."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import Any

FONTS = '"PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", sans-serif'
MORE, LESS, NOW, INK, QUIET = "#14558f", "#c2571a", "#6b7480", "#1c2430", "#55606e"
NAMESPACE = re.compile(r'\sxmlns(?::\w+)?="[^"]*"')
DROPPED = frozenset({"script", "desc", "title"})
"""Of pygal's own: scripts for tooltips, and texts that only these read."""
BAR, HEAD = 22, 90  # pixels that a bar takes, and what stands around them
WIDE, NARROW = 860, 580  # pixels: a chart across the page, and one with a table beside it
MARGIN, SHORT = 8, 6  # pixels around a chart; by how much pygal takes a Chinese character for narrower than it is
LABELS = 5  # on the axis of days


def bars(name: str, title: str, desc: str, labels: Sequence[str], more: Sequence[int], less: Sequence[int]) -> str:
    """Two bars for each label: what comes, what goes.

    Args:
        name: unique in the page.
        title: what it is called.
        desc: what it shows, for those who do not see it.
        labels: from top to bottom.
        more: the first bar of each.
        less: the second.

    """
    chart = _pygal().HorizontalBar(
        **_config((MORE, LESS)), width=WIDE, height=HEAD + BAR * 2 * max(len(labels), 1),
        margin_left=MARGIN + SHORT * max(map(len, labels)), print_values=True, print_zeroes=False,
        show_x_guides=False, show_y_guides=True, include_x_axis=True,
    )  # fmt: skip
    chart.x_labels = list(reversed(labels))
    chart.add("新增", list(reversed(more)))
    chart.add("解除和撤销", list(reversed(less)))
    return _plain(chart, name, title, desc, max([*more, *less, 1]))


def lines(name: str, title: str, desc: str, days: Sequence[str], now: Sequence[int], then: Sequence[int]) -> str:
    """Two lines over the days: as it is (dashed), and with the change. Arguments as of `bars`."""
    chart = _pygal().Line(
        **_config((NOW, MORE)), width=NARROW, height=340, show_dots=False, show_minor_x_labels=False,
        show_x_guides=False, include_x_axis=True, x_label_rotation=0,
    )  # fmt: skip
    chart.x_labels = list(days)
    chart.x_labels_major = list(days)[:: -(-len(days) // LABELS)]
    chart.add("现行", list(now), stroke_style={"dasharray": "7, 5"})
    chart.add("改依新政策", list(then))
    return _plain(chart, name, title, desc, max([*now, *then, 1]))


def _pygal() -> Any:
    """The library, without the hook for its plugins that it leaves in every later import."""
    import pygal  # noqa: PLC0415 - only reports need it

    sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != "pygal"]
    return pygal


def _config(colours: tuple[str, ...]) -> dict[str, Any]:
    from pygal.style import Style  # noqa: PLC0415 - as above

    style = Style(
        background="transparent", plot_background="transparent", foreground=INK, foreground_strong=INK,
        foreground_subtle="#cfd5dc", guide_stroke_color="#dfe3e8", major_guide_stroke_color="#dfe3e8",
        guide_stroke_dasharray="none", major_guide_stroke_dasharray="none", colors=colours, opacity="1",
        opacity_hover="1", transition="none", font_family=FONTS, label_font_size=13, major_label_font_size=13,
        legend_font_size=14, value_font_size=13, value_colors=("#ffffff",) * len(colours),
        value_font_family=FONTS, stroke_width="2.5",
    )  # fmt: skip
    return {
        "style": style, "js": [], "disable_xml_declaration": True, "legend_at_bottom": True,
        "legend_at_bottom_columns": 2,
        "margin": MARGIN,
        "legend_box_size": 14, "truncate_label": -1, "truncate_legend": -1,
        "value_formatter": lambda value: f"{value:,.0f}",
    }  # fmt: skip


def _plain(chart: Any, name: str, title: str, desc: str, most: int) -> str:
    """The chart's elements alone, with a name and a description for those who do not see it."""
    from pygal.etree import etree  # noqa: PLC0415 - as above

    chart.uuid = name
    step = next(s for s in (f * 10**e for e in range(12) for f in (1, 2, 5)) if most <= s * 6)
    marks = list(range(0, (most // step + 1) * step + 1, step))
    chart.y_labels, chart.range = marks, (0, marks[-1])
    tree = chart.render_tree()
    for parent in list(tree.iter()):
        for child in list(parent):
            if not isinstance(child.tag, str) or child.tag.rpartition("}")[2] in DROPPED:
                parent.remove(child)
    for key, text in (("desc", desc), ("title", title)):
        element = etree.Element(key)
        element.set("id", f"{name}-{key}")
        element.text = text
        tree.insert(0, element)
    tree.set("role", "img")
    tree.set("aria-labelledby", f"{name}-title {name}-desc")
    text = str(etree.tostring(tree, encoding="unicode"))
    return NAMESPACE.sub("", text)
