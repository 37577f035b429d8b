"""Writes files whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

NEW = 0o644  # of a file that was not there


def replace_file(path: Path, content: bytes) -> None:
    """Put `content` in place of a file, which keeps its mode; a reader sees the old or the new one, never half.

    Raises:
        OSError: it cannot be written; the old file is untouched.

    """
    real = path.resolve()
    handle, name = tempfile.mkstemp(dir=real.parent, prefix=f".{real.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).chmod(stat.S_IMODE(real.stat().st_mode) if real.exists() else NEW)
        Path(name).replace(real)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
