"""A session as a BIDS data set of electromyography (BIDS 1.11, BEP042).

bids-specification.readthedocs.io, modality-specific files, electromyography. Where electrodes
sit is not known here, so there is no *_electrodes.tsv (and then no *_coordsystem.json): the
standard asks for measured places in these, and takes words in *_emg.json instead.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acquisition.edf_files import LOST, dimension, labels, write_edf
from acquisition.recording import open_new
from acquisition.session import Session
from acquisition.stream import Refused

BIDS_VERSION = "1.11.0"
TYPES = {"g": "ACCEL", "m/s2": "ACCEL", "deg/s": "GYRO", "ut": "MAGN"}
"""Unit of a motion channel -> what BIDS calls such a channel."""
UNKNOWN = "n/a"
"""How BIDS says that something is not known."""


@dataclass(frozen=True)
class Entities:
    """What names one recording in a data set. Refuses labels that BIDS does not allow."""

    subject: str
    session: str
    task: str

    def __post_init__(self) -> None:
        for key in ("subject", "session", "task"):
            value = getattr(self, key)
            if not re.fullmatch(r"[0-9a-zA-Z]+", value):
                raise Refused(
                    f'--{key} is letters and digits in BIDS, e.g. "{_plain(value) or "01"}", '
                    f'not "{value}".'
                )

    @property
    def folder(self) -> Path:
        return Path(f"sub-{self.subject}") / f"ses-{self.session}" / "emg"

    @property
    def stem(self) -> str:
        return f"sub-{self.subject}_ses-{self.session}_task-{self.task}"


def write_bids(
    root: Path, entities: Entities, session: Session, kind: str, line_hz: float | None
) -> tuple[list[Path], tuple[str, ...]]:
    """Adds a recording to the data set at `root`, which is begun where there is none.

    Gives the new files and what a person should know. Refuses a recording that is there.
    """
    folder = root / entities.folder
    signal = folder / f"{entities.stem}_emg.{kind}"
    if folder.is_dir() and any(folder.glob(f"{entities.stem}_*")):
        raise Refused(
            f"{folder} has a recording of {entities.stem} already, and nothing is overwritten; "
            "name another session or task."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(f"{folder} cannot be made: {error.strerror}.") from None
    notes = write_edf(signal, session, kind)
    beside = {
        f"{entities.stem}_emg.json": _json(sidecar(entities, session, line_hz)),
        f"{entities.stem}_channels.tsv": _tsv(channels(session)),
        f"{entities.stem}_events.tsv": _tsv(events(session)),
        f"{entities.stem}_events.json": _json(EVENT_COLUMNS),
    }
    written = [signal, *(_new(folder / name, text) for name, text in beside.items())]
    return written + _top(root, entities), notes


EVENT_COLUMNS = {
    "onset": {"Description": "Start of the event, from the first sample.", "Units": "s"},
    "duration": {"Description": "How long it lasted, where that is known.", "Units": "s"},
    "trial_type": {"Description": "What was asked for, or what happened."},
    "sample": {"Description": "Sample of the signal at which it began, from 0."},
}


def sidecar(entities: Entities, session: Session, line_hz: float | None) -> dict[str, Any]:
    """What *_emg.json says."""
    samples_n = len(session.samples) + session.lost
    return {
        "TaskName": entities.task,
        "EMGPlacementScheme": "Other",
        "EMGPlacementSchemeDescription": "The recording does not say where its electrodes sat.",
        "EMGReference": UNKNOWN,
        "EMGGround": UNKNOWN,
        "SamplingFrequency": session.spec.rate_hz,
        "PowerLineFrequency": UNKNOWN if line_hz is None else line_hz,
        "SoftwareFilters": UNKNOWN,
        "HardwareFilters": UNKNOWN,
        "EMGChannelCount": len(session.spec.channels),
        "RecordingType": "continuous",
        "RecordingDuration": round(samples_n / session.spec.rate_hz, 6),
    }


def channels(session: Session) -> list[list[str]]:
    """The rows of *_channels.tsv, in the order of the file."""
    rows = [["name", "type", "units", "description", "sampling_frequency"]]
    for part in (session, session.motion):
        if part is None:
            continue
        for i, label in enumerate(labels(part.spec)):
            about = UNKNOWN if label == part.spec.channels[i] else part.spec.channels[i]
            unit = dimension(part.spec, i) or UNKNOWN
            kind = "EMG" if part is session else TYPES.get(unit, "MISC")
            rows.append([label, kind, unit, about, f"{part.spec.rate_hz:.10g}"])
    return rows


def events(session: Session) -> list[list[str]]:
    """The rows of *_events.tsv, in the order of time."""
    rate_hz = session.spec.rate_hz
    found = [(session.position(index), UNKNOWN, text) for index, text in session.markers]
    for index, lost in session.gaps:
        found.append((session.position(index) - lost, f"{lost / rate_hz:.6f}", LOST))
    rows = [["onset", "duration", "trial_type", "sample"]]
    for at, duration, text in sorted(found, key=lambda row: row[0]):
        rows.append([f"{at / rate_hz:.6f}", duration, text, str(at)])
    return rows


def _top(root: Path, entities: Entities) -> list[Path]:
    """The files of the data set as a whole, made or added to; gives the new ones."""
    written = []
    description, people = root / "dataset_description.json", root / "participants.tsv"
    if not description.exists():
        about = {
            "Name": root.resolve().name,
            "BIDSVersion": BIDS_VERSION,
            "DatasetType": "raw",
            "GeneratedBy": [{"Name": "Flexor"}],
        }
        written.append(_new(description, _json(about)))
    if not (root / "README").exists() and not (root / "README.md").exists():
        written.append(
            _new(root / "README.md", f"# {root.resolve().name}\n\nRecorded with Flexor.\n")
        )
    name = f"sub-{entities.subject}"
    if not people.exists():
        written.append(_new(people, _tsv([["participant_id"], [name]])))
    else:
        lines = people.read_text(encoding="utf-8").splitlines()
        if name not in [line.split("\t")[0] for line in lines]:
            blanks = [UNKNOWN] * lines[0].count("\t")
            people.write_text("\n".join([*lines, "\t".join([name, *blanks])]) + "\n", "utf-8")
    return written


def _new(path: Path, text: str) -> Path:
    with open_new(path) as file:
        file.write(text.encode())
    return path


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2) + "\n"


def _tsv(rows: Sequence[Sequence[str]]) -> str:
    return "".join("\t".join(re.sub(r"\s+", " ", cell) for cell in row) + "\n" for row in rows)


def _plain(text: str) -> str:
    return re.sub(r"[^0-9a-zA-Z]", "", text)
