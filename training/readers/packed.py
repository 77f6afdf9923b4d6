"""Several recordings of one kind in one .npz: integers, a scale, and a column for each field.

`emg` (channel, time) with `start` and `length` of each recording, `scale` (and `offset` for each
recording) to the unit in the JSON `meta`, `fs` in Hz, and optionally targets `y` with `y_scale`,
of which the smallest 16-bit number means "not known".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused, Samples
from training.datasets import LeftOut

UNKNOWN = np.iinfo(np.int16).min
_OURS = {"emg", "start", "length", "fs", "scale", "meta", "y", "y_scale", "offset"}


@dataclass(frozen=True, eq=False)
class Packed:
    """One recording of such a file."""

    samples: Samples
    """(time, channel) in the unit that the set's description states"""
    rate_hz: float
    fields: Mapping[str, Any]
    targets: NDArray[np.float64] | None
    """(time, target), NaN where not known"""


def one_form(root: Path, plain: list[Path], packed: list[Path]) -> tuple[list[Path], list[LeftOut]]:
    """(the published files to read, what is told of the others): none where packed ones are
    there, for both hold the same recordings."""
    if not packed:
        return plain, []
    why = "Its recording is read from the packed form that is there as well."
    return [], [LeftOut(p.relative_to(root).as_posix(), why, broken=False) for p in plain]


def recordings(path: Path) -> Iterator[Packed]:
    """The recordings of a packed file, in its order. Refuses one that is not whole."""
    try:
        with np.load(path, allow_pickle=False) as file:
            held = {name: file[name] for name in file.files}
        json.loads(str(held["meta"]))
        rate_hz, scale = float(held["fs"]), float(held["scale"])
        spans = list(zip(held["start"].tolist(), held["length"].tolist(), strict=True))
        emg = held["emg"]
        if any(begin + n > emg.shape[1] for begin, n in spans):
            raise Refused(f"{path.name} ends before its last recording; copy it again.")
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise Refused(f"{path.name} is no whole packed file; copy it again ({error}).") from None
    fields = {name: held[name] for name in held if name not in _OURS}
    for i, (begin, n) in enumerate(spans):
        samples = emg[:, begin : begin + n].T * scale
        if "offset" in held:
            samples = samples + held["offset"][i]
        targets = None
        if "y" in held:
            raw = held["y"][:, begin : begin + n].T.astype(np.float64)
            raw[raw == UNKNOWN] = np.nan
            targets = raw * float(held["y_scale"])
        about = {name: column[i].item() for name, column in fields.items()}
        yield Packed(samples.astype(np.float32), rate_hz, about, targets)
