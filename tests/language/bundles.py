"""The sound bundle and the broken ones that the tests of the language share."""

from __future__ import annotations

from pathlib import Path

GOOD = Path(__file__).parent / "good"
BROKEN = Path(__file__).parent / "broken"


def files(folder: Path) -> dict[str, str | bytes]:
    """Relative path → bytes of the YAML files below a folder, but for `expect.yaml`."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*.yaml"))
        if path.name != "expect.yaml"
    }


def good(**changed: str) -> dict[str, str]:
    """The sound bundle as text; `changed` maps a file's stem (dashes as underscores) to new text."""
    bundle = {path: content.decode() for path, content in files(GOOD).items() if isinstance(content, bytes)}
    by_stem = {
        path.rsplit("/", 1)[-1].removesuffix(".yaml").replace("-", "_").replace(".", "_"): path for path in bundle
    }
    for stem, text in changed.items():
        bundle[by_stem[stem]] = text
    return bundle
