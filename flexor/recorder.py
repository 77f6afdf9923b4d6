"""The recorder: a process of its own that writes what the control loop feeds it.

It may be slow, full or dead without the hand noticing. No array library here (see feed).
"""

from __future__ import annotations

import errno
import io
import json
import os
import queue
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from acquisition.xdf import Stream, Writer
from flexor.feed import Feed, say, spawn
from flexor.messages import MESSAGE_MAX, Kind, unpack

if TYPE_CHECKING:
    from acquisition.stream import Spec

START_FREE_BYTES = 256 * 2**20
"""Free space that a recording wants at its start: half an hour of 16 channels at 2 kHz."""
KEEP_FREE_BYTES = 32 * 2**20
"""Free space that a recording leaves: the rest of the machine must go on writing."""
CHUNK_BYTES = 25
"""What a chunk of samples in the file has beside its values."""
INBOX_MESSAGES = 4096
"""More than ten seconds of a busy loop: a worn memory card blocks that long now and then."""
NAP_S = 0.05
"""How long the recorder sleeps when it has read everything. Were it waiting instead, each message
would wake it, and it would push the control loop aside: on a busy machine of two cores, sending
a chunk then took 1.1 ms at the 99th percentile, and 0.15 ms so."""
TICK_S = 1.0
"""How often the recorder looks at the disk, tells its state and makes the file safe."""

KEPT = ("about", "state", "cause", "joints", "torque_nm", "hand_says", "battery", "findings")
"""What a recording keeps of the states: enough to show the run again."""

Item = tuple[Kind, Any]


def start_recorder(
    path: Path | str,
    spec: Spec,
    source: str = "",
    *,
    start_free_bytes: int = START_FREE_BYTES,
    keep_free_bytes: int = KEEP_FREE_BYTES,
    motion_spec: Spec | None = None,
    seconds: float | None = None,
) -> Feed:
    """A feed to a new process that records it into a new file at `path`.

    With `motion_spec` the second stream is recorded as well. `seconds` is how long the recording
    will be, where that is known.

    `poll` of the feed gives {"event": "recording" | "stopped" | "closed", "bytes_n": ...,
    "samples_n": ..., "lost": ...}; "stopped" comes once, with a sentence under "text". Refuses a
    file that is there or cannot be created, and a disk with too little room.
    """
    from acquisition.recording import open_new
    from acquisition.stream import Refused

    file = open_new(path)
    with file:
        needed_bytes = 0
        if seconds is not None:
            needed_bytes = keep_free_bytes + bytes_for(seconds, spec, motion_spec)
        free_bytes = _free_bytes(file.fileno())
        if free_bytes < max(start_free_bytes, needed_bytes):
            Path(path).unlink()
            has = f"The disk of {path} has {free_bytes / 2**20:.0f} MB free, and a recording"
            if needed_bytes <= start_free_bytes:
                starts = f"{start_free_bytes / 2**20:.0f} MB or more"
                raise Refused(f"{has} starts with {starts}; make room first.")
            raise Refused(
                f"{has} of {seconds:g} s may need {needed_bytes / 2**20:.0f} MB, with the "
                f"{keep_free_bytes / 2**20:.0f} MB that stay free; make room, or ask for less."
            )
        _sync_folder(Path(path).parent)
        return spawn(
            "flexor.recorder",
            spec,
            source,
            (str(file.fileno()), str(keep_free_bytes)),
            pass_fds=(file.fileno(),),
            motion_spec=motion_spec,
        )


def bytes_for(seconds: float, spec: Spec, motion_spec: Spec | None = None) -> int:
    """What a recording takes at most: as if every sample came in a chunk of its own.

    Markers, intents and commands are not in it; forty of those a second are 16 kB.
    """
    streams = [spec] if motion_spec is None else [spec, motion_spec]
    rates = (each.rate_hz * (4 * len(each.channels) + CHUNK_BYTES) for each in streams)
    return round(seconds * sum(rates))


def main() -> None:
    """The recorder process: sys.argv has its socket, its file and the room to leave."""
    sock_fd, file_fd, keep_free_bytes = (int(word) for word in sys.argv[1:4])
    with suppress(OSError):
        os.nice(10)  # The control loop goes first.
    with socket.socket(fileno=sock_fd) as sock, io.FileIO(file_fd, "wb") as file:
        inbox: queue.Queue[Item] = queue.Queue(INBOX_MESSAGES)
        threading.Thread(target=receive, args=(sock, inbox), daemon=True).start()
        record(inbox, file, partial(say, sock), keep_free_bytes)


def receive(sock: socket.socket, inbox: queue.Queue[Item]) -> None:
    """Moves messages into the inbox until the feed ends, so that no slow disk holds them up.

    The last is always END; its value is true if the feed ended without one. A full inbox
    makes this wait: the feed's other end then drops and counts.
    """
    ended = False
    while not ended:
        try:
            message = sock.recv(MESSAGE_MAX, socket.MSG_DONTWAIT)
        except BlockingIOError:
            time.sleep(NAP_S)
            continue
        except ConnectionResetError:  # told once, before what the kernel still has
            continue
        except OSError:
            message = b""
        item = unpack(message) if message else (Kind.END, True)
        ended = item[0] is Kind.END
        inbox.put(item)


def record(
    inbox: queue.Queue[Item],
    file: io.FileIO,
    tell: Callable[[dict[str, Any]], None],
    keep_free_bytes: int,
    *,
    most_bytes: int | None = None,
    tick_s: float = TICK_S,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Writes what comes through `inbox` until END.

    A disk that is full, or as good as full, ends the writing and is told once, as is a file of
    `most_bytes`; the inbox is emptied all the same.
    """
    kind, head = inbox.get()
    if kind is not Kind.SPEC:
        return
    state: dict[str, Any] = {"event": "recording", "bytes_n": 0, "lost": 0}
    item: Item | None = None
    try:
        motion = head.get("motion")
        writer = Writer(
            file, head["spec"], head["source"], motion, sync_every_s=tick_s, clock=clock
        )
        told_s = clock()
        while (item := _next(inbox, tick_s)) is None or item[0] is not Kind.END:
            if item is not None:
                state["lost"] += _write(writer, item, clock)
            writer.sync_if_due()
            state |= {"bytes_n": writer.bytes_n, "samples_n": writer.samples_n}
            if clock() - told_s >= tick_s:
                told_s = clock()
                _check_room(file, keep_free_bytes)
                if most_bytes is not None and writer.bytes_n > most_bytes:
                    raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
                tell(state)
        if item[1]:
            writer.text(Stream.MARKERS, clock(), "the control loop went away")
        writer.close()
        tell({**state, "event": "closed", "bytes_n": writer.bytes_n})
    except OSError as error:
        tell({**state, "event": "stopped", "text": _sentence(error)})
        while item is None or item[0] is not Kind.END:
            item = inbox.get()


def _next(inbox: queue.Queue[Item], timeout_s: float) -> Item | None:
    try:
        return inbox.get(timeout=timeout_s)
    except queue.Empty:
        return None


def _sentence(error: OSError) -> str:
    known = {errno.ENOSPC: "The disk is full", errno.EFBIG: "The file is as large as it may be"}
    why = known.get(error.errno or 0, str(error.strerror))
    return f"{why}: the recording stopped, and what it has stays readable."


def _write(writer: Writer, item: Item, clock: Callable[[], float]) -> int:
    """Writes the item; gives the samples lost before what it holds."""
    kind, value = item
    if kind is Kind.SAMPLES:
        writer.samples(value.clock_s, value.data, value.lost)
        return int(value.lost)
    if kind is Kind.MOTION:
        writer.motion(value.clock_s, value.data, value.lost)
    elif kind is Kind.MARKER:
        writer.text(Stream.MARKERS, value["clock_s"], value["text"])
    elif kind is Kind.INTENT:
        writer.text(Stream.INTENTS, value.at_s, json.dumps(asdict(value.intent)))
    elif kind is Kind.COMMAND:
        writer.text(Stream.COMMANDS, value.at_s, json.dumps(asdict(value.command)))
    elif kind is Kind.STATUS and value.keys() & {"state", "about"}:
        kept = {key: value[key] for key in KEPT if value.get(key)}
        writer.text(Stream.STATES, value.get("clock_s", clock()), json.dumps(kept))
    return 0


def _check_room(file: io.FileIO, keep_free_bytes: int) -> None:
    if _free_bytes(file.fileno()) < keep_free_bytes:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _free_bytes(fd: int) -> int:
    disk = os.fstatvfs(fd)
    return disk.f_bavail * disk.f_frsize


def _sync_folder(folder: Path) -> None:
    """Makes a new file's name safe from a power cut."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
