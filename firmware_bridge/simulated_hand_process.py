"""The process of the simulated hand: a pseudo-terminal around the simulated microcontroller.

Standard library only, about 10 MB. Reads JSON lines on stdin (faults, trace), answers each with
one line on stdout, ends at the end of stdin or with its parent.
"""

from __future__ import annotations

import json
import os
import select
import time
import tty
from array import array
from dataclasses import dataclass, field
from typing import Any

from firmware_bridge import simulated_mcu as model
from firmware_bridge.link import DOF_N
from firmware_bridge.simulated_mcu import Joints, Mcu

TRACE_MS = 5
TRACE_ROWS_N = 24_000
"""Two minutes at TRACE_MS, 4 MB; older rows go first."""
ROW_N = 2 + 4 * DOF_N
"""Clock, state, then positions, velocities, commanded counts and torques of the joints."""
READ_N = 4096
MCU_FAULTS = {
    "nack": "refuses",
    "over_current": "over_current",
    "button": "pressed",
    "low_battery": "low_battery",
    "brown_out": "brown_out",
}
SENSED_FAULTS = {"current": "current_ma", "temperature": "temperature_c"}
LINE_FAULTS = {"dead": "dead", "garble": "garble", "delay": "delay_s", "corrupt": "corrupt"}
"""Fault -> what it sets; the parent's FAULTS tells what the values mean."""


@dataclass(slots=True)
class Shell:
    """The pseudo-terminal, what is wrong with the line, and what has happened."""

    mcu: Mcu
    boot_s: float
    master: int | None
    slave: int | None
    dead: bool = False
    garble: bool = False
    delay_s: float = 0.0
    corrupt: float = 0.0
    noise: int = 1
    """State of the noise that damages bytes."""
    outbox: list[tuple[float, bytes]] = field(default_factory=list)
    trace: array[float] = field(default_factory=lambda: array("d"))
    traced: tuple[int, int] = (-TRACE_MS, -1)
    """Millisecond and state of the newest row."""


def main(settings: dict[str, Any]) -> None:
    """Serves until stdin ends. `settings` are the fields of Joints, and the bytes of the CRC."""
    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    crc_n = settings.pop("crc_n")
    shell = Shell(Mcu(Joints(**settings)), time.monotonic(), master, slave)
    shell.mcu.rx.crc_n = crc_n
    _say({"url": os.ttyname(slave)})
    poller = select.poll()
    poller.register(0, select.POLLIN)
    poller.register(master, select.POLLIN)
    parent = os.getppid()
    orders = b""
    while os.getppid() == parent:
        ready = dict(poller.poll(_sleep_ms(shell)))
        _advance(shell)
        if shell.master in ready:
            _hear(shell, os.read(master, READ_N))
        _flush(shell)
        if 0 in ready:
            data = os.read(0, READ_N)
            if not data:
                return
            *lines, orders = (orders + data).split(b"\n")
            for line in lines:
                _obey(shell, json.loads(line), poller)


def _say(answer: dict[str, Any]) -> None:
    os.write(1, json.dumps(answer).encode() + b"\n")


def _now_ms(shell: Shell) -> int:
    return int((time.monotonic() - shell.boot_s) * 1000)


def _sleep_ms(shell: Shell) -> int:
    """Until the next telemetry, or the next delayed reply."""
    wait_ms = max(1, model.TELEM_MS - (_now_ms(shell) - shell.mcu.telem_ms))
    if shell.outbox:
        wait_ms = min(wait_ms, int((shell.outbox[0][0] - time.monotonic()) * 1000) + 1)
    return max(1, wait_ms)


def _advance(shell: Shell) -> None:
    now_ms = _now_ms(shell)
    mcu = shell.mcu
    while mcu.now_ms < now_ms:
        _post(shell, model.advance(mcu, mcu.now_ms + 1))
        _record(shell)


def _record(shell: Shell) -> None:
    mcu = shell.mcu
    traced_ms, state = shell.traced
    if mcu.state == state and mcu.now_ms - traced_ms < TRACE_MS:
        return
    shell.traced = (mcu.now_ms, mcu.state)
    clock_s = shell.boot_s + mcu.now_ms / 1000
    row = (*mcu.position_deg, *mcu.velocity_deg_s, *mcu.counts, *mcu.torque)
    shell.trace.extend((clock_s, mcu.state, *row))
    if len(shell.trace) > 2 * TRACE_ROWS_N * ROW_N:
        del shell.trace[: TRACE_ROWS_N * ROW_N]


def _hear(shell: Shell, data: bytes) -> None:
    if not shell.dead:
        _post(shell, model.receive(shell.mcu, _damaged(shell, data), shell.mcu.now_ms))
        _record(shell)


def _post(shell: Shell, data: bytes) -> None:
    if data and not shell.dead:
        if shell.garble:
            data = bytes(byte ^ 0x5A for byte in data)
        shell.outbox.append((time.monotonic() + shell.delay_s, _damaged(shell, data)))


def _damaged(shell: Shell, data: bytes) -> bytes:
    """With the probability `corrupt` per byte, one bit is turned."""
    if not shell.corrupt:
        return data
    damaged = bytearray(data)
    for i in range(len(damaged)):
        # The generator of MINSTD (Park and Miller 1988): importing random costs 1 MB.
        shell.noise = shell.noise * 48271 % 0x7FFFFFFF
        if shell.noise < shell.corrupt * 0x7FFFFFFF:
            damaged[i] ^= 1 << (shell.noise & 7)
    return bytes(damaged)


def _flush(shell: Shell) -> None:
    while shell.outbox and shell.outbox[0][0] <= time.monotonic():
        data = shell.outbox.pop(0)[1]
        if shell.master is not None:
            try:
                os.write(shell.master, data)
            except BlockingIOError:
                continue  # nobody reads: a serial line forgets too


def _obey(shell: Shell, order: dict[str, Any], poller: select.poll) -> None:
    """Does what one line from the parent asks, and answers it with one line."""
    what, value = order["do"], order["value"]
    answer = {}
    if what == "trace":
        rows = shell.trace.tolist()
        answer["rows"] = [rows[i : i + ROW_N] for i in range(0, len(rows), ROW_N)]
    elif what == "unplug":
        _unplug(shell, poller)
    elif what == "estop":
        model.press_emergency_stop(shell.mcu)
    elif what == "reboot":
        old = shell.mcu
        shell.mcu = Mcu(old.joints, now_ms=old.now_ms, position_udeg=old.position_udeg)
        shell.mcu.rx.crc_n = old.rx.crc_n
    elif what == "stall":
        shell.mcu.stalled = set(value)
    elif what in SENSED_FAULTS:
        setattr(shell.mcu, SENSED_FAULTS[what], [int(value)] * DOF_N)
    elif what in MCU_FAULTS:
        setattr(shell.mcu, MCU_FAULTS[what], value)
    else:
        setattr(shell, LINE_FAULTS[what], value)
    _record(shell)
    _say(answer)


def _unplug(shell: Shell, poller: select.poll) -> None:
    if shell.master is not None and shell.slave is not None:
        poller.unregister(shell.master)
        os.close(shell.master)
        os.close(shell.slave)
        shell.master = shell.slave = None
