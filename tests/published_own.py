"""Small data sets as armbands, Flexor itself, LibEMG and BIDS have them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from acquisition.bids_files import Entities, write_bids
from acquisition.myo_files import MYO_GESTURES
from acquisition.recording import create_recording
from acquisition.session import Session
from acquisition.stream import Spec
from acquisition.xdf import Stream
from tests.published_mat import Row, counts


def write_myo_armband(root: Path) -> list[Row]:
    rows = []
    for user in ("Male0", "Male10"):
        folder = root / "EvaluationDataset" / user / "training0"
        folder.mkdir(parents=True)
        for i in range(8):
            (folder / f"classe_{i}.dat").write_bytes(counts(9, 8).astype("<i2").tobytes())
            rows.append((f"evaluation/{user}", "training0", i // 7, MYO_GESTURES[i % 7], 9))
    return rows


def write_xdf(root: Path) -> list[Row]:
    for user in ("anna", "ben"):
        (root / user).mkdir(parents=True)
        writer = create_recording(root / user / "a.xdf", Spec(200.0, ("x", "y")), "test")
        writer.samples(0.0, counts(50, 2).astype("<f4").tobytes())
        writer.text(Stream.MARKERS, 10 / 200, "rest")
        writer.text(Stream.MARKERS, 30 / 200, "hand_close")
        writer.close()
    names = (("", 10), ("rest", 20), ("hand_close", 20))
    return [(user, "a", 0, name, n) for user in ("anna", "ben") for name, n in names]


def write_libemg(root: Path) -> list[Row]:
    rows: list[Row] = []
    for user in ("u1", "u2"):
        folder = root / user / "s1"
        folder.mkdir(parents=True)
        for c, r in ((0, 0), (1, 0), (0, 1), (1, 1)):
            with (folder / f"C_{c}_R_{r}_emg.csv").open("w", newline="") as file:
                csv.writer(file).writerows(counts(40, 8))
            rows.append((user, "s1", r, ("hand_open", "No Movement")[c], 40))
        about = {"classes": ["hand_open", "No Movement"]}
        (folder / "collection_details.json").write_text(json.dumps(about))
    return rows


def write_bids_set(root: Path) -> list[Row]:
    spec = Spec(200.0, ("emg1", "emg2"), "uV", 0.5)
    for subject in ("01", "02"):
        marks = ((40, "rest"), (200, "gate armed: now"), (240, "hand_close"))
        session = Session(spec, counts(400, 2).astype("f4") / 2, marks, ((300, 20),))
        write_bids(root, Entities(subject, "01", "grips"), session, "edf", 50.0)
    spans = (("", 40), ("rest", 200), ("hand_close", 60), ("hand_close", 100))
    return [(f"sub-{s}", "ses-01", 0, name, n) for s in ("01", "02") for name, n in spans]
