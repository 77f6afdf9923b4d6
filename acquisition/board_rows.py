"""Boards that a vendor's library reads: its tables of rows become frames like those of any device.

BrainFlow and MindRove's fork of it give tables of doubles, one row for each channel, one more for
the board's counter and one for the time of arrival. What the library makes of the bytes cannot be
seen from here; what it drops shows in the counter.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from acquisition.framed import Framed, Layout
from acquisition.port import Ahead, Arrival, Port
from acquisition.sequence import Frames, Ints
from acquisition.stream import Counts, DeviceLost, DeviceRefused, DeviceTimeout, Samples, Spec
from acquisition.wire import Wiring

FIRST_S = 5.0
"""A board that has sent nothing for so long after its start is not there."""
POLL_S = 0.004
"""The libraries cannot be waited for: they are asked so often."""
BUFFER_S = 5.0
"""Signal that the library keeps for us; it drops older samples, which the counter shows."""
OLDEST_S = 0.1
"""A library's stamp further back than this is no time of arrival."""
START, STOP = b"start", b"stop"
MEND = "switch it on, and join its network where it has one"
LIMIT = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Rows:
    """Which row of a board's tables holds what."""

    rate_hz: float
    rows_n: int
    signal: tuple[int, ...]
    stamp: int
    """Unix seconds of arrival"""
    counter: int = 0
    counter_step: int = 0
    """by how much the counter rises with each sample, modulo 256; 0: it tells nothing"""
    accel: tuple[int, ...] = ()
    gyro: tuple[int, ...] = ()


@dataclass(frozen=True)
class Library:
    """What differs between the libraries."""

    title: str
    board: Any
    """its class of boards"""
    params: Any
    """its class of settings"""
    error: type[Exception]


def rows_of(described: Mapping[str, Any], counter_step: int, what: str) -> Rows:
    """The rows that a library describes. Refuses a board without EMG or other such channels."""
    signal = described.get("emg_channels") or described.get("eeg_channels") or ()
    if not signal:
        raise DeviceRefused(f"{what} measures no EMG: choose another board.")
    return Rows(
        float(described["sampling_rate"]),
        int(described["num_rows"]),
        tuple(signal),
        int(described["timestamp_channel"]),
        int(described.get("package_num_channel", 0)),
        counter_step,
        tuple(described.get("accel_channels", ())),
        tuple(described.get("gyro_channels", ())),
    )


def spec_of(rows: Rows) -> Spec:
    """In microvolts: the libraries have scaled already."""
    return Spec(rows.rate_hz, tuple(f"emg{i}" for i in range(1, len(rows.signal) + 1)))


def motion_spec_of(rows: Rows) -> Spec | None:
    """Raw: which unit a board's motion has, the libraries do not say."""
    names = [f"accel_{axis}" for axis, _ in zip("xyz", rows.accel, strict=False)]
    names += [f"gyro_{axis}" for axis, _ in zip("xyz", rows.gyro, strict=False)]
    return Spec(rows.rate_hz, tuple(names), "raw") if names else None


def layout_of(rows: Rows) -> Layout:
    """Frames of doubles, little endian, one for each row."""
    frame_n = 8 * rows.rows_n
    moving = (*rows.accel[:3], *rows.gyro[:3])

    def counters(frames: Frames) -> Ints:
        values: Ints = _values(frames)[:, rows.counter].astype(np.int64)
        return values // rows.counter_step % (256 // rows.counter_step)

    counted = rows.counter_step > 0
    return Layout(
        frame_n=frame_n,
        framer=lambda counts: RowFrames(rows, counts),
        samples=lambda frames: _columns(frames, rows.signal),
        counters=counters if counted else None,
        modulus=256 // rows.counter_step if counted else 0,
        motion=(lambda frames: _columns(frames, moving)) if moving else None,
    )


def _values(frames: Frames) -> NDArray[np.float64]:
    """(frame, byte) -> (time, row)"""
    values: NDArray[np.float64] = np.ascontiguousarray(frames).view("<f8")
    return values


def _columns(frames: Frames, rows: tuple[int, ...]) -> Samples:
    return np.clip(_values(frames)[:, rows], -LIMIT, LIMIT).astype(np.float32)


class RowFrames:
    """Whole rows of doubles, as a library hands them over. A row whose counter is no whole number
    is dropped."""

    def __init__(self, rows: Rows, counts: Counts) -> None:
        self._rows, self._counts = rows, counts

    def feed(self, data: bytes) -> Frames:
        frame_n = 8 * self._rows.rows_n
        if len(data) % frame_n:
            self._counts.damaged_frames += 1
            return np.empty((0, frame_n), np.uint8)
        frames = np.frombuffer(data, np.uint8).reshape(-1, frame_n)
        if not self._rows.counter_step:
            return frames
        counter = _values(frames)[:, self._rows.counter]
        with np.errstate(invalid="ignore"):
            right = (counter == np.floor(counter)) & (counter >= 0) & (counter < 2**53)
        self._counts.damaged_frames += int((~right).sum())
        return frames if right.all() else frames[right]


class BoardPort:
    """A library's board as a `Port`: each arrival is a number of rows."""

    def __init__(self, board: Any, rows: Rows, what: str, error: type[Exception]) -> None:
        self._board, self._rows, self._what, self._error = board, rows, what, error

    def clock(self) -> float:
        return time.monotonic()

    def read(self, timeout_s: float) -> list[Arrival]:
        until_s = self.clock() + timeout_s
        while True:
            try:
                table = self._board.get_board_data()
            except self._error as error:
                raise self._lost(error) from error
            now_s = self.clock()
            if table.shape[1]:
                age_s = min(max(time.time() - table[self._rows.stamp, -1], 0.0), OLDEST_S)
                rows = np.ascontiguousarray(table.T, "<f8")
                return [Arrival(rows.tobytes(), now_s - float(age_s))]
            if now_s >= until_s:
                return []
            time.sleep(min(POLL_S, until_s - now_s))

    def write(self, data: bytes, line: str = "") -> None:
        try:
            if data == START:
                self._board.start_stream(max(1, round(BUFFER_S * self._rows.rate_hz)))
            elif data == STOP:
                self._board.stop_stream()
        except self._error as error:
            raise self._lost(error) from error

    def close(self) -> None:
        board, self._board = self._board, None
        if board is None:
            return
        try:
            board.release_session()
        except self._error:
            return

    def _lost(self, error: Exception) -> DeviceLost:
        return DeviceLost(
            f"{self._what} stopped ({reason(error)}): check that it is on and in reach."
        )


def reason(error: Exception) -> str:
    """The library's own word for what is wrong: "BOARD_NOT_READY_ERROR" as "board not ready"."""
    word = str(error).partition(":")[0].lower().replace("_", " ")
    return word.removesuffix(" error")


def prepare(library: Library, number: int, settings: Mapping[str, Any], what: str) -> Any:
    """The library's board, its session begun. Raises DeviceRefused with the library's reason."""
    params = library.params()
    for key, value in settings.items():
        setattr(params, key, value)
    board = library.board(number, params)
    try:
        board.prepare_session()
    except library.error as error:
        given = ", ".join(f"{key}={value}" for key, value in settings.items() if value)
        raise DeviceRefused(
            f"{library.title} cannot open {what} with {given or 'no settings'} ({reason(error)}): "
            f"check that it is on, and its address."
        ) from error
    return board


def wiring_of(rows: Rows, what: str, open_port: Callable[[], Port]) -> Wiring:
    """What a board of a library is to Flexor."""
    spec, motion, layout = spec_of(rows), motion_spec_of(rows), layout_of(rows)

    def begin(port: Ahead) -> None:
        port.write(START)
        until_s = port.clock() + FIRST_S
        while not port.peek(left_s := until_s - port.clock()):
            if left_s <= 0:
                raise DeviceTimeout(f"{what} sent nothing within {FIRST_S:g} s: {MEND}.")

    return Wiring(
        what=what,
        spec=spec,
        open=lambda: Ahead(open_port()),
        begin=lambda opened: begin(cast("Ahead", opened)),
        end=lambda port: port.write(STOP),
        parser=lambda counts: Framed(layout, spec, counts, motion),
        motion_spec=motion,
        mend=MEND,
        counted=rows.counter_step > 0,
    )
