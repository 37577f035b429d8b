"""Shows what the templates give: `python -m adapters.documents out` fills each with the sample values.

Writes `<kind>.docx` and `<kind>.pdf` into the folder; exits with 1 if a template is wrong, after naming all that are.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import yaml

from adapters.documents import KINDS, TemplateError, default_templates, render


def main(arguments: list[str] | None = None) -> int:
    """Render every kind; the number returned is the exit code."""
    parser = argparse.ArgumentParser(prog="python -m adapters.documents", description="用示例值填每个文书模板")
    parser.add_argument("folder", type=Path, help="写到这个目录")
    parser.add_argument("--templates", type=Path, default=default_templates(), help="模板所在的目录")
    parser.add_argument("--values", type=Path, default=default_templates() / "sample.yaml", help="示例值")
    options = parser.parse_args(arguments)
    values = yaml.load(options.values.read_text("utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 - the base loader makes texts only
    options.folder.mkdir(parents=True, exist_ok=True)
    wrong = 0
    for kind in KINDS:
        try:
            letter = render(kind, values, options.templates)
        except (TemplateError, ValueError) as error:
            wrong = 1
            sys.stdout.write(f"错误  {kind}：{error}\n")
            continue
        (options.folder / f"{kind}.docx").write_bytes(letter.docx)
        (options.folder / f"{kind}.pdf").write_bytes(letter.pdf)
        sys.stdout.write(f"通过  {kind}.docx、{kind}.pdf\n")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
