"""A file that is never half-written, whatever happens to the power."""

from __future__ import annotations

import os
from pathlib import Path


def replace_file(path: Path, data: bytes) -> None:
    """Puts `data` at `path`: after a power cut at any moment there is the old file or the new one.

    Written beside it, made safe, renamed, and the new name made safe too: a rename alone may reach
    the disk before what it names. Raises OSError, and then the old file is still there.
    """
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
