"""HDF5 files, opened in one place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from acquisition.stream import Refused


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """The file, read-only. Refuses what is no HDF5 file, or a broken one."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            yield file
    except OSError as error:
        raise Refused(f"{path} is no whole HDF5 file; copy it again ({error}).") from None
