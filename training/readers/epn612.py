"""EMG-EPN-612: trainingJSON/user1/user1.json, with 150 trials to train and 150 to test.

Both halves of the users begin at user1: who is in trainingJSON is no one of testingJSON. A trial
holds some 5 s of a Myo; groundTruthIndex (counted from 1) tells where in it the gesture was done.
The trials of testingJSON that the makers test on have no label.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from acquisition.myo_files import MYO_SPEC
from acquisition.stream import Refused, Samples
from training.datasets import UNLABELLED, Item, LeftOut, Segment, Selection
from training.readers.labels import found, natural

GESTURES = {
    "noGesture": "rest",
    "fist": "hand_close",
    "waveIn": "wrist_flexion",
    "waveOut": "wrist_extension",
    "open": "hand_open",
    "pinch": "pinch",
}
PARTS = {"trainingJSON": "training", "testingJSON": "testing"}
SESSIONS = ("trainingSamples", "testingSamples")


def read(root: Path, want: Selection) -> Iterator[Item]:
    """One segment for each trial: the gesture where it was done, or the whole trial of rest.

    Users are called "training/user1" and "testing/user1".
    """
    for path in found(root, "user*.json", "EMG-EPN-612, with trainingJSON and testingJSON"):
        part = next((PARTS[name] for name in path.parts if name in PARTS), None)
        where = path.relative_to(root).as_posix()
        if part is None:
            yield LeftOut(where, "It lies in neither trainingJSON nor testingJSON.", broken=False)
            continue
        user = f"{part}/{path.stem}"
        if not want.user(user):
            continue
        try:
            whole = json.loads(path.read_text(encoding="utf-8"))
            rate = float(whole["generalInfo"]["samplingFrequencyInHertz"])
            if rate != MYO_SPEC.rate_hz:
                raise Refused(f"{path.name} says {rate:g} Hz, but a Myo gives 200 Hz.")
            sessions = {name: whole[name] for name in SESSIONS}
        except (OSError, ValueError, KeyError, TypeError) as error:
            yield LeftOut(where, f"No whole file of this set ({type(error).__name__}: {error}).")
            continue
        except Refused as error:
            yield LeftOut(where, str(error))
            continue
        for order, (session, trials) in enumerate(sessions.items(), 1):
            if want.session(session):
                yield from _session(where, user, session, order, trials, want)


def _session(
    where: str, user: str, session: str, order: int, trials: Mapping[str, Any], want: Selection
) -> Iterator[Item]:
    counted: Counter[str] = Counter()
    for name in sorted(trials, key=natural):
        trial = trials[name]
        said = trial.get("gestureName")
        gesture = UNLABELLED if said is None else GESTURES.get(str(said), str(said))
        cycle = counted[gesture]
        counted[gesture] += 1
        if not (want.gesture(gesture) and want.cycle(cycle)):
            continue
        try:
            samples = _counts(trial)
            begin, end = _span(trial, gesture, len(samples))
        except (Refused, KeyError, TypeError, ValueError) as error:
            yield LeftOut(f"{where} {session} {name}", f"{error}")
            continue
        yield Segment(
            user,
            session,
            cycle,
            gesture,
            samples[begin:end],
            MYO_SPEC,
            order=order,
            recording=name,
            begin=begin,
        )


def _counts(trial: Mapping[str, Any]) -> Samples:
    """(time, 8) in counts of the armband; some copies of the set hold them divided by 128."""
    columns = [trial["emg"][f"ch{i}"] for i in range(1, len(MYO_SPEC.channels) + 1)]
    if len({len(column) for column in columns}) != 1 or not columns[0]:
        raise Refused("Its channels differ in length, or are empty.")
    values = np.array(columns, np.float64).T
    if np.abs(values).max() <= 1 and (values != np.rint(values)).any():
        values = np.rint(values * 128)
    if np.abs(values).max() > 128:
        raise Refused(f"It holds {np.abs(values).max():g}, and an armband counts to 127.")
    return values.astype(np.float32)


def _span(trial: Mapping[str, Any], gesture: str, samples_n: int) -> tuple[int, int]:
    """Where in the trial the gesture was done."""
    if gesture in (UNLABELLED, "rest"):
        return 0, samples_n
    if "groundTruthIndex" not in trial:
        raise Refused("It says which gesture was done, and not when.")
    first, last = (int(i) for i in np.ravel(trial["groundTruthIndex"])[[0, -1]])
    if not 1 <= first <= last <= samples_n:
        raise Refused(f"Its gesture lasts from {first} to {last}, and it has {samples_n} samples.")
    return first - 1, last
