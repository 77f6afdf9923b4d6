"""Hyser: pr_dataset/subject01_session1/dynamic_raw_sample1.{hea,dat}, and forces beside others.

physionet.org/content/hd-semg: four 8 x 8 arrays (ED, EP, FD, FP) at 2048 Hz; `pr_dataset` has its
gestures in label_dynamic.txt and label_maintenance.txt, `1dof_dataset`, `ndof_dataset` and
`random_dataset` have the forces of five fingers at 100 Hz in *_force_* records. Only the raw
records are read, not the filtered ones; the maximal contractions (mvc) have no label.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from acquisition.stream import Refused, Spec
from training.datasets import UNLABELLED, Item, LeftOut, Segment, Selection
from training.readers.labels import found
from training.readers.wfdb_records import read_record
from training.targets import Targets, held

TO_UV = 1e3
"""The headers say V, but the values' standard deviation of some 0.03 would be 30 mV on the skin:
they are millivolts."""
FINGERS = ("thumb", "index", "middle", "ring", "little")

_FOLDER = re.compile(r"subject(\d+)_session(\d+)")
_NAME = re.compile(
    r"(?P<kind>\w+?)_raw(?:_(?P<what>finger|combination)(?P<n>\d+))?(?:_sample(?P<sample>\d+))?\.hea"
)


def read(root: Path, want: Selection) -> Iterator[Item]:
    """The gestures "gesture_1" .. "gesture_34", or a task with five forces as targets.

    A gesture's cycle counts how often it came before in its session.
    """
    counted: Counter[tuple[str, str, str, str]] = Counter()
    labels: dict[Path, list[int]] = {}
    for path in found(root, "*_raw*.hea", "Hyser's records"):
        folder, match = _FOLDER.fullmatch(path.parent.name), _NAME.fullmatch(path.name)
        if folder is None or match is None:
            where = path.relative_to(root).as_posix()
            yield LeftOut(where, "Its name tells no subject, session and sample.", broken=False)
            continue
        user, session = f"subject{folder[1]}", f"session{folder[2]}"
        if not (want.user(user) and want.session(session)):
            continue
        try:
            gesture = _gesture(path, match, labels)
            place = (user, session, match["kind"], gesture)
            told = match["what"] and match["sample"]
            cycle = int(match["sample"]) - 1 if told else counted[place]
            counted[place] += 1
            if not (want.gesture(gesture) and want.cycle(cycle)):
                continue
            record = read_record(path)
            spec = Spec(record.rate_hz, record.names, "uV")
            targets = _forces(path, spec.rate_hz, len(record.samples))
        except Refused as error:
            yield LeftOut(path.relative_to(root).as_posix(), str(error))
            continue
        samples = (record.samples * TO_UV).astype(np.float32)
        yield Segment(
            user,
            session,
            cycle,
            gesture,
            samples,
            spec,
            targets=targets,
            order=int(folder[2]),
            recording=f"{path.parent.parent.name} {path.stem}",
        )


def _gesture(path: Path, match: re.Match[str], labels: dict[Path, list[int]]) -> str:
    """What was done in a record: a numbered gesture, a task, or nothing that is known."""
    if match["what"]:
        number = int(match["n"])
        if match["what"] == "combination":
            return f"fingers_{number}"
        return FINGERS[number - 1] if 1 <= number <= len(FINGERS) else f"finger_{number}"
    if match["kind"] not in ("dynamic", "maintenance"):
        return "random" if match["kind"] == "random" else UNLABELLED
    table = path.with_name(f"label_{match['kind']}.txt")
    if table not in labels:
        try:
            words = re.findall(r"\d+", table.read_text(encoding="utf-8"))
        except OSError as error:
            raise Refused(f"{table.name} cannot be read: {error.strerror}.") from None
        labels[table] = [int(word) for word in words]
    number = int(match["sample"] or 0)
    if not 1 <= number <= len(labels[table]):
        raise Refused(f"{table.name} has {len(labels[table])} labels and none for it.")
    return f"gesture_{labels[table][number - 1]}"


def _forces(path: Path, rate_hz: float, samples_n: int) -> Targets | None:
    """The forces that were recorded with it, standing still between two measurements."""
    beside = path.with_name(path.name.replace("_raw", "_force"))
    if not beside.exists():
        return None
    record = read_record(beside)
    values = held(record.samples.astype(np.float32), record.rate_hz, rate_hz, samples_n)
    return Targets(values, record.names, record.units, record.rate_hz)
