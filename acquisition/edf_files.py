"""A session as EDF+ or BDF+, for programs that read nothing else.

These formats know no gap: what was lost is filled with the value before, and annotated.
"""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acquisition.edf_grid import Grid, Records, grid, records, rounded
from acquisition.recording import open_new
from acquisition.session import Session
from acquisition.stream import Refused, Spec

LOST, PADDING = "BAD_lost", "BAD_padding"
"""By "BAD" at the beginning MNE leaves a stretch out of what it computes."""
LONGEST_FILL = 4
"""A file may hold this many times the samples that there are; more is a gap, not a recording."""
SPARE_RECORDS = 20
"""Records that may be added at the end to reach a length that edfio can check."""
SHORT_FILL_S = 60.0
"""A gap of up to a minute is filled in any case."""
DIMENSIONS = {"deg_s": "deg/s", "m_s2": "m/s2"}
"""End of a motion channel's name -> its unit, where they are not the same."""


def write_edf(path: Path, session: Session, kind: str) -> tuple[str, ...]:
    """Writes a new file; `kind` is "edf" or "bdf". Gives what a person should know of it.

    Device counts survive exactly, or the notes say to what the values were rounded. Motion goes
    in at its own rate. Refuses a file that is there, rates that no record holds, counts too
    large for the kind, and gaps that would be most of the file.
    """
    edfio = _library()
    parts = [session] if session.motion is None else [session, session.motion]
    size = 2 if kind == "edf" else 3
    filled = [_filled(part) for part in parts]
    plan = records(
        [part.spec.rate_hz for part in parts],
        [size * len(part.spec.channels) for part in parts],
        len(filled[0]),
    )
    fewest_n = max(-(-len(x) // n) for x, n in zip(filled, plan.samples, strict=True))
    notes = list(session.notes)
    grids = [_grids(part, x, kind, notes) for part, x in zip(parts, filled, strict=True)]
    file, records_n = _file(edfio, kind, session, parts, grids, plan, fewest_n)
    with open_new(path) as out:
        out.write(file.to_bytes())
    return tuple(notes + _told(session, records_n * plan.samples[0] - len(filled[0])))


def _file(
    edfio: Any,
    kind: str,
    session: Session,
    parts: list[Session],
    grids: list[list[Grid]],
    plan: Records,
    fewest_n: int,
) -> tuple[Any, int]:
    """(the file, how many records it has)."""
    made, when = (edfio.Edf if kind == "edf" else edfio.Bdf), _when(session.wall_s)
    for records_n in range(fewest_n, fewest_n + SPARE_RECORDS):
        signals = [
            signal
            for part, channels, n in zip(parts, grids, plan.samples, strict=True)
            for signal in _signals(
                edfio, kind, part.spec, channels, n / plan.seconds, records_n * n
            )
        ]
        try:
            file = made(
                signals,
                recording=edfio.Recording(startdate=None if when is None else when.date()),
                starttime=None if when is None else when.time(),
                data_record_duration=plan.seconds,
                annotations=[
                    edfio.EdfAnnotation(*row) for row in _annotations(session, plan, records_n)
                ],
            )
        except ValueError as error:
            # It compares lengths in seconds, in which some rates have no exact number.
            problem = error
        else:
            return file, records_n
    raise Refused(f"edfio cannot write this as {kind.upper()} ({problem}); write .csv or .xdf.")


def _library() -> Any:
    try:
        import edfio
    except ModuleNotFoundError:
        raise Refused(
            "EDF and BDF need edfio, which is not installed here; install flexor[files]."
        ) from None
    return edfio


def _when(wall_s: float | None) -> datetime | None:
    """The start, where it is known and an EDF can say it."""
    if wall_s is None:
        return None
    when = datetime.fromtimestamp(wall_s, timezone.utc)
    return when if 1985 <= when.year < 2085 else None


def _filled(part: Session) -> NDArray[np.float64]:
    """(time, channel) without gaps: what is missing has the value before it."""
    n = len(part.samples)
    # A second stream begins later or earlier than the signal; the file begins with that.
    shift_n = round(part.begin_s * part.spec.rate_hz)
    whole_n = n + part.lost
    if part.lost > max(LONGEST_FILL * n, SHORT_FILL_S * part.spec.rate_hz):
        raise Refused(
            f"{part.lost} samples are lost and {n} are there, and EDF and BDF know no gaps; "
            "write .csv or .xdf."
        )
    source = np.zeros(whole_n, np.int64)
    before = np.zeros(n, np.int64)
    for index, lost in part.gaps:
        before[index:] += lost
    source[np.arange(n) + before] = np.arange(n)
    x: NDArray[np.float64] = part.samples.astype(np.float64)
    x = x[np.maximum.accumulate(source)]
    for channel in x.T:
        good = np.isfinite(channel)
        if not good.all():
            last = np.maximum.accumulate(np.where(good, np.arange(whole_n), 0))
            channel[:] = np.nan_to_num(channel[last], nan=0.0, posinf=0.0, neginf=0.0)
    ahead = np.repeat(x[:1], max(0, shift_n), axis=0)
    return np.concatenate([ahead, x[max(0, -shift_n) :]]) if shift_n else x


def _grids(part: Session, x: NDArray[np.float64], kind: str, notes: list[str]) -> list[Grid]:
    """The channels of one stream as whole numbers; what is rounded is noted."""
    found: list[Grid] = []
    steps: dict[str, float] = {}
    for i, values in enumerate(x.T):
        exact = grid(values, part.spec.scale, kind)
        if exact is None and kind == "edf" and grid(values, part.spec.scale, "bdf") is not None:
            most = np.abs(values / part.spec.scale).max()
            raise Refused(
                f"{part.spec.channels[i]} has counts up to {most:.0f}, and a sample of an EDF "
                "holds 32767 at most; write .bdf."
            )
        found.append(exact or rounded(values, kind))
        if exact is None:
            unit = dimension(part.spec, i) or "counts"
            steps[unit] = max(steps.get(unit, 0.0), found[-1].step)
    for unit, step in steps.items():
        notes.append(
            f"Channels in {unit} are no whole counts and are rounded, to {step:.2g} {unit}."
        )
    return found


def labels(spec: Spec) -> list[str]:
    """16 characters of ASCII each, all different."""
    out: list[str] = []
    for name in spec.channels:
        plain = "".join(c if c.isascii() and c.isprintable() else "_" for c in name)
        label = plain[:16].strip() or "channel"
        n = 1
        while label in out:
            n += 1
            label = f"{plain[: 15 - len(str(n))]}#{n}"
        out.append(label)
    return out


def dimension(spec: Spec, i: int) -> str:
    """The unit of a channel: empty for raw counts."""
    if spec.unit == "named":
        name = spec.channels[i].lower()
        known = next((unit for end, unit in DIMENSIONS.items() if name.endswith(end)), None)
        return known or name.rpartition("_")[2]
    return "" if spec.unit == "raw" else spec.unit


def _signals(
    edfio: Any, kind: str, spec: Spec, channels: list[Grid], rate_hz: float, samples_n: int
) -> list[Any]:
    """The channels of one stream, their last value repeated up to `samples_n`."""
    made, width = (edfio.EdfSignal, np.int16) if kind == "edf" else (edfio.BdfSignal, np.int32)
    return [
        made.from_digital(
            np.pad(found.counts, (0, samples_n - len(found.counts)), "edge").astype(width),
            rate_hz,
            label=label,
            physical_dimension=dimension(spec, i)[:8],
            physical_range=(found.physical_lowest, found.physical_highest),
            digital_range=(found.lowest, found.highest),
        )
        for i, (label, found) in enumerate(zip(labels(spec), channels, strict=True))
    ]


def _annotations(
    session: Session, plan: Records, records_n: int
) -> list[tuple[float, float | None, str]]:
    """(onset in seconds, duration, text)"""
    rate_hz = plan.samples[0] / plan.seconds
    out: list[tuple[float, float | None, str]] = []
    for index, text in session.markers:
        out.append((session.position(index) / rate_hz, None, _line(text)))
    lost_so_far = 0
    for index, lost in session.gaps:
        at_s = (index + lost_so_far) / rate_hz
        out += [(at_s, lost / rate_hz, LOST), (at_s, None, f"lost {lost} samples")]
        lost_so_far += lost
    end_n = len(session.samples) + session.lost
    whole_n = records_n * plan.samples[0]
    if whole_n > end_n:
        out.append((end_n / rate_hz, (whole_n - end_n) / rate_hz, PADDING))
    return [(round(at, 6), None if n is None else round(n, 6), text) for at, n, text in out]


def _line(text: str) -> str:
    """EDF+ keeps its lists of annotations apart by control characters."""
    return "".join(c if c.isprintable() else " " for c in text)


def _told(session: Session, padding: int) -> list[str]:
    notes = []
    if session.spec.unit == "raw":
        notes.append("The device has no known scale: values are its counts, without a unit.")
    if session.lost:
        notes.append(
            f"{session.lost} lost samples in {len(session.gaps)} gaps are filled with the value "
            f'before and annotated "{LOST}".'
        )
    if session.motion is not None and session.motion.lost:
        notes.append(f"{session.motion.lost} lost samples of motion are filled as well.")
    if padding:
        notes.append(f'The last record is filled up by {padding} samples, annotated "{PADDING}".')
    return notes
