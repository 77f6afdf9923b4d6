"""The files of the MyoArmbandDataset: counts of a Myo armband, one gesture per file.

Format: README of github.com/UlysseCoteAllard/MyoArmbandDataset; int16 little endian, eight
values per sample, in a folder per session.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from acquisition.session import Session, told_rate
from acquisition.stream import Refused, Samples, Spec

MYO_SPEC = Spec(200.0, tuple(f"emg{i}" for i in range(1, 9)), "raw", 1.0, 127.0)
"""The armband has no known scale; its counts are eight bits wide (Myo header, EMG data)."""

MYO_GESTURES = (
    "rest",
    "radial_deviation",
    "wrist_flexion",
    "ulnar_deviation",
    "wrist_extension",
    "hand_close",
    "hand_open",
)
"""File i of a session holds gesture i mod 7, in cycle i // 7."""

_NAME = re.compile(r"classe_(\d+)\.dat")


def myo_session_files(folder: Path) -> list[tuple[int, Path]]:
    """(number, path) of the files of one session, in numeric order; none elsewhere."""
    found = [(_NAME.fullmatch(path.name), path) for path in folder.iterdir()]
    return sorted((int(match[1]), path) for match, path in found if match)


def read_myo_file(path: Path) -> Samples:
    """float32 (time, 8 channels), in counts.

    Refuses an empty file, one that is cut within a sample and one whose values are no counts.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}.") from None
    if not data or len(data) % 16:
        raise Refused(
            f"{path} has {len(data)} bytes, but a sample of eight channels has 16; "
            "copy the file again."
        )
    counts = np.frombuffer(data, "<i2").reshape(-1, 8)
    if counts.min() < -128 or counts.max() > 127:
        raise Refused(
            f"{path} holds values from {counts.min()} to {counts.max()}, "
            "but a Myo armband counts from -128 to 127; it is a file of another kind."
        )
    return counts.astype(np.float32)


def read_session(path: Path, head: bytes, rate_hz: float | None) -> Session | None:
    """The files of one session folder as one stream, a marker at the start of each."""
    files = myo_session_files(path) if path.is_dir() else []
    if not files:
        return None
    told_rate(path, MYO_SPEC.rate_hz, rate_hz)
    parts = [read_myo_file(file) for _, file in files]
    starts = np.cumsum([0, *(len(part) for part in parts[:-1])])
    names = [MYO_GESTURES[number % len(MYO_GESTURES)] for number, _ in files]
    markers = tuple((int(start), name) for start, name in zip(starts, names, strict=True))
    return Session(MYO_SPEC, np.concatenate(parts), markers)
