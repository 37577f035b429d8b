"""For every test: garbage is looked for as rarely as in the program itself (see `api.cli.RARELY`)."""

from __future__ import annotations

import gc

from api.cli import RARELY

gc.set_threshold(RARELY)
