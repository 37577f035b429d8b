"""Reads the texts of laws from a folder, for holding citations against them."""

from __future__ import annotations

from pathlib import Path

from engine.workbench.citations import LawText, law_text

SUFFIXES = frozenset({".md", ".txt"})
MAX_BYTES = 8 << 20  # the Civil Code is some 400 KiB
MAX_FILES = 5_000


class LawTextError(Exception):
    """A folder of law texts cannot be used: it is missing, or a file in it is too large, doubled or not UTF-8."""


def read_law_texts(folder: Path) -> dict[str, LawText]:
    """File name → text, for every `.md` and `.txt` file in the folder and below it.

    A law's file names its text by file name alone (`text:`), so two files of one name are an error.

    Raises:
        LawTextError: the folder or a file in it cannot be used.
        OSError: a file cannot be read.

    """
    if not folder.is_dir():
        message = f"没有文件夹 {folder}"
        raise LawTextError(message)
    texts: dict[str, LawText] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix not in SUFFIXES or not path.is_file():
            continue
        if path.name in texts:
            message = f"两处都有文本 {path.name}"
            raise LawTextError(message)
        if len(texts) >= MAX_FILES or path.stat().st_size > MAX_BYTES:
            message = f"{path}：文本超过 {MAX_BYTES:,} 字节，或文件超过 {MAX_FILES:,} 个"
            raise LawTextError(message)
        try:
            texts[path.name] = law_text(path.name, path.read_bytes())
        except UnicodeDecodeError:
            message = f"{path} 不是 UTF-8 编码"
            raise LawTextError(message) from None
    return texts
