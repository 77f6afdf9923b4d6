"""emg2qwerty: one HDF5 file for each session of typing, a band on each wrist.

github.com/facebookresearch/emg2qwerty: group `emg2qwerty` with the attributes user, session_name,
keystrokes and prompts (JSON), and `timeseries` with emg_left (16), emg_right (16) and time (s).
The signal is high-passed; its unit is not stated.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused, Spec
from training.datasets import Item, LeftOut, Segment, Selection
from training.readers.hdf5 import opened
from training.readers.labels import found

GROUP = "emg2qwerty"
SIDES = ("left", "right")
SPEC = Spec(2000.0, tuple(f"{side}{i}" for side in SIDES for i in range(1, 17)), "raw")
TYPING = "typing"


def read(root: Path, want: Selection) -> Iterator[Item]:
    """One segment for each session: 32 channels, the keys that were pressed as marks."""
    for path in found(root, "*.hdf5", "emg2qwerty's data"):
        where = path.relative_to(root).as_posix()
        try:
            with opened(path) as file:
                if GROUP not in file or "timeseries" not in file[GROUP]:
                    raise Refused(f"{path.name} has no {GROUP}/timeseries; it is of another set.")
                about = dict(file[GROUP].attrs.items())
                if not {"user", "session_name"} <= set(about):
                    raise Refused(f"{path.name} does not say its user and session.")
                user, session = _text(about["user"]), _text(about["session_name"])
                if not (want.user(user) and want.session(session) and want.gesture(TYPING)):
                    continue
                rows = file[GROUP]["timeseries"][:]
                marks = _keys(about.get("keystrokes", "[]"), rows["time"])
        except (Refused, ValueError, KeyError) as error:
            yield LeftOut(where, str(error))
            continue
        samples = np.concatenate([rows[f"emg_{side}"] for side in SIDES], axis=1)
        yield Segment(
            user,
            session,
            0,
            TYPING,
            samples.astype(np.float32),
            SPEC,
            recording=path.stem,
            begin=0,
            marks=marks,
        )


def _keys(text: Any, times: NDArray[np.float64]) -> tuple[tuple[int, str], ...]:
    """(sample, key) of each key pressed while there is signal."""
    pressed = [(float(row["start"]), str(row["key"])) for row in json.loads(_text(text))]
    places = np.searchsorted(times, [at for at, _ in pressed])
    return tuple(
        (int(place), key)
        for place, (_, key) in zip(places, pressed, strict=True)
        if place < len(times)
    )


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
