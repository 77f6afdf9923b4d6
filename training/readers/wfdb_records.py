"""Records of PhysioNet's WFDB format, in physical units."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused


@dataclass(frozen=True, eq=False)
class Record:
    """One record."""

    samples: NDArray[np.float64]
    """(time, channel), in the units of the header; NaN where it marks a value as missing"""
    rate_hz: float
    names: tuple[str, ...]
    units: tuple[str, ...]


def read_record(header: Path) -> Record:
    """The record of a .hea file. Refuses a broken one, or one whose signal is not there."""
    import wfdb

    try:
        record = wfdb.rdrecord(str(header.with_suffix("")))
    except Exception as error:  # a dozen kinds, by what is broken
        raise Refused(f"{header} is no whole WFDB record; copy it again ({error}).") from None
    if record.p_signal is None or not record.p_signal.size:
        raise Refused(f"{header} holds no signal; copy it again.")
    return Record(record.p_signal, float(record.fs), tuple(record.sig_name), tuple(record.units))
