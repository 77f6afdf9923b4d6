"""Intan RHD and RHS amplifiers through the RHX program: commands and waveforms over TCP.

Facts: Intan-Technologies/Intan-RHX@a121e798 (tcpdataoutputthread.cpp), python-intan@b0aa832c.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import partial
from typing import cast

import numpy as np
from numpy.typing import NDArray

from acquisition.framed import Framed, Layout
from acquisition.framing import Marked
from acquisition.port import Ahead, Port, dial
from acquisition.sequence import Frames, Ints
from acquisition.stream import (
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

COMMAND_PORT, WAVE_PORT = 5000, 5001
MAGIC = np.frombuffer((0x2EF07A08).to_bytes(4, "little"), np.uint8)
BLOCK_N = 128
"""samples of each channel in a block"""
COUNT_UV, MIDDLE = 0.195, 32768
REPLY_S, FIRST_S, QUIET_S = 3.0, 3.0, 0.05
MODULUS = 2**32 // BLOCK_N
"""Blocks until the time stamps of 32 bits wrap: 40 hours at 30 kHz."""


def frame_n_of(channels_n: int) -> int:
    return 4 + BLOCK_N * (4 + 2 * channels_n)


def looks_right(frames: Frames) -> NDArray[np.bool_]:
    """(frame,): begins with the magic number."""
    right: NDArray[np.bool_] = (frames[:, :4] == MAGIC).all(axis=1)
    return right


def _rows(frames: Frames) -> Frames:
    """(frame, byte) -> (frame, sample, byte)"""
    return frames[:, 4:].reshape(len(frames), BLOCK_N, (frames.shape[1] - 4) // BLOCK_N)


def stamps(frames: Frames) -> Ints:
    """(frame, sample) numbers of the samples since the start."""
    return _rows(frames)[:, :, :4].view("<u4")[:, :, 0].astype(np.int64)


def microvolts(frames: Frames) -> Samples:
    """(frame, byte) -> (time, channel)"""
    counts = _rows(frames)[:, :, 4:].view("<u2")
    centred = counts.reshape(-1, counts.shape[2]).astype(np.float64) - MIDDLE
    return (centred * COUNT_UV).astype(np.float32)


class Blocks:
    """Blocks by their magic number. One within which the time stamps do not follow is dropped."""

    def __init__(self, frame_n: int, counts: Counts) -> None:
        self._marked, self._counts = Marked(frame_n, looks_right, counts), counts

    def feed(self, data: bytes) -> Frames:
        frames = self._marked.feed(data)
        whole = (np.diff(stamps(frames), axis=1) & 0xFFFFFFFF == 1).all(axis=1)
        if whole.all():
            return frames
        self._counts.damaged_frames += int((~whole).sum())
        good: Frames = frames[whole]
        return good


def read_channels(text: str) -> tuple[str, ...]:
    """The channels in "a-000..a-007+b-003", in the order in which RHX sends them, which is not that
    in which they are named. Refuses what is not written so."""
    names: list[str] = []
    for part in text.lower().split("+"):
        ends = [re.fullmatch(r"([a-h])-(\d{3})", end) for end in part.split("..")]
        if not 1 <= len(ends) <= 2 or None in ends:
            names = []
            break
        (bank, first), (other, last) = (cast("re.Match[str]", ends[i]).groups() for i in (0, -1))
        names += [f"{bank}-{n:03d}" for n in range(int(first), int(last) + 1) if bank == other]
    if not names or len(set(names)) != len(names):
        raise Refused(
            f'channels are named as in RHX, e.g. channels=a-000..a-007+b-000, not "{text}".'
        )
    return tuple(sorted(names))


def open_intan(
    argument: str = "",
    *,
    port: Callable[[], Port] | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Device:
    """RHX at "HOST,channels=a-000..a-007,rate=20000"; without a host, on this computer. Wideband
    samples in microvolts, at the rate that was chosen when RHX was started.

    Refuses another rate than RHX has, channels that it does not know, and RHX without its sockets.
    """
    defaults: dict[str, int | float | str | bool] = {
        "channels": "a-000..a-007",
        "rate": 20000.0,
        "port": COMMAND_PORT,
        "wave_port": WAVE_PORT,
    }
    address, settings = split_argument(argument, defaults, "intan")
    channels, rate_hz = read_channels(str(settings["channels"])), float(settings["rate"])
    host = address or "localhost"
    lines = {"": int(settings["port"]), "wave": int(settings["wave_port"])}
    names = tuple(f"emg{i}" for i in range(1, len(channels) + 1))
    spec = Spec(rate_hz, names, "uV", COUNT_UV, (MIDDLE - 1) * COUNT_UV)
    frame_n = frame_n_of(len(channels))
    layout = Layout(
        frame_n=frame_n,
        framer=partial(Blocks, frame_n),
        samples=microvolts,
        samples_per_frame=BLOCK_N,
        counters=lambda frames: stamps(frames)[:, 0] // BLOCK_N,
        modulus=MODULUS,
    )
    wiring = Wiring(
        what=f"RHX at {host}",
        spec=spec,
        open=lambda: Ahead(port() if port else _dial(host, lines)),
        begin=lambda opened: _begin(cast("Ahead", opened), host, channels, rate_hz),
        end=lambda opened: opened.write(b"set runmode stop"),
        parser=lambda counts: Framed(layout, spec, counts),
        mend="check that it still runs, and its amplifier's cable",
    )
    return Lasting(Wired(wiring), clock, sleep)


def _dial(host: str, lines: dict[str, int]) -> Port:
    try:
        return dial(host, lines, "RHX")
    except DeviceRefused as error:
        raise DeviceRefused(
            f"RHX does not listen at {host}, ports {' and '.join(map(str, lines.values()))}: start "
            f"it, open Network > Remote TCP Control, and press Connect for commands and waveforms."
        ) from error


def _begin(opened: Ahead, host: str, channels: tuple[str, ...], rate_hz: float) -> None:
    """Stops what runs, checks the rate, asks for the channels, and starts."""
    mode, _ = _ask(opened, host, "RunMode")
    if mode.lower() != "stop":
        _ask(opened, host, "RunMode", "set runmode stop")
    found, _ = _ask(opened, host, "SampleRateHertz")
    if not found.isdecimal() or abs(float(found) - rate_hz) > 0.5:
        raise DeviceRefused(
            f"RHX measures at {found} Hz and rate={rate_hz:g} was asked for: write rate={found}, "
            f"or start RHX at another rate."
        )
    orders = ["execute clearalldataoutputs", "set tcpnumberdatablocksperwrite 1"]
    orders += [f"set {name}.tcpdataoutputenabled true" for name in channels]
    # Nothing answers an order that was obeyed; what comes before the answer are complaints.
    _, complaint = _ask(opened, host, "RunMode", *orders)
    if complaint:
        raise DeviceRefused(
            f'RHX did not take channels={"+".join(channels)} ("{complaint}"): choose channels that '
            f"it shows."
        )
    opened.forget()
    opened.write(b"set runmode run")
    _refuse_other_blocks(opened, len(channels))


def _ask(opened: Ahead, host: str, key: str, *orders: str) -> tuple[str, str]:
    """(the value that RHX gives for `key`, what it said besides), after `orders`. All go out at
    once: only semicolons part commands, and TCP joins what is written soon after each other."""
    opened.write(";".join([*orders, f"get {key.lower()}"]).encode())
    end_s, heard = opened.clock() + REPLY_S, ""
    answer = None
    while (left_s := end_s - opened.clock()) > 0:
        more = opened.peek(QUIET_S if answer else left_s).decode("latin-1")
        # Nothing marks the end of an answer: it is whole when nothing follows it.
        if answer and not more:
            return answer[1], (heard[: answer.start()] + heard[answer.end() :]).strip()
        heard += more
        answer = re.search(rf"Return: {key} (\w+)(?:\.0*)?\s*", heard, re.IGNORECASE)
    if heard.strip():
        raise DeviceRefused(f'What answers at {host} is not RHX ("{heard.strip()[:60]}").')
    raise DeviceTimeout(
        f"RHX did not answer at {host} within {REPLY_S:g} s: press Connect in Network > Remote TCP "
        f"Control, and let no other program use it."
    )


def _refuse_other_blocks(opened: Ahead, channels_n: int) -> None:
    frame_n, magic = frame_n_of(channels_n), MAGIC.tobytes()
    end_s, heard = opened.clock() + FIRST_S, b""
    while (left_s := end_s - opened.clock()) > 0:
        heard += opened.peek(left_s, "wave")
        begin = heard.find(magic)
        if begin >= 0 and heard.startswith(magic, begin + frame_n):
            return
        following = heard.find(magic, begin + 4)
        if begin >= 0 and following >= 0:
            found_n = ((following - begin - 4) // BLOCK_N - 4) // 2
            raise DeviceRefused(
                f"RHX sends {found_n} channels and {channels_n} were asked for: switch off what "
                f"else it sends over TCP."
            )
    raise DeviceTimeout(
        f"RHX runs and sent no waveforms within {FIRST_S:g} s: press Connect for the waveform "
        f"socket too."
    )
