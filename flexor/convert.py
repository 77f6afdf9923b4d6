"""Turns a recording of any known kind into a file for other programs, or into one of ours."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

from acquisition.imports import load_session
from acquisition.session import Session
from acquisition.stream import Chunk, Refused

BLOCK = 4096
"""Samples of a chunk in an .xdf."""
SUFFIXES = (".edf", ".bdf", ".csv", ".xdf")


def convert(
    source: Path,
    out: Path | None,
    *,
    rate_hz: float | None = None,
    bids: Path | None = None,
    entities: tuple[str, str, str] = ("", "", ""),
    line_hz: float | None = None,
) -> dict[str, Any]:
    """Writes `source` as `out`, whose suffix says the kind, or into the BIDS data set `bids`.

    `entities` are subject, session and task. Gives what was written and what a person should
    know of it. Refuses both at once, neither, and whatever readers and writers refuse; a file
    that is there is never overwritten.
    """
    if (out is None) == (bids is None):
        raise Refused("Name one new file (OUT.edf, .bdf, .csv or .xdf), or a folder with --bids.")
    if rate_hz is not None and not 0 < rate_hz < 1e6:
        raise Refused(f"A rate is some samples per second, not {rate_hz:g}.")
    if out is not None and out.suffix not in SUFFIXES:
        raise Refused(f'"{out}" must end in {", ".join(SUFFIXES)}.')
    if out is not None and out.exists():
        raise Refused(f"{out} exists, and nothing is overwritten; name another.")
    if bids is not None:
        from acquisition.bids_files import Entities, write_bids

        named = Entities(*entities)
        session = load_session(source, rate_hz)
        written, notes = write_bids(bids, named, session, "bdf", line_hz)
    else:
        session = load_session(source, rate_hz)
        written, notes = write(Path(out or ""), source, session)
    return {
        "from": str(source),
        "written": [str(path) for path in written],
        "samples": len(session.samples),
        "channels": len(session.spec.channels),
        "rate_hz": session.spec.rate_hz,
        "unit": session.spec.unit,
        "seconds": (len(session.samples) + session.lost) / session.spec.rate_hz,
        "lost_samples": session.lost,
        "gaps": len(session.gaps),
        "markers": len(session.markers),
        **_motion_report(session),
        **({"notes": list(notes)} if notes else {}),
    }


def _motion_report(session: Session) -> dict[str, Any]:
    if session.motion is None:
        return {}
    return {
        "motion_samples": len(session.motion.samples),
        "motion_rate_hz": session.motion.spec.rate_hz,
    }


def write(out: Path, source: Path, session: Session) -> tuple[list[Path], tuple[str, ...]]:
    """(new files, what a person should know)"""
    if out.suffix == ".csv":
        from acquisition.csv_files import write_csv

        return write_csv(out, session), session.notes
    if out.suffix == ".xdf":
        if source.suffix == ".xdf":
            raise Refused(f"{source} is an .xdf already; a copy of the file keeps all of it.")
        write_xdf(out, session, str(source))
        return [out], session.notes
    from acquisition.edf_files import write_edf

    return [out], write_edf(out, session, out.suffix[1:])


def write_xdf(out: Path, session: Session, source: str) -> None:
    """A recording of ours. Its clock begins at 0, and the wall clock with it, where known."""
    from acquisition.recording import open_new
    from acquisition.xdf import Stream, Writer

    motion, wall_s = session.motion, session.wall_s or 0.0
    writer = Writer(
        open_new(out),
        session.spec.to_json(),
        source,
        None if motion is None else motion.spec.to_json(),
        clock=lambda: 0.0,
        wall_clock=lambda: wall_s,
    )
    for chunk in chunks_of(session):
        writer.samples(chunk.clock_s, chunk.samples.astype("<f4").tobytes(), chunk.lost)
    for chunk in () if motion is None else chunks_of(motion):
        writer.motion(chunk.clock_s, chunk.samples.astype("<f4").tobytes(), chunk.lost)
    for index, text in session.markers:
        writer.text(Stream.MARKERS, session.position(index) / session.spec.rate_hz, text)
    writer.close()


def chunks_of(session: Session) -> list[Chunk]:
    """The session in chunks; none spans a gap."""
    lost = dict(session.gaps)
    edges = sorted({*range(0, len(session.samples), BLOCK), *lost, len(session.samples)})
    out, clock_n = [], 0
    for first, end in pairwise(edges):
        clock_n += lost.get(first, 0)
        clock_s = session.begin_s + clock_n / session.spec.rate_hz
        out.append(Chunk(session.samples[first:end], clock_s, lost.get(first, 0)))
        clock_n += end - first
    return out
