"""FlexEMG: data/001-Session1Train/001-001.mat is person, session, part and trial.

github.com/a-moin/flexemg: `raw` (time, 96) counts of 64 electrodes (the first columns) at 1000 Hz,
`p` with lsbmV, sequence, timerest and timegest; code/genlabels.m: rest, then one gesture after the
other; the end belongs to none. The array was put on anew for the third session. Direct current
is in it: offsets and drift below 20 Hz are most of its power.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from acquisition.stream import Refused, Samples, Spec
from training.datasets import UNLABELLED, Item, LeftOut, Segment, Selection
from training.readers.labels import found

CHANNELS_N = 64
MV = 1e3
RATE_HZ = 1000.0
GESTURES = ("rest", "hand_close", "wrist_extension", "wrist_flexion", "hand_open")
"""0 rest, 1 Fist, 2 Raise, 3 Lower, 4 Open."""

_FOLDER = re.compile(r"(\d{3})-(Session(\d+)(Train|Test))")
_NAME = re.compile(r"\d{3}-(\d{3})\.mat")


def read(root: Path, want: Selection) -> Iterator[Item]:
    """The stretches of one gesture in microvolts. Users are called "001", sessions
    "Session1Train"; a trial is a cycle."""
    for path in found(root, "[0-9][0-9][0-9]-[0-9][0-9][0-9].mat", "FlexEMG's data"):
        folder, name = _FOLDER.fullmatch(path.parent.name), _NAME.fullmatch(path.name)
        where = path.relative_to(root).as_posix()
        if folder is None or name is None:
            yield LeftOut(where, "Its folder tells no person and session.", broken=False)
            continue
        user, session, cycle = folder[1], folder[2], int(name[1]) - 1
        if not (want.user(user) and want.session(session) and want.cycle(cycle)):
            continue
        try:
            samples, spans, spec = _trial(path)
        except Refused as error:
            yield LeftOut(where, str(error))
            continue
        for begin, end, gesture in spans:
            if want.gesture(gesture):
                yield Segment(
                    user,
                    session,
                    cycle,
                    gesture,
                    samples[begin:end],
                    spec,
                    order=int(folder[3]),
                    recording=path.stem,
                    begin=begin,
                )


def _trial(path: Path) -> tuple[Samples, list[tuple[int, int, str]], Spec]:
    """(samples, (begin, end, gesture) of each stretch, spec)."""
    from scipy.io import loadmat

    try:
        whole: dict[str, Any] = loadmat(path, squeeze_me=True, struct_as_record=False)
        raw, p = whole["raw"], whole["p"]
        rest_n, hold_n, reps_n = int(p.timerest), int(p.timegest), int(p.reps)
        scale_uv = float(p.lsbmV) * MV
        sequence = [int(code) for code in np.atleast_1d(p.sequence)]
    except Exception as error:  # whatever the bytes make it stumble over
        raise Refused(f"{path.name} is no whole file of FlexEMG ({error}).") from None
    if raw.ndim != 2 or raw.shape[1] < CHANNELS_N:
        raise Refused(f"{path.name} has not the {CHANNELS_N} electrodes of FlexEMG.")
    samples = (raw[:, :CHANNELS_N] * scale_uv).astype(np.float32)
    spec = Spec(RATE_HZ, tuple(f"emg{i + 1}" for i in range(CHANNELS_N)), "uV", scale_uv)
    spans, at = [], 0
    for _ in range(reps_n):
        for code, n in [(0, rest_n), *((code, hold_n) for code in sequence)]:
            known = 0 <= code < len(GESTURES)
            end = min(at + n, len(samples))
            if end > at:
                spans.append((at, end, GESTURES[code] if known else f"gesture_{code}"))
            at = end
    if at < len(samples):
        spans.append((at, len(samples), UNLABELLED))
    return samples, spans, spec
