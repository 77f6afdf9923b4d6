"""The recordings that the page knows: begun and ended through the run's door, listed, removed."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from acquisition import xdf
from acquisition.stream import Refused
from flexor.dashboard.hub import Hub
from flexor.dashboard.supervisor import last_sentence
from flexor.recorder import KEEP_FREE_BYTES, START_FREE_BYTES
from flexor.session_recording import WISH

GUEST = (sys.executable, "-c", "from flexor.guest_recorder import main; main()")
NAME = re.compile(r"(session|calibration)-\d{8}-\d{6}(-\d{1,3})?\.xdf", re.ASCII)
"""What a name may be: nothing of it is a path."""
LARGEST_BYTES = 2_000_000_000
"""Of one recording: eight hours of 16 channels at 1 kHz."""
KEPT_N = 500
"""Recordings; more have to be removed first."""
BEGIN_S = 10.0
HEAD_BYTES = 256_000
"""Of a file, in which its headers and its first samples are."""


@dataclass(frozen=True)
class Kept:
    """One recording as the list shows it."""

    name: str
    at: float
    """seconds since 1970 of its first sample"""
    seconds: float
    """to its last byte, to the second"""
    source: str
    bytes_n: int


@dataclass
class Recordings:
    """Those in a folder, and of the calibrations in the other."""

    hub: Hub
    folder: Path
    calibrations: Path
    wall_clock: Callable[[], float] = time.time
    free_bytes: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def under_way(self) -> dict[str, Any] | None:
        """What is recorded now, as the run tells it."""
        told: dict[str, Any] | None = self.hub.status.get("recording") if self.hub.alive else None
        return told

    async def begin(self) -> str:
        """Has the run recorded; gives the recording's name. Refuses where there is no run, no room
        or too many recordings, and with the run's own sentence."""
        if not self.hub.alive or self.hub.door is None:
            raise Refused("Nothing runs: look at the electrodes or drive the hand, then record.")
        path = self._free_path()
        log = self.folder / "recorder.log"
        with log.open("wb") as file:
            words = (str(self.hub.door), str(path), str(KEEP_FREE_BYTES), str(LARGEST_BYTES))
            self._process = subprocess.Popen(
                [*GUEST, *words],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until_s = time.monotonic() + BEGIN_S
        while (self.under_way or {}).get("name") != path.name:
            if self._process.poll() is not None:
                raise Refused(last_sentence(log))
            if time.monotonic() > until_s:
                self._process.kill()
                raise Refused("The recorder did not begin in time: try again.")
            await asyncio.sleep(0.03)
        return path.name

    def end(self) -> None:
        """Asks the run to end the recording. Refuses where nothing is recorded."""
        told = self.under_way
        if told is None:
            raise Refused("Nothing is recorded: begin a recording first.")
        if told["of_run"]:
            raise Refused("The run was begun with --record: it is recorded until the run ends.")
        self.hub.tell({WISH: None})

    def all(self) -> list[Kept]:
        """Every recording, the newest first."""
        if self._process is not None:
            self._process.poll()  # its end is taken notice of
        found = []
        for folder in (self.folder, self.calibrations):
            for path in folder.glob("*.xdf"):
                if NAME.fullmatch(path.name) and not path.is_symlink():
                    stat = path.stat()
                    found.append(summary(path, stat.st_mtime, stat.st_size))
        return sorted(found, key=lambda kept: kept.at, reverse=True)

    def path_of(self, name: str) -> Path:
        """The file of that name. Refuses whatever is no recording's name, and one not there."""
        if NAME.fullmatch(name) is None:
            raise Refused(f'"{name[:60]}" is no recording\'s name.')
        for folder in (self.folder, self.calibrations):
            path = folder / name
            if path.is_file() and not path.is_symlink():
                return path
        raise Refused(f"There is no recording {name}.")

    def delete(self, name: str) -> None:
        """Removes one for good. Refuses the one that is being written."""
        path = self.path_of(name)
        if (self.under_way or {}).get("name") == name:
            raise Refused("It is being recorded: end the recording first.")
        for suffix in ("", ".done"):
            path.with_suffix(suffix or path.suffix).unlink(missing_ok=True)

    def _free_path(self) -> Path:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Refused(f"{self.folder} cannot be made: {error.strerror}.") from None
        if len(list(self.folder.glob("*.xdf"))) >= KEPT_N:
            raise Refused(f"There are {KEPT_N} recordings: remove some first.")
        free = self.free_bytes(self.folder)
        if free < START_FREE_BYTES:
            raise Refused(
                f"The disk has {free / 2**20:.0f} MB free, and a recording starts with "
                f"{START_FREE_BYTES / 2**20:.0f} MB or more: make room first."
            )
        stem = time.strftime("session-%Y%m%d-%H%M%S", time.localtime(self.wall_clock()))
        path, n = self.folder / f"{stem}.xdf", 1
        while path.exists():
            n += 1
            path = self.folder / f"{stem}-{n}.xdf"
        return path


@lru_cache(maxsize=2 * KEPT_N)
def summary(path: Path, changed_s: float, bytes_n: int) -> Kept:
    """What the beginning of a recording tells, and when it was last written. Never fails: what
    cannot be read has no length and no source."""
    source, offset_s, first_s = "", 0.0, None
    try:
        with path.open("rb") as file:
            head = memoryview(file.read(HEAD_BYTES))
        for tag, content, _ in xdf.walk(head):
            if tag == xdf.Tag.FILE_HEADER:
                offset_s = float(_text(content, "wall_minus_monotonic_s") or 0)
            elif tag == xdf.Tag.STREAM_HEADER and not source:
                source = _text(content[4:], "desc/source")
            elif tag == xdf.Tag.SAMPLES and content[0] == xdf.Stream.EMG:
                first_s = xdf.stamp(content)
                break
    except (OSError, ValueError, IndexError, ElementTree.ParseError):
        pass
    at = changed_s if first_s is None else offset_s + first_s
    return Kept(path.name, at, max(0.0, changed_s - at), source, bytes_n)


def _text(content: memoryview, what: str) -> str:
    return ElementTree.fromstring(bytes(content)).findtext(what, "")  # noqa: S314 - our own file
