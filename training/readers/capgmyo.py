"""CapgMyo DB-a, DB-b and DB-c: 001-001-001.mat is subject, gesture and trial.

zju-capg.org: `data` (1000, 128) at 1000 Hz, filtered and scaled so that 1 is 2.5 mV. The folders
"dba", "dbb" and "dbc" tell the databases apart. In DB-b an even subject is the second session of
the odd one before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from acquisition.stream import Refused, Spec
from training.datasets import Item, LeftOut, Segment, Selection
from training.readers.labels import found
from training.readers.mat import variables
from training.readers.ninapro_names import FINGERS, HANDS

FULL_SCALE_UV = 2500.0
SPEC = Spec(1000.0, tuple(f"emg{i}" for i in range(1, 129)), "uV", full_scale=FULL_SCALE_UV)
STRONGEST = 100
"""From this number on: contractions of maximal force."""

_NAME = re.compile(r"(\d{3})-(\d{3})-(\d{3})\.mat")
_DATABASE = re.compile(r"db-?([abc])", re.IGNORECASE)


def read(root: Path, want: Selection) -> Iterator[Item]:
    """One segment for each trial. Users are called "a1", "b1", "c1" after their database.

    Refuses a folder whose name, and whose folders' names, do not say which database it is: in
    DB-b two numbers are one person.
    """
    for path in found(root, "*-*-*.mat", "CapgMyo's files"):
        match = _NAME.fullmatch(path.name)
        if match is None:
            yield LeftOut(path.name, "Its name tells no subject, gesture and trial.", broken=False)
            continue
        said = [m[1].lower() for name in path.resolve().parts if (m := _DATABASE.match(name))]
        if not said:
            raise Refused(
                f'{path} does not say whether it is of DB-a, DB-b or DB-c; name its folder "dba", '
                '"dbb" or "dbc", as in DB-b two numbers are one person.'
            )
        subject, number, cycle = int(match[1]), int(match[2]), int(match[3]) - 1
        second = said[-1] == "b" and subject % 2 == 0
        user = f"{said[-1]}{subject - second}"
        session = "session2" if second else "session1"
        names = FINGERS if said[-1] == "c" else HANDS
        gesture = names[number - 1] if number <= len(names) else f"gesture_{number}"
        if number >= STRONGEST:
            gesture = f"strongest_{number}"
        if not (
            want.user(user)
            and want.session(session)
            and want.gesture(gesture)
            and want.cycle(cycle)
        ):
            continue
        try:
            data = variables(path, ("data",)).get("data")
            if data is None or data.ndim != 2 or data.shape[1] != len(SPEC.channels):
                raise Refused(f"{path.name} holds no data of 128 channels; copy it again.")
        except Refused as error:
            yield LeftOut(path.name, str(error))
            continue
        samples = (data * FULL_SCALE_UV).astype(np.float32)
        order = 2 if second else 1
        yield Segment(
            user, session, cycle, gesture, samples, SPEC, order=order, recording=path.stem
        )
