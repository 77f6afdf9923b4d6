"""UCI "EMG dataset in Lower Limb": 1Nmar.txt, one export of Biometrics DataLOG for each task.

The name is the person's number, N (normal) or A (a disorder of the knee), and the task: mar
(gait), sen (extending the knee while sitting), pie (flexing it while standing). Four muscles in
mV at 1000 Hz, unfiltered, and the knee's angle in degrees, of which the header says that it was
drawn out from 50 to 1000 values per second. Its sign and zero differ between people.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused, Samples, Spec
from acquisition.uci_files import read_datalog
from training.datasets import Item, LeftOut, Segment, Selection
from training.readers.labels import natural
from training.readers.packed import one_form, recordings
from training.targets import Targets

MUSCLES = ("rectus_femoris", "biceps_femoris", "vastus_medialis", "semitendinosus")
SPEC = Spec(1000.0, MUSCLES, "uV")
ANGLE_HZ = 50.0
TASKS = {"mar": "gait", "sen": "sitting", "pie": "standing"}
GROUPS = {"N": "", "A": "knee disorder"}
SESSION = "session1"
HEAD_BYTES = 1 << 16
MV = 1e3
"""Microvolts in the unit of the files."""

COPIES = {
    "99a4e04ee35a256c6e0bfbc4a76cb69dfd29392d177391274fe30b64aef6bff5": "N1",
    "bb46cacb59c7d42e06d1a607ce6f83c1729c7721a199aba36f54df7a3b0b728b": "N1",
}
"""Digest of a recording -> whose it is. Published under a second name as well: "N2" sits and stands
sample by sample, muscles and angle, as "N1" does (found by comparing all recordings)."""
STEP_UV = 0.1
"""Digests are over the samples in steps of this, which no form of the set is coarser than."""

_NAME = re.compile(r"(\d+)([AN])(mar|sen|pie)\.txt")


def read(root: Path, want: Selection) -> Iterator[Item]:
    """One segment for each task; users are called "N1", "A1". The target is "knee" in degrees."""
    plain = sorted(root.rglob("[0-9]*[AN][mps]*.txt"), key=natural)
    packed = [path for name in ("normal", "abnormal") for path in root.rglob(f"{name}.npz")]
    if not plain and not packed:
        raise Refused(f"{root} holds no 1Nmar.txt; give the folder of UCI's lower limb set.")
    plain, told = one_form(root, plain, packed)
    yield from told
    for path in plain:
        match = _NAME.fullmatch(path.name)
        if match is None:
            yield LeftOut(path.name, "Its name tells no person and task.", broken=False)
            continue
        user, task = f"{match[2]}{int(match[1])}", TASKS[match[3]]
        if not (want.user(user) and want.session(SESSION) and want.gesture(task)):
            continue
        try:
            samples, angles = _export(path)
        except Refused as error:
            yield LeftOut(path.name, str(error))
            continue
        yield _item(user, match[2], task, samples, angles)
    for path in packed:
        try:
            for one in recordings(path):
                group, task = str(one.fields["group"]), str(one.fields["task"])
                user = f"{group}{one.fields['subject']}"
                if one.targets is None or not (
                    want.user(user) and want.session(SESSION) and want.gesture(task)
                ):
                    continue
                yield _item(user, group, task, one.samples * MV, one.targets)
        except Refused as error:
            yield LeftOut(path.name, str(error))


def digest(samples: Samples) -> str:
    """SHA-256 of samples in microvolts (time, channel)."""
    steps = np.ascontiguousarray(np.rint(samples / STEP_UV), "<i4")
    return hashlib.sha256(steps.tobytes()).hexdigest()


def _item(
    user: str, group: str, task: str, samples: Samples, angles: NDArray[np.floating[Any]]
) -> Item:
    owner = COPIES.get(digest(samples), user)
    if owner != user:
        why = f"Sample by sample the recording of {owner}, under another name."
        return LeftOut(f"{user} {task}", why, broken=False)
    targets = Targets(angles.astype(np.float32), ("knee",), ("deg",), ANGLE_HZ)
    return Segment(
        user,
        SESSION,
        0,
        task,
        samples.astype(np.float32),
        SPEC,
        targets=targets,
        order=1,
        recording=task,
        begin=0,
        group=GROUPS.get(group, group),
    )


def _export(path: Path) -> tuple[Samples, NDArray[np.floating[Any]]]:
    """(samples in microvolts, angles in degrees), as long as both last."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    session = read_datalog(path, head, SPEC.rate_hz)
    if session is None:
        raise Refused(f"{path.name} is no export of DataLOG; copy it again.")
    if len(session.spec.channels) != len(MUSCLES) or session.motion is None or session.lost:
        raise Refused(f"{path.name} has not four whole muscles and an angle; copy it again.")
    n = min(len(session.samples), len(session.motion.samples))
    return session.samples[:n], session.motion.samples[:n, :1]
