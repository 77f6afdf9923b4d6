"""Small data sets in the layout in which their makers published them: the rest, and the table."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import wfdb
from numpy.typing import NDArray
from openpyxl import Workbook

from tests import published_mat as by
from tests import published_own as own
from tests.published_mat import Row, counts


def record(path: Path, x: NDArray[np.float64], hz: float, names: list[str], unit: str) -> None:
    """A WFDB record of 16-bit numbers, each channel with a gain of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    wfdb.wrsamp(
        path.name,
        fs=hz,
        units=[unit] * len(names),
        sig_name=names,
        p_signal=x,
        fmt=["16"] * len(names),
        write_dir=str(path.parent),
    )


GRAB = [*(f"F{i}" for i in range(1, 17)), "U1", *(f"W{i}" for i in range(1, 7)), "U2", "U3"]
GRAB += [*(f"W{i}" for i in range(7, 13)), "U4"]


def write_grabmyo(root: Path) -> list[Row]:
    rows = []
    for day, who in ((1, 1), (3, 1), (1, 12)):
        folder = root / f"Session{day}" / f"session{day}_participant{who}"
        for gesture, name in ((1, "lateral_prehension"), (17, "rest")):
            stem = f"session{day}_participant{who}_gesture{gesture}_trial2"
            record(folder / stem, counts(60, 32) * 1e-3, 2048, GRAB, "mV")
            rows.append((f"participant{who}", f"session{day}", 1, name, 60))
    return rows


HYSER = [
    f"{a}-{i}-{j}"
    for a in ("ED", "EP", "FD", "FP")
    for i in range(8, 0, -1)
    for j in range(8, 0, -1)
]


def write_hyser(root: Path) -> list[Row]:
    rows: list[Row] = []
    for who in (1, 2):
        user, name = f"subject{who:02d}", f"subject{who:02d}_session2"
        folder = root / "pr_dataset" / name
        for i in range(3):
            record(folder / f"dynamic_raw_sample{i + 1}", counts(20, 256) / 1e3, 2048, HYSER, "V")
            record(folder / f"dynamic_preprocess_sample{i + 1}", counts(20, 256), 2048, HYSER, "V")
        (folder / "label_dynamic.txt").write_text("12,30,12")
        rows += [(user, "session2", c, f"gesture_{g}", 20) for g, c in ((12, 0), (30, 0), (12, 1))]
        folder = root / "1dof_dataset" / name
        record(folder / "1dof_raw_finger2_sample3", counts(200, 256) / 1e3, 2048, HYSER, "V")
        fingers = ["thumb", "index", "middle", "ring", "little"]
        record(folder / "1dof_force_finger2_sample3", counts(10, 5) / 1e3, 100, fingers, "V")
        rows.append((user, "session2", 2, "index", 200))
    return rows


def write_putemg(root: Path) -> list[Row]:
    """As pandas' to_hdf leaves a table: numbers in one block, words as codes in others."""
    rows: list[Row] = []
    fields = [("index", "<f8"), ("values_block_0", "i1", (1,)), ("values_block_1", "i1", (1,))]
    fields += [("values_block_2", "<i8", (1,)), ("values_block_3", "<f8", (29,))]
    spans = ((-1, 20), (0, 30), (1, 40), (-1, 10), (1, 35))
    for user, day in (("03", "2018-05-11"), ("03", "2018-05-25"), ("04", "2018-05-11")):
        table = np.zeros(135, np.dtype(fields))
        table["values_block_3"][:, :24] = counts(135, 24)
        table["values_block_3"][:, 25] = int(user)
        table["values_block_3"][:, 28] = np.concatenate([np.full(n, code) for code, n in spans])
        path = root / f"emg_gestures-{user}-sequential-{day}-11-10-50-475.hdf5"
        path.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(path, "w") as file:
            file["data/table"] = table
        names = (("", 0), ("rest", 0), ("hand_close", 0), ("", 1), ("hand_close", 1))
        rows += [(user, day, c, g, n) for (g, c), (_, n) in zip(names, spans, strict=True)]
    return rows


def write_emg2pose(root: Path) -> list[Row]:
    root.mkdir(parents=True, exist_ok=True)
    kind = np.dtype([("time", "<f8"), ("joint_angles", "<f4", (20,)), ("emg", "<f4", (16,))])
    rows: list[Row] = []
    for user, side in (("u1", "left"), ("u1", "right"), ("u2", "left")):
        table = np.zeros(60, kind)
        table["emg"], table["joint_angles"][10:] = counts(60, 16), np.pi / 2
        path = root / f"2022-04-07-1649400600-166-cv-emg-pose-train@2-{user}_{side}.hdf5"
        with h5py.File(path, "w") as file:
            group = file.create_group("emg2pose")
            group["timeseries"] = table
            about = {"user": user, "session": f"of {user}", "side": side, "stage": "Fists"}
            group.attrs.update({**about, "sample_rate": 2000.0, "num_channels": 16})
        rows.append((user, f"of {user}", 0, "Fists", 60))
    return rows


def write_emg2qwerty(root: Path) -> list[Row]:
    kind = np.dtype([("emg_right", "<f4", (16,)), ("time", "<f8"), ("emg_left", "<f4", (16,))])
    rows: list[Row] = []
    for user in ("89335547", "5"):
        table = np.zeros(60, kind)
        table["emg_left"], table["emg_right"] = counts(60, 16), counts(60, 16, 7)
        table["time"] = 1.6e9 + np.arange(60) / 2000
        path = root / user / f"2021-06-02-1622679967-keystrokes-dca-study@1-{user}.hdf5"
        path.parent.mkdir(parents=True)
        with h5py.File(path, "w") as file:
            group = file.create_group("emg2qwerty")
            group["timeseries"] = table
            keys = [{"key": "a", "start": 1.6e9 + 0.01, "end": 1.6e9 + 0.02}]
            about = {"user": user, "session_name": path.stem, "condition": "on_keyboard"}
            group.attrs.update({**about, "keystrokes": json.dumps(keys), "prompts": "[]"})
        rows.append((user, path.stem, 0, "typing", 60))
    return rows


def write_uci_gestures(root: Path) -> list[Row]:
    """A row each millisecond that holds what had come by then."""
    rows: list[Row] = []
    for user in ("01", "36"):
        lines = ["time\t" + "\t".join(f"channel{i}" for i in range(1, 9)) + "\tclass"]
        for ms, values in enumerate(np.repeat(counts(60, 8), 5, axis=0)):
            cells = "\t".join(f"{v * 1e-5:g}" for v in values)
            lines.append(f"{ms + 1}\t{cells}\t{0 if ms < 50 else 6 if ms < 150 else 1}")
        path = root / user / f"1_raw_data_13-12_22.03.1{user[1]}.txt"
        path.parent.mkdir(parents=True)
        path.write_text("\n".join(lines) + "\n")
        names = (("", 10), ("ulnar_deviation", 20), ("rest", 30))
        rows += [(user, "series1", 0, name, n) for name, n in names]
    return rows


def write_uci_lower_limb(root: Path) -> list[Row]:
    names = ("Recto Femoral", "Biceps Femoral", "Vasto Medial", "EMG Semitendinoso")
    for stem in ("1Nmar", "3Apie"):
        head = ["File Name: marcha_2.log"]
        head += [
            f"Channel {i + 4}: '{n}', 90 values, engineering units: mV, no filters."
            for i, n in enumerate(names)
        ]
        more = "no filters, 5 values extrapolated from 50 to 1000 samples per second"
        head += [f"Channel 8: 'Flexo-Extension', 90 values, engineering units: deg, {more}.", ""]
        x = counts(90, 4) / 1e3
        body = ["\t".join(f"{v:.4g}" for v in row) + f"\t{i / 10:g}" for i, row in enumerate(x)]
        folder = root / f"{stem[1]}_TXT"
        folder.mkdir(parents=True)
        (folder / f"{stem}.txt").write_text("\n".join(head + body) + "\n")
    return [("N1", "session1", 0, "gait", 90), ("A3", "session1", 0, "standing", 90)]


def write_kanoga(root: Path) -> list[Row]:
    rows: list[Row] = []
    for user, day, place in (("sub1", 1, "N"), ("sub1", 3, "O"), ("sub2", 30, "O")):
        folder = root / "data" / user / f"day{day}"
        folder.mkdir(parents=True)
        for motion, name in ((1, "rest"), (10, "motion_10")):
            path = folder / f"D{day}M{motion}T4.csv"
            np.savetxt(path, counts(300, 8) / 1e3, delimiter=",", fmt="%.5g")
            rows.append((user, f"day{day:02d} {place}", 3, name, 300))
    return rows


def write_francic(root: Path) -> list[Row]:
    rows: list[Row] = []
    for user in ("10000", "54321"):
        folder = root / "_readings" / f"{user}-2"
        folder.mkdir(parents=True)
        labels = np.repeat([0, 3, 0, 3], 1000)
        x = np.column_stack([counts(4000, 8), labels]).astype(int)
        lines = [",".join(map(str, row)) for row in x]
        (folder / "3.txt").write_text("\n".join([*lines, "1,2,3"]) + "\n")
        whole, cut = 1000, 1000 - 140
        for cycle, n in ((0, whole), (1, cut)):
            rows.append((user, "session2", cycle, "rest", n))
            rows.append((user, "session2", cycle, "radial_deviation", cut))
    return rows


def write_hermescb(root: Path) -> list[Row]:
    root.mkdir(parents=True, exist_ok=True)
    tasks = {"VL": "knee_extension", "BF": "knee_flexion", "TA": "dorsiflexion"}
    for number in (1, 12):
        book = Workbook()
        book.active.title = "DNM"
        sheets = {"DNM": counts(40, 4) / 10}
        sheets |= {f"EM{'B' if m == 'TA' else 'G'}_{m}": counts(40, 4) for m in tasks}
        for name, x in (sheets | {"EMG_LG": counts(30, 4)}).items():
            sheet = book.active if name == "DNM" else book.create_sheet(name)
            for row in x.tolist():
                sheet.append(row)
        book.save(root / f"ID {number}.xlsx")
    names = [*((name, 40) for name in tasks.values()), ("plantar_flexion", 30)]
    return [(f"ID{i}", "session1", 0, name, n) for i in (1, 12) for name, n in names]


@dataclass(frozen=True)
class Published:
    """A small data set."""

    write: Callable[[Path], list[Row]]
    victim: str
    """A file of the second user, to be broken."""
    first: tuple[float, ...]
    """The first values of the first segment, in its unit."""
    suffix: str = ""
    """Behind the path."""


RAW = tuple(float(v) for v in range(-125, -122))
TENTH = tuple(v / 100 for v in RAW)
PUBLISHED: dict[str, Published] = {
    "myo_armband": Published(own.write_myo_armband, "*/Male10/training0/classe_3.dat", RAW),
    "xdf": Published(own.write_xdf, "ben/a.xdf", RAW[:2]),
    "libemg": Published(own.write_libemg, "u2/s1/C_0_R_1_emg.csv", RAW, "@1000"),
    "bids": Published(own.write_bids_set, "sub-02/ses-01/emg/*_emg.edf", (-62.5, -62.0)),
    "ninapro_db1": Published(by.write_ninapro_db1, "s2/*.mat", TENTH),
    "ninapro_db2": Published(by.write_ninapro_db2, "DB2_s2/*.mat", RAW),
    "ninapro_db3": Published(by.write_ninapro_db3, "DB3_s2/*.mat", RAW),
    "ninapro_db4": Published(by.write_ninapro_db4, "db4/s2/*.mat", RAW),
    "ninapro_db5": Published(by.write_ninapro_db5, "DB5/s2/*.mat", RAW),
    "ninapro_db6": Published(by.write_ninapro_db6, "S2_D5_T1.mat", RAW),
    "ninapro_db7": Published(by.write_ninapro_db7, "db7/Subject_21/*.mat", RAW),
    "ninapro_db8": Published(by.write_ninapro_db8, "DB8/S11_E1_A1.mat", RAW),
    "ninapro_db10": Published(by.write_ninapro_db10, "MDS1/S108_ex1.mat", RAW),
    "epn612": Published(by.write_epn612, "testingJSON/user1/user1.json", RAW),
    "grabmyo": Published(write_grabmyo, "*/*_participant12/*_gesture1_trial2.hea", RAW),
    "hyser": Published(write_hyser, "*/subject02_session2/1dof_raw_*.hea", RAW),
    "capgmyo": Published(by.write_capgmyo, "dbb-s3/003-006-002.mat", tuple(10 * v for v in RAW)),
    "putemg": Published(
        write_putemg, "emg_gestures-04-*.hdf5", tuple(v * 6.103515625 for v in RAW)
    ),
    "emg2pose": Published(write_emg2pose, "*u2_left.hdf5", RAW),
    "emg2qwerty": Published(write_emg2qwerty, "5/*.hdf5", RAW),
    "uci_gestures": Published(write_uci_gestures, "36/1_raw_*.txt", RAW),
    "uci_lower_limb": Published(write_uci_lower_limb, "A_TXT/3Apie.txt", RAW),
    "kanoga": Published(write_kanoga, "data/sub2/day30/D30M1T4.csv", tuple(v * 0.128 for v in RAW)),
    "francic": Published(write_francic, "_readings/54321-2/3.txt", RAW),
    "unibo": Published(by.write_unibo, "data/user_2_*.mat", (125.0, 124.0, 123.0)),
    "flexemg": Published(
        by.write_flexemg, "data/002-*/*.mat", tuple(v * 3.0517578125 for v in (175, 176, 177))
    ),
    "hermescb": Published(write_hermescb, "ID 12.xlsx", RAW),
}
"""Every set but the one that is not read from files, and the one that has no muscles."""
