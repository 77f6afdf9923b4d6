"""A device behind a port as a source: how it is opened, begun, read, ended and taken up again."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from acquisition.framed import Parser
from acquisition.port import Port
from acquisition.stream import (
    Chunk,
    Counts,
    Device,
    DeviceError,
    DeviceLost,
    DeviceRefused,
    DeviceTimeout,
    Marker,
    Spec,
    empty_chunk,
)

SILENT_S = 2.0
"""A stream that says nothing for so long is over: asleep, out of reach, or stopped."""
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 8.0
"""Between two tries to connect again; doubled each time."""
RATE_SHARE = 0.10
"""By which a stream may be faster or slower than it was said to be."""
LOOKS_S = 1.8, 3.0
"""After so long that is looked at: found out within 2 s (science 5.3, fault 9), and what a device
may differ by less over more, of which 50 ms of jitter are a 60th."""
PAUSE_S = 0.3
"""A silence so long tells nothing of the rate."""


@dataclass(frozen=True)
class Wiring:
    """All that differs between one device and another."""

    what: str
    """for sentences: "OpenBCI Cyton at /dev/ttyUSB0" """
    spec: Spec
    open: Callable[[], Port]
    """raises DeviceRefused or DeviceTimeout"""
    begin: Callable[[Port], None]
    """asks who is there and starts the stream; raises DeviceRefused or DeviceTimeout"""
    end: Callable[[Port], None]
    """stops the stream"""
    parser: Callable[[Counts], Parser]
    motion_spec: Spec | None = None
    mend: str = "check its cable and its battery"
    """what to do when it is gone"""
    rate_share: float = RATE_SHARE
    """by which its rate may differ from the spec's"""
    counted: bool = True
    """whether it counts its frames: losses that arrivals tell may be a wrong rate instead"""


class Wired:
    """A source that reads a wiring. One stream from `start` to `stop` or to a DeviceLost."""

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring
        self._counts = Counts()
        self._port: Port | None = None
        self._parser: Parser = wiring.parser(self._counts)
        self._ready: list[Chunk] = []
        self._heard_s = 0.0
        self._first_s: float | None = None
        self._seen_n, self._looks_n = 0, 0
        self._came_s = 0.0

    @property
    def spec(self) -> Spec:
        return self.wiring.spec

    @property
    def motion_spec(self) -> Spec | None:
        return self.wiring.motion_spec

    @property
    def counts(self) -> Counts:
        return self._counts

    @property
    def battery_share(self) -> float | None:
        """0 .. 1 of the sensor's battery; None where it does not report it."""
        share: float | None = getattr(self._parser, "battery_share", None)
        return share

    def start(self) -> None:
        port = self.wiring.open()
        try:
            self.wiring.begin(port)
        except BaseException:
            port.close()
            raise
        self._port, self._parser = port, self.wiring.parser(self._counts)
        self._ready, self._first_s, self._seen_n, self._looks_n = [], None, 0, 0
        self._heard_s = port.clock()

    def read(self, timeout_s: float) -> Chunk | None:
        if self._ready:
            return self._ready.pop(0)
        port = self._port
        if port is None:
            return None
        arrivals = port.read(timeout_s)
        for arrival in arrivals:
            self._counts.dropped_frames += arrival.dropped
            self._ready += self._parser.feed(arrival)
        now_s = port.clock()
        if self._ready:
            self._heard_s = now_s
            self._check_rate(now_s)
            return self._ready.pop(0)
        if now_s - self._heard_s > SILENT_S:
            raise DeviceTimeout(
                f"{self.wiring.what} has sent no samples for {SILENT_S:g} s: {self.wiring.mend}."
            )
        return empty_chunk(self.spec, now_s)

    def take_motion(self) -> list[Chunk]:
        return self._parser.take_motion()

    def stop(self) -> None:
        port, self._port = self._port, None
        if port is None:
            return
        with suppress(DeviceError):  # a device that is gone cannot be told to stop
            self.wiring.end(port)
        port.close()

    def _check_rate(self, now_s: float) -> None:
        """A device set to another rate would be decoded at a wrong speed: refused. Looked at twice,
        in a stretch of the stream without a pause."""
        counted, pause_s = self.wiring.counted, now_s - self._came_s
        self._came_s = now_s
        if self._looks_n == len(LOOKS_S):
            return
        self._seen_n += sum(len(chunk.samples) + counted * chunk.lost for chunk in self._ready)
        if self._first_s is None or pause_s > PAUSE_S:
            self._first_s, self._seen_n = now_s, 0
        span_s = now_s - self._first_s
        if span_s < LOOKS_S[self._looks_n]:
            return
        self._looks_n += 1
        rate_hz, share = self._seen_n / span_s, self.wiring.rate_share
        if self._looks_n < len(LOOKS_S):
            share = max(share, RATE_SHARE)
        if abs(rate_hz / self.spec.rate_hz - 1) > share:
            raise DeviceRefused(
                f"{self.wiring.what} sends {rate_hz:.0f} samples a second, and "
                f"{self.spec.rate_hz:g} were expected: set the device or its rate here right."
            )


class Lasting:
    """A device that is taken up again after a loss: always as a new stream, never in silence.

    While it is gone, `read` gives nothing. The first chunk of the new stream has everything that
    could not be received in the meantime in its `lost`, so that whatever decodes starts anew, and
    a marker says what happened.
    """

    def __init__(
        self,
        device: Device,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._device, self._clock, self._sleep = device, clock, sleep
        self._lost_s: float | None = None
        self._next_s = 0.0
        self._wait_s = FIRST_WAIT_S
        self._ended_s: float | None = None
        """clock at which the newest sample's successor was due"""
        self._back = False
        self._stopped = True

    @property
    def spec(self) -> Spec:
        return self._device.spec

    @property
    def motion_spec(self) -> Spec | None:
        return self._device.motion_spec

    @property
    def counts(self) -> Counts:
        return self._device.counts

    @property
    def battery_share(self) -> float | None:
        """As of the device."""
        share: float | None = getattr(self._device, "battery_share", None)
        return share

    def start(self) -> None:
        """The first time, whatever does not fit is refused at once."""
        self._device.start()
        self._stopped, self._lost_s, self._ended_s, self._back = False, None, None, False

    def read(self, timeout_s: float) -> Chunk | None:
        if self._stopped:
            return None
        if self._lost_s is not None and not self._again(timeout_s):
            return empty_chunk(self.spec, self._clock())
        try:
            chunk = self._device.read(timeout_s)
        except (DeviceLost, DeviceTimeout) as error:
            return self._let_go(error)
        if chunk is None or not len(chunk.samples):
            return chunk
        if self._back:
            chunk = self._first_of_new_stream(chunk)
        self._ended_s = chunk.clock_s + len(chunk.samples) / self.spec.rate_hz
        return chunk

    def take_motion(self) -> list[Chunk]:
        return self._device.take_motion()

    def stop(self) -> None:
        self._stopped = True
        self._device.stop()

    def _let_go(self, error: DeviceError) -> Chunk:
        with suppress(DeviceError, OSError):
            self._device.stop()
        now_s = self._clock()
        self._lost_s, self._wait_s = now_s, FIRST_WAIT_S
        self._next_s = now_s + FIRST_WAIT_S
        gone = Marker(0, f"source lost: {error}")
        return Chunk(empty_chunk(self.spec, now_s).samples, now_s, markers=(gone,))

    def _again(self, timeout_s: float) -> bool:
        """Whether the device is there again; tries when it is time to."""
        left_s = self._next_s - self._clock()
        if left_s > 0:
            self._sleep(min(left_s, timeout_s))
            return False
        try:
            self._device.start()
        except DeviceError:
            self._wait_s = min(2 * self._wait_s, LONGEST_WAIT_S)
            self._next_s = self._clock() + self._wait_s
            return False
        if self._stopped:  # while it was being started
            self._device.stop()
            return False
        self.counts.reconnects += 1
        self._lost_s, self._back = None, True
        return True

    def _first_of_new_stream(self, chunk: Chunk) -> Chunk:
        self._back = False
        missed = 1
        if self._ended_s is not None:
            missed = max(1, round((chunk.clock_s - self._ended_s) * self.spec.rate_hz))
        self.counts.lost_samples += missed
        seconds = missed / self.spec.rate_hz
        back = Marker(0, f"source back: a new stream after {seconds:.1f} s")
        lost = chunk.lost + missed
        return Chunk(chunk.samples, chunk.clock_s, lost, (*chunk.markers, back))
