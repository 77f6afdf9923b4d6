"""emg2pose: one HDF5 file for each stage of a session and wrist, with the hand's pose.

github.com/facebookresearch/emg2pose: group `emg2pose` with the attributes session, user, stage,
side and sample_rate, and `timeseries` with emg (16), joint_angles (20, radians) and time (s).
Where the pose could not be found all angles are exactly 0. The signal is high-passed; its unit is
not stated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused, Spec
from training.datasets import Item, LeftOut, Segment, Selection
from training.readers.hdf5 import opened
from training.readers.labels import natural
from training.targets import Targets

GROUP = "emg2pose"
JOINTS = (
    *("thumb_cmc_fe", "thumb_cmc_aa", "thumb_mcp_fe", "thumb_ip_fe"),
    *(
        f"{finger}_{joint}"
        for finger in ("index", "middle", "ring", "pinky")
        for joint in ("mcp_aa", "mcp_fe", "pip_fe", "dip_fe")
    ),
)
"""In the order of the columns; fe is flexion and extension, aa abduction and adduction."""


def read(root: Path, want: Selection) -> Iterator[Item]:
    """One segment for each file: its stage as the gesture, the joint angles in degrees as targets.

    Left and right wrist of one session share its name, so that they cannot be parted by a split.
    """
    paths = sorted(
        (path for side in ("left", "right") for path in root.rglob(f"*_{side}.hdf5")),
        key=lambda path: natural(path.relative_to(root)),
    )
    if not paths:
        raise Refused(f"{root} holds no *_left.hdf5; give the folder of emg2pose's data.")
    counted: Counter[tuple[str, ...]] = Counter()
    for path in paths:
        where = path.relative_to(root).as_posix()
        try:
            with opened(path) as file:
                if GROUP not in file or "timeseries" not in file[GROUP]:
                    raise Refused(f"{path.name} has no {GROUP}/timeseries; copy it again.")
                about = {key: _text(value) for key, value in file[GROUP].attrs.items()}
                lacking = {"user", "session", "stage", "side", "sample_rate"} - set(about)
                if lacking:
                    raise Refused(f"{path.name} does not say its {', '.join(sorted(lacking))}.")
                names = (about["user"], about["session"], about["stage"], about["side"])
                cycle = counted[names]
                counted[names] += 1
                if not (
                    want.user(about["user"])
                    and want.session(about["session"])
                    and want.gesture(about["stage"])
                    and want.cycle(cycle)
                ):
                    continue
                rows = file[GROUP]["timeseries"][:]
        except Refused as error:
            yield LeftOut(where, str(error))
            continue
        yield _segment(rows, about, cycle, path.stem)


def _segment(rows: NDArray[np.void], about: dict[str, str], cycle: int, name: str) -> Segment:
    rate = float(about["sample_rate"])
    emg = np.ascontiguousarray(rows["emg"], np.float32)
    angles = np.rad2deg(rows["joint_angles"]).astype(np.float32)
    angles[(angles == 0).all(axis=1)] = np.nan
    names = (
        JOINTS
        if angles.shape[1] == len(JOINTS)
        else tuple(f"joint{i + 1}" for i in range(angles.shape[1]))
    )
    return Segment(
        about["user"],
        about["session"],
        cycle,
        about["stage"],
        emg,
        Spec(rate, tuple(f"emg{i + 1}" for i in range(emg.shape[1])), "raw"),
        targets=Targets(angles, names, ("deg",) * len(names), rate),
        recording=name,
        begin=0,
    )


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
