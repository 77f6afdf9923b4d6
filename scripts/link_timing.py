"""What the link costs: a frame's bytes, and the way to a hand and back; writes its figures.

scripts/link_timing.py [SECONDS]         (20 s for each hand; needs gcc)
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from collections.abc import Callable
from pathlib import Path

import figures
import numpy as np

from firmware_bridge import link
from firmware_bridge import session as sessions
from firmware_bridge.hands import open_hand
from firmware_bridge.link import Deframer
from firmware_bridge.safety_state import Do, Output
from firmware_bridge.serial_link import SerialLink

OUT = Path(__file__).resolve().parents[1] / "docs" / "figures" / "link-timing.json"
PERIOD_S = 0.010
FRAMES_N = 20_000
COUNTS = (100, 200, -300, 400, 500, -1000)


def main() -> None:
    """Measures, and renders the page."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    rows = [
        row("setpoint to bytes", cost_s(encode), 1e6, "us"),
        row("bytes to setpoint", cost_s(decode), 1e6, "us"),
    ]
    for word in ("simulated", "firmware"):
        times_s = round_trips_s(word, seconds)
        rows.append(row(f"setpoint to telemetry at 100 Hz, {word}", times_s, 1e3, "ms"))
    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    record = {"command": f"scripts/link_timing.py ({load})", "commit": figures.commit()}
    text = json.dumps({**record, "machine": figures.machine(), "figures": {"rows": rows}}, indent=2)
    OUT.write_text(text + "\n")
    figures.render()
    for figure in rows:
        print(figure)


def row(what: str, times_s: list[float], scale: float, unit: str) -> dict[str, object]:
    """A row of the page."""
    p50, p99 = (float(np.quantile(times_s, share)) * scale for share in (0.5, 0.99))
    return {"what": what, "n": len(times_s), "unit": unit, "p50": p50, "p99": p99}


def cost_s(work: Callable[[int], object]) -> list[float]:
    """Seconds of each call."""
    times_s = []
    for number in range(1, FRAMES_N + 1):
        begun_s = time.perf_counter()
        work(number)
        times_s.append(time.perf_counter() - begun_s)
    return times_s


def encode(number: int) -> bytes:
    return link.pack_setpoint(0xBEEF, number & 0xFFFF, number, 2, 75, COUNTS)


_WIRES = [encode(number) for number in range(FRAMES_N + 1)]
_RX = Deframer(0xBEEF, 0)


def decode(number: int) -> link.Setpoint:
    (frame,) = link.receive(_RX, _WIRES[number])
    return link.unpack_setpoint(frame.payload)


def round_trips_s(word: str, seconds: float) -> list[float]:
    """From sending a setpoint to having its telemetry, armed, 100 times a second."""
    opened = open_hand(word)
    if not isinstance(opened, SerialLink):
        raise TypeError(f"{word} speaks another link")
    with opened:
        opened.wait_connected()
        opened.send(Output(Do.ARM), time.monotonic())
        port, session, times_s = opened.port, opened.session, []
        next_s = time.monotonic()
        for _ in range(int(seconds / PERIOD_S)):
            next_s += PERIOD_S
            time.sleep(max(0.0, next_s - time.monotonic()))
            opened.poll(time.monotonic())
            sent_s = time.monotonic()
            data = sessions.setpoint(session, 2, 150, COUNTS, sent_s)
            os.write(port.fileno(), data)  # as SerialLink writes
            wanted = session.seq
            while session.confirmed_seq != wanted:
                select.select([port], [], [], 0.1)
                sessions.hear(session, port.read(port.in_waiting), time.monotonic())
            times_s.append(time.monotonic() - sent_s)
        opened.send(Output(Do.DISARM), time.monotonic())
    return times_s


if __name__ == "__main__":
    main()
