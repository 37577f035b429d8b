"""Law texts as articles."""

from __future__ import annotations

import re
from pathlib import Path

HEADING = re.compile(r"^\s*(第[一二三四五六七八九十百零]+条)[\s　]+(.*)$")


def articles(path: Path) -> dict[str, str]:
    """Article → its text without white space, from a text whose articles begin lines with 第…条."""
    found: dict[str, str] = {}
    current = None
    for line in path.read_text(encoding="utf-8").splitlines():
        if match := HEADING.match(line):
            current = match.group(1)
            found[current] = match.group(2)
        elif current and not line.startswith("#"):
            found[current] += line
    return {name: squeeze(text) for name, text in found.items()}


OUTLINE = re.compile(r"^\s*(?:([一二三四五六七八九十]+)、|[(（]([一二三四五六七八九十]+)[)）]|(\d+)\.)(.*)$")


def sections(path: Path) -> dict[str, str]:
    """Section → its text, for a plan numbered 三、 (一) 4.; a section is named 三（一）4 and holds what is below it."""
    found: dict[str, str] = {}
    place: list[str] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if match := OUTLINE.match(line):
            depth = next(i for i in range(3) if match.group(i + 1))
            place = [*place[:depth], match.group(depth + 1)]
        for depth in range(1, len(place) + 1):
            top, second, third = [*place[:depth], "", ""][:3]
            name = top + (f"（{second}）" if second else "") + third
            found[name] = found.get(name, "") + line
    return {name: squeeze(text) for name, text in found.items()}


def squeeze(text: str) -> str:
    """Text without any white space."""
    return re.sub(r"\s+", "", text)
