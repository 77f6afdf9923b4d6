"""Variables of a MATLAB file, whichever version wrote it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused
from training.readers.hdf5 import opened

HDF5_AT = 512
"""Where a file of version 7.3 has its HDF5 signature: behind MATLAB's own header."""


def variables(path: Path, names: Collection[str]) -> dict[str, NDArray[Any]]:
    """The numeric variables of these names that the file holds, as MATLAB shows them: rows first.

    Others are not read. Refuses what is no MATLAB file, or a broken one.
    """
    try:
        with path.open("rb") as file:
            file.seek(HDF5_AT)
            newer = file.read(8) == b"\x89HDF\r\n\x1a\n"
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}.") from None
    return _newer(path, names) if newer else _older(path, names)


def _older(path: Path, names: Collection[str]) -> dict[str, NDArray[Any]]:
    from scipy.io import loadmat

    try:
        whole = loadmat(path, variable_names=list(names))
    except Exception as error:  # whatever the bytes make it stumble over
        raise Refused(f"{path} is no whole MATLAB file; copy it again ({error}).") from None
    return {name: np.asarray(whole[name]) for name in names if name in whole}


def _newer(path: Path, names: Collection[str]) -> dict[str, NDArray[Any]]:
    """Version 7.3 is HDF5 with the axes the other way round."""
    with opened(path) as file:
        return {name: np.asarray(file[name]).T for name in names if name in file}
