"""Small recordings as other programs write them, each with what must be found in it."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from acquisition.recording import create_recording
from acquisition.stream import Spec
from acquisition.xdf import Stream

CYTON_UV = 4.5e6 / (2**23 - 1) / 24


@dataclass(frozen=True)
class Peer:
    """What a file holds."""

    samples: NDArray[np.float64]
    rate_hz: float
    unit: str
    markers: tuple[tuple[int, str], ...] = ()
    gaps: tuple[tuple[int, int], ...] = ()
    says_rate: bool = True
    motion_hz: float | None = None
    notes: tuple[str, ...] = field(default=())


def ramp(samples_n: int, channels_n: int, first: int = 0) -> NDArray[np.float64]:
    x = np.arange(first, first + samples_n * channels_n, dtype=float)
    return x.reshape(samples_n, channels_n) % 97 - 48


def java(value: float) -> str:
    """A double as Java prints it."""
    if value and not 1e-3 <= abs(value) < 1e7:
        mantissa, _, exponent = f"{value!r}".partition("e")
        if not exponent:
            mantissa, _, exponent = f"{value:.16e}".partition("e")
        return f"{float(mantissa)!r}E{int(exponent)}"
    return repr(float(value))


def openbci(path: Path, *, step: int = 1, drop: tuple[int, ...] = (), n: int = 600) -> Peer:
    """As DataWriterODF of GUI 5 writes: columns with names, an index of one byte."""
    channels_n, rate_hz = (16, 125) if step == 2 else (8, 250)
    names = [f"EXG Channel {i}" for i in range(channels_n)]
    names += [f"Accel Channel {i}" for i in range(3)]
    names += [*["Other"] * 7, *(f"Analog Channel {i}" for i in range(3)), "Timestamp"]
    names += ["Marker Channel"]
    kind = "BoardCytonSerialDaisy" if step == 2 else "BoardCytonSerial"
    lines = [
        "%OpenBCI Raw EXG Data",
        f"%Number of channels = {channels_n}",
        f"%Sample Rate = {rate_hz} Hz",
        f"%Board = OpenBCI_GUI${kind}",
        ", ".join(["Sample Index", *names, "Timestamp (Formatted)"]),
    ]
    counts = ramp(n, channels_n) * 1000
    for i in range(n):
        if i in drop:
            continue
        at_s = 1.7e9 + i / rate_hz + 0.004 * (i % 7)
        row = [float(i * step % 256), *(counts[i] * CYTON_UV), 0.0, 0.5, 1.0, *[0.0] * 10, at_s]
        row.append(3.0 if i == 10 else 0.0)
        lines.append(", ".join(map(java, row)) + ", 2023-11-14 22:13:20.000")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    kept = [i for i in range(n) if i not in drop]
    gaps = _gaps(kept)
    markers = ((kept.index(10), "marker 3"),)
    samples = counts[kept] * CYTON_UV
    return Peer(samples, rate_hz, "uV", markers, gaps, motion_hz=rate_hz)


def _gaps(kept: list[int]) -> tuple[tuple[int, int], ...]:
    return tuple(
        (i, kept[i] - kept[i - 1] - 1) for i in range(1, len(kept)) if kept[i] - kept[i - 1] > 1
    )


def openbci_old(path: Path, comma: bool = False) -> Peer:
    """As GUI 2 to 4 write: no names, two digits, in some countries a decimal comma."""
    x = ramp(300, 8) * 3.25
    lines = [
        "%OpenBCI Raw EEG Data",
        "%Number of channels = 8",
        "%Sample Rate = 250.0 Hz",
        "%First Column = SampleIndex",
        "%Last Column = Timestamp",
        "%Other Columns = EEG data in microvolts followed by Accel Data (in G)",
    ]
    for i, row in enumerate(x):
        cells = [str(i % 256), *(f"{v:.2f}" for v in row), "0.000", "0.000", "0.000"]
        if comma:
            cells = [cell.replace(".", ",") for cell in cells]
        lines.append(", ".join([*cells, "12:14:49.064"]))
    path.write_text("\n".join(lines) + "\n")
    return Peer(x, 250.0, "uV")


def emgworks(path: Path) -> Peer:
    """EMGworks with labels before the table and a time column per signal."""
    hz, slow_hz, n, slow_n = 52000 / 27, 4000 / 27, 130, 10
    x = ramp(n, 2) * 1e-6
    head = [
        f"Label: Avanti sensor {i}: {what} {i} Sampling frequency: {rate:.6e} Number of points: "
        f"{points} start: 0.000000e+000 Unit: {unit} Domain Unit: s"
        for i in (1, 2)
        for what, rate, points, unit in (("EMG", hz, n, "V"), ("ACC.X", slow_hz, slow_n, "g"))
    ]
    cells = [f'X[s],"Avanti sensor {i}: {what} {i}"' for i in (1, 2) for what in ("EMG", "ACC.X")]
    lines = [*head, "Start Trigger Method: None", "", ",".join(cells)]
    for i in range(n):
        slow = f"{i / slow_hz:.9g},{i / 10:g}" if i < slow_n else ","
        lines.append(f"{i / hz:.9g},{x[i, 0]:.9g},{slow},{i / hz:.9g},{x[i, 1]:.9g},{slow}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Peer(x * 1e6, hz, "uV", motion_hz=slow_hz)


def emgworks_shared(path: Path, separator: str = ",") -> Peer:
    """EMGworks with one time column and units in brackets; decimal commas beside semicolons."""
    x = ramp(150, 2) * 1e-6
    head = ["X [s]", "Avanti sensor 1: EMG 1 [V]", "Avanti sensor 2: EMG 2 [V]"]
    lines = [separator.join(head)]
    for i, row in enumerate(x):
        cells = [f"{i / 2000:.6f}", *(f"{v:.9g}" for v in row)]
        lines.append(separator.join(c if separator == "," else c.replace(".", ",") for c in cells))
    path.write_text("\n".join(lines) + "\n")
    return Peer(x * 1e6, 2000.0, "uV")


def discover(path: Path) -> Peer:
    """Trigno Discover: sensors two rows above the names, rates and periods below."""
    x, emg = ramp(160, 2) * 1e-3, ["EMG 1 Time Series (s)", "EMG 1 (mV)"]
    rows = [
        ["Application:", "Trigno Discover (1.7.0)"],
        ["Date/Time:", "1/2/2024 10:00:00 AM"],
        ["Collection Length (seconds):", "0.074"],
        ["Avanti Sensor 1 (75923)", "", "", "", "Avanti Sensor 2 (75924)", ""],
        ["sensor mode: 40", "", "", "", "sensor mode: 40", ""],
        [*emg, "ACC X Time Series (s)", "ACC X (G)", *emg],
        ["", "2148.1481 Hz", "", "74.0741 Hz", "", "2148.1481 Hz"],
        ["", "0.00046552 s", "", "0.0135 s", "", "0.00046552 s"],
    ]
    for i in range(160):
        at = f"{i / 2148.1481:.7f}"
        slow = [f"{i / 74.0741:.7f}", f"{i / 100}"] if i < 6 else ["", ""]
        rows.append([at, f"{x[i, 0]:.9g}", *slow, at, f"{x[i, 1]:.9g}"])
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return Peer(x * 1e3, 2148.1481, "uV", motion_hz=74.0741)


def libemg(folder: Path, pattern: str = "C_{c}_R_{r}_emg.csv", details: bool = True) -> Peer:
    """As LibEMG's screen-guided training leaves it."""
    folder.mkdir()
    names, parts, markers, at = ["fist", "no_movement"], [], [], 0
    for r in range(2):
        for c in range(2):
            x = ramp(40 + 10 * c + r, 8, 7 * r + c)
            with (folder / pattern.format(c=c, r=r)).open("w", newline="") as file:
                csv.writer(file).writerows(x)
            parts.append(x)
            markers.append((at, names[c] if details else f"class_{c}"))
            at += len(x)
    if details:
        about = {"num_motions": 2, "classes": names, "class_map": dict(enumerate(names))}
        (folder / "collection_details.json").write_text(json.dumps(about))
    return Peer(np.concatenate(parts), 200.0, "raw", tuple(markers), says_rate=False)


def uci_gestures(path: Path) -> Peer:
    """The gestures set: time in ms with holes, counts in steps of 1e-5, a class."""
    counts = ramp(120, 8)
    lines = ["time\t" + "\t".join(f"channel{i}" for i in range(1, 9)) + "\tclass"]
    times = [i + 1 + 3 * (i >= 50) for i in range(120)]
    for i, row in enumerate(counts):
        values = "\t".join(
            "0" if not v else f"{v * 1e-5:.0e}" if abs(v) < 10 else f"{v * 1e-5:.1e}" for v in row
        )
        lines.append(f"{times[i]}\t{values}\t{0 if i < 30 else 2 if i < 80 else 1}")
    path.write_text("\n".join(lines) + "\n")
    markers = ((0, "unmarked"), (30, "hand_close"), (80, "rest"))
    return Peer(counts, 1000.0, "raw", markers, ((50, 3),))


def datalog(path: Path, says_rate: bool = False) -> Peer:
    """Biometrics DataLOG, as the lower-limb set has it: muscles in mV and a goniometer."""
    x = ramp(90, 2) * 1e-3
    more = ", extrapolated from 50 to 1000 samples per second" if says_rate else ""
    lines = [
        "File Name: 5Nmar.log",
        "Channel 1: 'RF', 90 values, engineering units: mV, no filters.",
        "Channel 2: 'BF', 90 values, engineering units: mV, no filters.",
        f"Channel 5: 'FX', 5 values, engineering units: deg, no filters{more}.",
        "",
        *(f"{a:.4f}\t{b:.4f}\t{i / 10:g}" for i, (a, b) in enumerate(x)),
        *["\t\t9"] * 4,
        "\t\t",
    ]
    path.write_text("\n".join(lines) + "\n")
    return Peer(x * 1e3, 1000.0, "uV", says_rate=says_rate, motion_hz=1000.0)


def xdf(path: Path) -> Peer:
    x = ramp(60, 2)
    writer = create_recording(path, Spec(200.0, ("emg1", "emg2"), "raw"), "test")
    writer.samples(1.0, x[:20].astype("<f4").tobytes())
    writer.samples(1.0 + 25 / 200, x[20:].astype("<f4").tobytes(), lost=5)
    writer.text(Stream.MARKERS, 1.0 + 30 / 200, "rest")
    writer.close()
    return Peer(x, 200.0, "raw", ((25, "rest"),), ((20, 5),))


def myo(folder: Path) -> Peer:
    folder.mkdir()
    parts = [ramp(20, 8, i) for i in range(2)]
    for i, part in enumerate(parts):
        (folder / f"classe_{i}.dat").write_bytes(part.astype("<i2").tobytes())
    markers = ((0, "rest"), (20, "radial_deviation"))
    return Peer(np.concatenate(parts), 200.0, "raw", markers)


PEERS: dict[str, tuple[str, str, Callable[[Path], Peer]]] = {
    "xdf": ("xdf", "a.xdf", xdf),
    "myo": ("myo_armband", "Test0", myo),
    "libemg": ("libemg", "folder", libemg),
    "libemg data set": (
        "libemg",
        "folder",
        lambda path: libemg(path, "R_{r}_C_{c}.csv", details=False),
    ),
    "openbci": ("openbci", "a.txt", openbci),
    "openbci daisy": ("openbci", "a.txt", lambda path: openbci(path, step=2)),
    "openbci old": ("openbci", "a.txt", openbci_old),
    "openbci old, comma": ("openbci", "a.csv", lambda path: openbci_old(path, comma=True)),
    "emgworks": ("delsys", "a.csv", emgworks),
    "emgworks shared": ("delsys", "a.csv", emgworks_shared),
    "emgworks semicolon": ("delsys", "a.csv", lambda path: emgworks_shared(path, ";")),
    "emgworks tab": ("delsys", "a.txt", lambda path: emgworks_shared(path, "\t")),
    "discover": ("delsys", "a.csv", discover),
    "uci gestures": ("uci_gestures", "a.txt", uci_gestures),
    "datalog": ("datalog", "a.txt", datalog),
    "datalog with a rate": ("datalog", "a.txt", lambda path: datalog(path, says_rate=True)),
}
"""example -> (row of IMPORTS, name, writer)"""
