"""Devices of OT Bioelettronica: they hear their commands, and stream words with a ramp."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from acquisition import muovi, quattrocento, sessantaquattro, syncstation
from acquisition.emulators.twin import Counts, Pace, Said, Signal, Transport, pattern
from acquisition.otb import PROBE_UV, Words, crc8, spec_of
from acquisition.sequence import Frames

RAMP_FIRST = 65_400
"""A ramp that wraps soon shows who cannot follow it."""
UNIT = 16384
"""Of a quaternion: upright, w is one."""
TRIGGER_S = 0.1
"""So long the trigger stays high."""


class Order(NamedTuple):
    """What a command asks for."""

    go: bool
    words: Words | None = None
    """as they are, where None"""
    rate_hz: float = 0.0
    answer: bytes = b""


Heard = Callable[[bytes], tuple[Order | None, int]]
"""bytes so far -> (what they ask for, if anything; how many of them are done with)"""


class OtbTwin:
    """One device. A command sets its frames and rate, starts and stops it."""

    samples_per_frame = 1

    def __init__(
        self,
        transport: Transport,
        words: Words,
        rate_hz: float,
        heard: Heard,
        signal: Signal | None = None,
        *,
        scale: float = PROBE_UV,
        trigger_every_s: float = 0.0,
    ) -> None:
        self.transport, self._heard, self._given = transport, heard, signal
        self._trigger_every_s = trigger_every_s
        self.spec = spec_of(words, rate_hz, scale)
        self._scale, self._inside = scale, b""
        self._sent_n, self._pace = 0, Pace(1 / rate_hz)
        self._set(words, rate_hz)

    @property
    def signal(self) -> Signal:
        return self._signal

    @signal.setter
    def signal(self, signal: Signal) -> None:
        self._given = signal
        self._signal = _wide(signal, self._words.emg_n)

    @property
    def next_s(self) -> float:
        return self._pace.next_s

    @property
    def vital(self) -> bytes:
        at = self._words.ramp_bytes[-1]
        mask = bytearray(self._words.frame_n)
        mask[at : at + 2] = b"\xff\xff"
        return bytes(mask)

    def greet(self, now_s: float, line: str = "") -> list[Said]:
        """Whoever connects anew has to start it anew."""
        self._pace.stop()
        self._inside = b""
        return []

    def hear(self, data: bytes, now_s: float, line: str = "") -> list[Said]:
        self._inside += data
        out = []
        while self._inside:
            order, used_n = self._heard(self._inside)
            if not used_n:
                break
            self._inside = self._inside[used_n:]
            if order is not None:
                out += self._obey(order, now_s)
        return out

    def due(self, now_s: float) -> list[Said]:
        n = self._pace.due_n(now_s)
        if not n:
            return []
        first_n, self._sent_n = self._sent_n, self._sent_n + n
        data, size_n = self.frames(first_n, n).tobytes(), self._words.frame_n
        return [Said(data[k * size_n : (k + 1) * size_n], sample_n=first_n + k) for k in range(n)]

    def frames(self, first_n: int, n: int) -> Frames:
        """(frame, byte)"""
        words, order = self._words, ">" if self._words.big else "<"
        out = np.zeros((n, words.total_n), f"{order}i{2 if words.width == 2 else 4}")
        counts, at = self.signal(first_n, n), 0
        for first, many in words.emg:
            out[:, first : first + many] = counts[:, at : at + many]
            at += many
        numbers = np.arange(first_n, first_n + n)
        for word in words.ramps:
            out[:, word] = (numbers + RAMP_FIRST & 0xFFFF).astype(np.uint16).view(np.int16)
        for word in words.quaternions:
            out[:, word] = UNIT
        if words.trigger is not None and self._trigger_every_s:
            high = numbers / self._rate_hz % self._trigger_every_s
            lowest = -(1 << 8 * words.width - 1)
            out[:, words.trigger] = np.where(high >= self._trigger_every_s - TRIGGER_S, lowest, 0)
        raw = out.view(np.uint8)
        if words.width == 2:
            return raw
        return raw.reshape(n, words.total_n, 4)[:, :, 1:].reshape(n, words.frame_n)

    def _obey(self, order: Order, now_s: float) -> list[Said]:
        if not order.go:
            self._pace.stop()
        elif self._pace.next_s == np.inf:
            self._set(order.words or self._words, order.rate_hz or self._rate_hz)
            self._pace.start(now_s)
        return [Said(order.answer)] if order.answer else []

    def _set(self, words: Words, rate_hz: float) -> None:
        half = 1 << 8 * words.width - 1
        self.count_range = (-half, half - 1)
        self.spec = spec_of(words, rate_hz, self._scale)
        self._words, self._rate_hz, self._sent_n = words, rate_hz, 0
        self._pace = Pace(1 / rate_hz)
        given = self._given
        self._signal = _wide(given, words.emg_n) if given else pattern(words.emg_n, -half, half - 1)


def _wide(signal: Signal, channels_n: int) -> Signal:
    """A signal for as many channels as were ordered: its own ones repeat."""

    def take(first_n: int, n: int) -> Counts:
        counts = signal(first_n, n)
        return counts[:, np.arange(channels_n) % counts.shape[1]]

    return take


def sessantaquattro_twin(
    signal: Signal | None = None,
    *,
    model: str = "plus",
    channels: int = 64,
    rate: int = 2000,
    mode: str = "monopolar",
    bits: int = 16,
    trigger_every_s: float = 0.0,
) -> OtbTwin:
    """`model` is what it is; a command changes the other settings."""

    def heard(data: bytes) -> tuple[Order | None, int]:
        if len(data) < 2:
            return None, 0
        word = int.from_bytes(data[:2], "big")
        asked = word >> 8 & 7
        if asked >= len(sessantaquattro.MODES):
            return None, 2
        words = sessantaquattro.words_of(
            model,
            sessantaquattro.CHANNELS[word >> 11 & 3],
            sessantaquattro.MODES[asked],
            24 if word & 1 << 7 else 16,
        )
        rate_hz = float(sessantaquattro.RATES_HZ[word >> 13 & 3])
        return Order(bool(word & 1), words, rate_hz), 2

    return OtbTwin(
        Transport("call", {"": sessantaquattro.TCP_PORT}),
        sessantaquattro.words_of(model, channels, mode, bits),
        float(rate),
        heard,
        signal,
        trigger_every_s=trigger_every_s,
    )


def muovi_twin(
    signal: Signal | None = None, *, trigger_every_s: float = 0.0, name: str = "muovi"
) -> OtbTwin:
    def heard(data: bytes) -> tuple[Order | None, int]:
        kind = "emg" if data[0] & 8 else "eeg"
        rate_hz = muovi.SIGNALS[kind][0]
        return Order(bool(data[0] & 1), muovi.words_of(name, kind), rate_hz), 1

    return OtbTwin(
        Transport("call", {"": muovi.TCP_PORT}),
        muovi.words_of(name, "emg"),
        muovi.SIGNALS["emg"][0],
        heard,
        signal,
        trigger_every_s=trigger_every_s,
    )


def muovi_plus_twin(signal: Signal | None = None, *, trigger_every_s: float = 0.0) -> OtbTwin:
    return muovi_twin(signal, trigger_every_s=trigger_every_s, name="muovi_plus")


def syncstation_twin(signal: Signal | None = None, *, devices: str | int = "1") -> OtbTwin:
    """`devices` are those that are there at first; a command may name others."""

    def heard(data: bytes) -> tuple[Order | None, int]:
        size_n = data[0] // 2 + 2
        if len(data) < size_n:
            return None, 0
        body, check = data[: size_n - 1], data[size_n - 1]
        named = tuple((byte >> 4) + 1 for byte in body[1:])
        if crc8(body) != check:
            return None, size_n
        if not data[0] & 1:
            return Order(go=False), size_n
        return Order(True, syncstation.words_of(named), syncstation.RATE_HZ), size_n

    numbers = syncstation.read_devices(str(devices))
    return OtbTwin(
        Transport("listen", {"": syncstation.TCP_PORT}),
        syncstation.words_of(numbers),
        syncstation.RATE_HZ,
        heard,
        signal,
        scale=syncstation.scale_uv_of(numbers[0]),
    )


def quattrocento_twin(
    signal: Signal | None = None, *, channels: int = 408, rate: int = 2048
) -> OtbTwin:
    def heard(data: bytes) -> tuple[Order | None, int]:
        if len(data) < 40:
            return None, 0
        if crc8(data[:39]) != data[39]:
            return None, 40
        first = data[0]
        words = quattrocento.words_of(quattrocento.TOTALS[first >> 1 & 3])
        return Order(bool(first & 1), words, float(quattrocento.RATES_HZ[first >> 3 & 3])), 40

    return OtbTwin(
        Transport("listen", {"": quattrocento.TCP_PORT}),
        quattrocento.words_of(channels),
        float(rate),
        heard,
        signal,
        scale=quattrocento.COUNT_UV,
    )


def otb_light_twin(signal: Signal | None = None, *, rate: int = 2048) -> OtbTwin:
    """The program at the amplifier's computer."""
    orders = {
        quattrocento.LIGHT_START: Order(True, answer=quattrocento.LIGHT_ANSWER),
        quattrocento.LIGHT_STOP: Order(go=False),
    }

    def heard(data: bytes) -> tuple[Order | None, int]:
        for said, order in orders.items():
            if data.startswith(said):
                return order, len(said)
        waits = any(said.startswith(data) for said in orders)
        return None, 0 if waits else 1

    return OtbTwin(
        Transport("listen", {"": quattrocento.LIGHT_PORT}),
        quattrocento.words_of(quattrocento.TOTALS[-1]),
        float(rate),
        heard,
        signal,
        scale=quattrocento.COUNT_UV,
    )
