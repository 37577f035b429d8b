"""The command line `xinheng`.

Exit codes: 0 done · 1 errors found · 2 usage · 3 refused · 4 not found · 5 conflict · 6 unavailable.
"""

from __future__ import annotations

import gc
import sys

import typer

from api.cli import (
    audit,
    authoring,
    calendars,
    casework,
    checking,
    comparing,
    editing,
    erasing,
    explaining,
    host,
    impacting,
    policy,
    procedure,
    proofs,
    replay,
    simulate,
    testing,
    worker,
)
from api.cli.common import EXIT_CODES

__all__ = ["app", "main"]

RARELY = 50_000
"""Objects made before garbage is looked for. A policy is some hundred thousand objects that stay: at Python's default,
looking through them again and again takes half of the time that compiling one takes."""

app = typer.Typer(
    name="xinheng",
    help="信衡：联合奖惩，从政策到办结。",
    epilog="退出码：" + "；".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items()),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
checking.register(app)
testing.register(app)
comparing.register(app)
impacting.register(app)
policy.register(app)
editing.register(app)
authoring.register(app)
casework.register(app)
procedure.register(app)
proofs.register(app)
audit.register(app)
erasing.register(app)
explaining.register(app)
replay.register(app)
host.register(app)
worker.register(app)
calendars.register(app)
simulate.register(app)


def main() -> None:
    """Run the command line."""
    gc.set_threshold(RARELY)
    sys.exit(app())
