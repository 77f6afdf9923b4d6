"""GRABMyo: Session1/session1_participant1/session1_participant1_gesture1_trial1.{hea,dat}.

physionet.org/content/grabmyo 1.1.0: 32 signals at 2048 Hz for 5 s, in mV: forearm F1 to F16,
wrist W1 to W12, and U1 to U4, which no electrode was at. The sessions are days 1, 8 and 29.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from acquisition.stream import Refused, Spec
from training.datasets import Item, LeftOut, Segment, Selection
from training.readers.labels import found
from training.readers.wfdb_records import read_record

GESTURES = (
    "lateral_prehension",
    "thumb_adduction",
    "thumb_to_little",
    "thumb_to_index",
    "thumb_little_extension",
    "thumb_index_extension",
    "index_middle_extension",
    "little_extension",
    "index_extension",
    "thumb_extension",
    "gesture_11",
    "gesture_12",
    "gesture_13",
    "gesture_14",
    "hand_open",
    "hand_close",
    "rest",
)
"""By their numbers from 1. 11 and 12 are flexion and extension of the wrist, 13 and 14 turn the
forearm; published readers disagree which is which, so they keep their numbers."""
TO_UV = {"mV": 1e3, "V": 1e6, "uV": 1.0}

_NAME = re.compile(r"session(\d)_participant(\d+)_gesture(\d+)_trial(\d+)\.hea")


def read(root: Path, want: Selection) -> Iterator[Item]:
    """One segment for each trial: 28 channels in microvolts."""
    for path in found(root, "session*_participant*_gesture*_trial*.hea", "GRABMyo's records"):
        match = _NAME.fullmatch(path.name)
        if match is None:
            yield LeftOut(path.name, "Its name tells no session, gesture and trial.", broken=False)
            continue
        order, number, cycle = int(match[1]), int(match[3]), int(match[4]) - 1
        user, session = f"participant{match[2]}", f"session{match[1]}"
        known = 1 <= number <= len(GESTURES)
        gesture = GESTURES[number - 1] if known else f"gesture_{number}"
        if not (
            want.user(user)
            and want.session(session)
            and want.gesture(gesture)
            and want.cycle(cycle)
        ):
            continue
        try:
            record = read_record(path)
            kept = [i for i, name in enumerate(record.names) if not name.startswith("U")]
            units = {record.units[i] for i in kept}
            if not units <= set(TO_UV):
                raise Refused(f"{path.name} is in {', '.join(sorted(units))}, not in volts.")
            scale = np.array([TO_UV[record.units[i]] for i in kept])
            spec = Spec(record.rate_hz, tuple(record.names[i] for i in kept), "uV")
        except Refused as error:
            yield LeftOut(path.name, str(error))
            continue
        samples = (record.samples[:, kept] * scale).astype(np.float32)
        yield Segment(
            user, session, cycle, gesture, samples, spec, order=order, recording=path.stem
        )
