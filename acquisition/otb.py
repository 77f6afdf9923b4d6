"""What all devices of OT Bioelettronica share: frames of words with a ramp, units, a checksum.

Facts: OTBioelettronica/OTB-Python@381a138d, OTBioelettronica/OTB-Matlab@58d23e94. No device of the
family was at hand: bytes are those that the maker's own scripts and LibEMG send and accept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain, repeat
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from acquisition.framed import Framed, Layout
from acquisition.port import Ahead, Port, await_call
from acquisition.ramp import Ramped, ramp_of
from acquisition.sequence import Frames
from acquisition.stream import Counts, DeviceRefused, DeviceTimeout, Samples, Spec
from acquisition.wire import Wiring

PROBE_UV = 0.2861
"""Sessantaquattro, Muovi and Muovi+: microvolts per count of 16 bits, in the maker's scripts."""
DUE_UV = 0.249
"""Due+ and Quattro+"""
MOTION_HZ = 62.5
"""The orientation comes with each sample and changes slowly. Kept is that of each frame whose ramp
is a multiple of rate / 62.5: a power of two, so that it stays even where the ramp wraps."""
FIRST_S = 3.0
"""A device that was told to start has sent something by then."""
CALL_S, CALL_AGAIN_S = 10.0, 1.8
"""Devices call about once a second. Later a person may want to end it meanwhile."""
ANYWHERE = "0.0.0.0"  # noqa: S104 - the device calls from its own Wi-Fi, address unknown


@dataclass(frozen=True)
class Words:
    """A frame: one word for each channel, all of one instant."""

    total_n: int
    emg: tuple[tuple[int, int], ...]
    """(first word, how many) of each block of muscle channels"""
    ramps: tuple[int, ...]
    """words that count samples; the device's own is the last"""
    quaternions: tuple[int, ...] = ()
    """first of four words each"""
    trigger: int | None = None
    """word whose sign bit is the trigger input"""
    width: int = 2
    """bytes of a word"""
    big: bool = True

    @property
    def frame_n(self) -> int:
        return self.total_n * self.width

    @property
    def emg_n(self) -> int:
        return sum(n for _, n in self.emg)

    @property
    def ramp_bytes(self) -> tuple[int, ...]:
        """First bytes of the ramps' low 16 bits."""
        return tuple(word * self.width + (self.width - 2) * self.big for word in self.ramps)


def probe_words(emg_n: int, aux_n: int = 0, width: int = 2, *, quaternion: bool = True) -> Words:
    """A Muovi's frame, and with `aux_n` a Sessantaquattro's: EMG, AUX, quaternion, buffer, ramp.
    The sign bit of the buffer's word is the trigger."""
    turns = emg_n + aux_n
    buffer = turns + 4 * quaternion
    return Words(
        buffer + 2, ((0, emg_n),), (buffer + 1,), (turns,) * quaternion, buffer, width, True
    )


def values(frames: Frames, first: int, n: int, words: Words) -> NDArray[Any]:
    """(frame, n) integers from word `first` of (frame, byte) frames; a view where it can be."""
    part = frames[:, first * words.width : (first + n) * words.width]
    if words.width == 2:
        return part.view(">i2" if words.big else "<i2")
    wide = np.zeros((len(frames), n, 4), np.uint8)
    wide[:, :, 1:] = part.reshape(len(frames), n, 3)[:, :, ::-1]
    return wide.view("<i4")[:, :, 0] >> 8


def scaled(frames: Frames, words: Words, scale: float) -> Samples:
    """(frame, byte) -> (time, channel) in the unit of `scale`."""
    out = np.empty((len(frames), words.emg_n), np.float32)
    at = 0
    for first, n in words.emg:
        counts = values(frames, first, n, words)
        np.multiply(counts, scale, out=out[:, at : at + n], dtype=np.float64, casting="unsafe")
        at += n
    return out


def quaternions(frames: Frames, words: Words) -> Samples:
    """(frame, 4 for each) unit quaternions w, x, y, z; zeros where the device sends none.

    Their scale is not documented; that of a unit quaternion follows from its length.
    """
    parts = []
    for first in words.quaternions:
        raw = values(frames, first, 4, words).astype(np.float64)
        length = np.linalg.norm(raw, axis=1, keepdims=True)
        parts.append(np.divide(raw, length, out=np.zeros_like(raw), where=length > 0))
    turns: Samples = np.concatenate(parts, axis=1).astype(np.float32)
    return turns


def spec_of(words: Words, rate_hz: float, scale: float = PROBE_UV) -> Spec:
    """Microvolts from 16 bits; raw from 24, whose scale the public sources contradict."""
    names = tuple(f"emg{i}" for i in range(1, words.emg_n + 1))
    if words.width == 3:
        return Spec(rate_hz, names, "raw", 1.0, 2.0**23 - 1)
    return Spec(rate_hz, names, "uV", scale, 32767 * scale)


def motion_spec_of(words: Words) -> Spec | None:
    many = len(words.quaternions) > 1
    names = [
        f"quat{i if many else ''}_{axis}"
        for i in range(1, len(words.quaternions) + 1)
        for axis in "wxyz"
    ]
    return Spec(MOTION_HZ, tuple(names), "named") if names else None


def layout_of(words: Words, spec: Spec) -> Layout:
    def trigger(frames: Frames) -> NDArray[np.bool_]:
        high: NDArray[np.bool_] = frames[:, cast("int", words.trigger) * words.width] >= 0x80
        return high

    return Layout(
        frame_n=words.frame_n,
        framer=lambda counts: ramped(words, counts),
        samples=partial(scaled, words=words, scale=spec.scale),
        counters=lambda frames: ramp_of(frames, words.ramp_bytes[-1], big=words.big),
        modulus=65536,
        motion=partial(quaternions, words=words) if words.quaternions else None,
        motion_every=round(spec.rate_hz / MOTION_HZ),
        trigger=None if words.trigger is None else trigger,
    )


def ramped(words: Words, counts: Counts) -> Ramped:
    return Ramped(words.frame_n, words.ramp_bytes, counts, big=words.big)


def wiring_of(
    what: str,
    words: Words,
    spec: Spec,
    port: Callable[[], Port],
    go: Callable[[Ahead], None],
    stop: bytes,
    others: Mapping[str, Words],
    mend: str,
) -> Wiring:
    """How a device of the family is opened, begun and ended. `go` starts it; `others`: what else
    may be there, source -> frames."""

    def begin(opened: Port) -> None:
        ahead = cast("Ahead", opened)
        go(ahead)
        refuse_other_frames(ahead, words, what, others, mend)

    layout, motion = layout_of(words, spec), motion_spec_of(words)
    return Wiring(
        what=what,
        spec=spec,
        open=lambda: Ahead(port()),
        begin=begin,
        end=lambda opened: opened.write(stop),
        parser=lambda counts: Framed(layout, spec, counts, motion),
        motion_spec=motion,
        mend=mend,
    )


def refuse_other_frames(
    opened: Ahead, words: Words, what: str, others: Mapping[str, Words], mend: str
) -> None:
    """Refuses a device whose frames are not `words`, naming the source that fits among `others`."""
    ours = ramped(words, Counts())
    theirs = {name: ramped(other, Counts()) for name, other in others.items()}
    end_s, heard_n = opened.clock() + FIRST_S, 0
    while (left_s := end_s - opened.clock()) > 0:
        data = opened.peek(left_s)
        heard_n += len(data)
        if len(ours.feed(data)):
            return
        for name, other in theirs.items():
            if len(other.feed(data)):
                raise DeviceRefused(
                    f"What sends to {what} has {others[name].total_n} channels in a frame, and "
                    f"{words.total_n} were expected: it is a {name}, open that instead."
                )
    if not heard_n:
        raise DeviceTimeout(f"{what} was told to start and sent nothing: {mend}.")
    raise DeviceRefused(
        f"What sends to {what} does not count its samples in frames of {words.total_n} channels, "
        f"as it must: check the model and its settings, and restart the device."
    )


def caller(
    port: Callable[[], Port] | None, number: int, what: str, address: str
) -> Callable[[], Port]:
    """Opens what a device calls: a TCP port of ours at `address`, or `port` in its stead. The first
    time it waits longer, as a person may be switching the device on."""
    waits_s = chain([CALL_S], repeat(CALL_AGAIN_S))
    return port or (lambda: await_call(number, what, address or ANYWHERE, next(waits_s)))


def crc8(data: bytes) -> int:
    """CRC-8/MAXIM: polynomial 0x31 reflected, from 0. "123456789" gives A1."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x8C if crc & 1 else 0)
    return crc
