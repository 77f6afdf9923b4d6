"""Delsys Trigno: up to 16 wireless sensors, through the Trigno Control Utility (a Windows program).

Commands, muscles and motion have a TCP connection each. Facts: axopy/pytrigno@9f7a19f1,
LibEMG@285350e4 (_delsys_streamer.py); the period of 13.5 ms is that of the maker's guide (its
answer to FRAME INTERVAL?), and each rate is a whole number of samples in it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import cast

import numpy as np

from acquisition.framed import Framed, Layout, MotionTrack
from acquisition.port import Ahead, Arrival, Port, dial, read_until
from acquisition.sample_clock import SampleClock
from acquisition.sequence import Frames
from acquisition.stream import (
    Chunk,
    Counts,
    Device,
    DeviceRefused,
    DeviceTimeout,
    Refused,
    Samples,
    Spec,
)
from acquisition.wire import Lasting, Wired, Wiring
from acquisition.words import split_argument

COMMAND_PORT, EMG_PORT, AUX_PORT = 50040, 50043, 50044
SLOTS = range(1, 17)
EMG_FRAME_N, AUX_FRAME_N = 16 * 4, 16 * 9 * 4
PERIOD_S = 0.0135
"""The utility sends so often: rate x period samples of each sensor, two of its motion."""
RATES_HZ = tuple(n / PERIOD_S for n in (15, 17, 26, 27, 29))
"""1111.11, 1259.26, 1925.93, 2000 and 2148.15 Hz, by the sensors' mode"""
AUX_HZ = 2 / PERIOD_S
END = b"\r\n\r\n"
FULL_UV = 11_000.0
STEP_UV = 1e6 * 2.0**-22
"""0.24 uV. The stream is in floats and has no counts; the converter's are no finer (22 mV over 16
bits are 0.34 uV)."""
REPLY_S, FIRST_S, LISTEN_S = 3.0, 6.0, 0.1
"""The first samples come some two seconds after the start."""
RATE_SHARE = 0.028
"""1925.93 and 2000 Hz differ by 3.8 %."""
MOTION_AXES = tuple(
    f"{kind}{{slot}}_{axis}_{unit}"
    for kind, unit in (("accel", "g"), ("gyro", "deg_s"), ("mag", "ut"))
    for axis in "xyz"
)


class Instants:
    """Cuts a connection into frames of a fixed length, from its first byte on. TCP loses nothing on
    the way and nothing in the stream marks a frame, so there is nothing to search for."""

    def __init__(self, frame_n: int) -> None:
        self._frame_n, self._rest = frame_n, b""

    def feed(self, data: bytes) -> Frames:
        held = self._rest + data
        whole_n = len(held) // self._frame_n * self._frame_n
        self._rest = held[whole_n:]
        return np.frombuffer(held[:whole_n], np.uint8).reshape(-1, self._frame_n)


def microvolts(frames: Frames, slots: tuple[int, ...], counts: Counts) -> Samples:
    """(frame, byte) -> (time, channel). Floats beyond the sensors' range (not a number among them)
    are given as its end, where they count as clipped; their frames count as damaged."""
    with np.errstate(invalid="ignore"):  # some of what is not a number cannot even be converted
        values = frames.view("<f4")[:, np.array(slots) - 1].astype(np.float64) * 1e6
    wild = ~(np.abs(values) <= FULL_UV)
    if wild.any():
        counts.damaged_frames += int(wild.any(axis=1).sum())
        values[wild] = FULL_UV
    return values.astype(np.float32)


class TrignoParser:
    """Muscles and motion, each from its own connection."""

    def __init__(
        self, slots: tuple[int, ...], spec: Spec, motion_spec: Spec | None, counts: Counts
    ) -> None:
        layout = Layout(
            frame_n=EMG_FRAME_N,
            framer=lambda _: Instants(EMG_FRAME_N),
            samples=lambda frames: microvolts(frames, slots, counts),
            granule=round(spec.rate_hz * PERIOD_S),
        )
        self._emg = Framed(layout, spec, counts)
        self._aux, self._aux_clock, self._aux_n = Instants(AUX_FRAME_N), SampleClock(AUX_HZ), 0
        self._motion = MotionTrack(motion_spec) if motion_spec else None
        self._columns = np.array(slots) - 1

    def feed(self, arrival: Arrival) -> list[Chunk]:
        if arrival.line == "emg":
            return self._emg.feed(arrival)
        if arrival.line == "aux" and self._motion is not None:
            frames = self._aux.feed(arrival.data)
            if len(frames):
                self._aux_n += len(frames)
                newest_s = self._aux_clock.stamp(self._aux_n, arrival.at_s)
                values = frames.view("<f4").reshape(len(frames), 16, 9)[:, self._columns]
                rows = np.nan_to_num(values.reshape(len(frames), -1), posinf=0.0, neginf=0.0)
                self._motion.add(rows, newest_s)
        return []

    def take_motion(self) -> list[Chunk]:
        return self._motion.take() if self._motion is not None else []


def read_slots(text: str) -> tuple[int, ...]:
    """The numbers in "1-4+7", in order. Refuses others than 1 to 16, and none at all."""
    slots: set[int] = set()
    try:
        for part in text.split("+"):
            first, _, last = part.partition("-")
            slots |= set(range(int(first), int(last or first) + 1))
    except ValueError:
        slots = set()
    if not slots or not slots <= set(SLOTS):
        raise Refused(f'sensors are numbers from 1 to 16, e.g. sensors=1-4+7, not "{text}".')
    return tuple(sorted(slots))


def rate_of(rate_hz: float) -> float:
    """The sensors' rate nearest to what a person writes. Refuses what is none."""
    near = min(RATES_HZ, key=lambda rate: abs(rate - rate_hz))
    if abs(near - rate_hz) > 1:
        known = ", ".join(f"{rate:.6g}" for rate in RATES_HZ)
        raise Refused(f"rate is one of {known}, not {rate_hz:g}: the utility shows the sensors'.")
    return near


def open_delsys(
    argument: str = "",
    *,
    port: Callable[[], Port] | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Device:
    """The utility at "HOST,sensors=1-4,rate=1925.926"; without a host, on this computer. `sensors`
    are the slots to read, in microvolts; with motion=yes also their acceleration, turn rate and
    magnetic field. Older sensors: emg_port=50041,motion=no.

    Refuses other settings, a utility that does not start, and sensors that send only zeros.
    """
    defaults: dict[str, int | float | str | bool] = {
        "sensors": "1-16",
        "rate": RATES_HZ[2],
        "motion": True,
        "port": COMMAND_PORT,
        "emg_port": EMG_PORT,
        "aux_port": AUX_PORT,
    }
    address, settings = split_argument(argument, defaults, "delsys")
    slots, rate_hz = read_slots(str(settings["sensors"])), rate_of(float(settings["rate"]))
    host = address or "localhost"
    what = f"the Trigno Control Utility at {host}"
    spec = Spec(rate_hz, tuple(f"emg{slot}" for slot in slots), "uV", STEP_UV, FULL_UV)
    lines = {"": int(settings["port"]), "emg": int(settings["emg_port"])}
    motion_spec = None
    if settings["motion"]:
        lines["aux"] = int(settings["aux_port"])
        names = tuple(axis.format(slot=slot) for slot in slots for axis in MOTION_AXES)
        motion_spec = Spec(AUX_HZ, names, "named")

    def open_lines() -> Port:
        return port() if port else dial(host, lines, "the Trigno Control Utility")

    wiring = Wiring(
        what=what,
        spec=spec,
        open=lambda: Ahead(open_lines()),
        begin=lambda opened: _begin(cast("Ahead", opened), what, slots),
        end=lambda opened: opened.write(b"STOP" + END),
        parser=lambda counts: TrignoParser(slots, spec, motion_spec, counts),
        motion_spec=motion_spec,
        mend="check that the base is plugged in and that the program runs",
        rate_share=RATE_SHARE,
        counted=False,
    )
    return Lasting(Wired(wiring), clock, sleep)


def _begin(opened: Ahead, what: str, slots: tuple[int, ...]) -> None:
    """The data connections are open by now, as they must be before START."""
    if read_until(opened, END, REPLY_S) is None:
        raise DeviceTimeout(
            f"{what} did not greet within {REPLY_S:g} s: check the port, and close other programs "
            f"that read the sensors."
        )
    opened.write(b"START" + END)
    reply = read_until(opened, END, REPLY_S)
    if reply is None or not reply.startswith(b"OK"):
        said = f'said "{reply.decode("latin-1").strip()}"' if reply else "said nothing"
        raise DeviceRefused(
            f"{what} {said} to START: pair the sensors, switch them on, and start it again."
        )
    _refuse_silent(opened, what, slots)


def _refuse_silent(opened: Ahead, what: str, slots: tuple[int, ...]) -> None:
    """Looks at the first samples: an unpaired slot sends zeros, and a sensor never only zeros."""
    end_s, heard = opened.clock() + FIRST_S, b""
    while (left_s := end_s - opened.clock()) > 0:
        data = opened.peek(left_s, "emg")
        if data and not heard:
            end_s = opened.clock() + LISTEN_S
        heard += data
    if not heard:
        raise DeviceTimeout(f"{what} sent no samples within {FIRST_S:g} s: switch the sensors on.")
    frames = Instants(EMG_FRAME_N).feed(heard)
    alive = frames.view("<f4").any(axis=0)
    dead = [slot for slot in slots if not alive[slot - 1]]
    if dead:
        there = [str(slot) for slot in SLOTS if alive[slot - 1]]
        mend = f"choose sensors={'+'.join(there)}" if there else "pair them and switch them on"
        raise DeviceRefused(
            f"Sensors {', '.join(map(str, dead))} of {what} send only zeros, as unpaired ones do: "
            f"{mend}."
        )
