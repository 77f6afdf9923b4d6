"""A stream of the Lab Streaming Layer as a source.

Facts: pylsl 1.18.6 and liblsl 1.17.7 and 1.18.0, run here. The layer's clock is the monotonic one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from acquisition.framed import Framed, Layout
from acquisition.lsl_library import library
from acquisition.port import Arrival, Port
from acquisition.sequence import Frames
from acquisition.stream import (
    Counts,
    Device,
    DeviceLost,
    DeviceRefused,
    DeviceTimeout,
    Refused,
    Samples,
    Spec,
)
from acquisition.wire import Lasting, Wired, Wiring
from acquisition.words import Setting, split_argument

LOOK_S, LOOKS_N = 1.0, 4
"""How long is looked for streams each time, and how often before it is given up."""
ANSWER_S = 5.0
BUFFER_S = 2
"""What the layer keeps for us; older samples are dropped, and show as a gap."""
PULL_N = 4096
LEAST_S = 0.02
"""Stamps are made when a program hands its samples over: a shorter gap is their jitter."""
SLOW = 0.005
"""Share by which a stream may be slower than it says: many say a round number."""
UNITS_UV = {
    **dict.fromkeys(("uv", "µv", "μv", "microvolt", "microvolts"), 1.0),
    **dict.fromkeys(("mv", "millivolt", "millivolts"), 1e3),
    **dict.fromkeys(("v", "volt", "volts"), 1e6),
    **dict.fromkeys(("nv", "nanovolt", "nanovolts"), 1e-3),
}
"""unit that a channel declares, in small letters -> microvolts"""
DEFAULTS: dict[str, Setting] = {"name": "", "type": "", "source_id": "", "host": ""}
START, STOP = b"start", b"stop"


@dataclass(frozen=True)
class Stream:
    """What a stream says of itself."""

    name: str
    type: str
    source_id: str
    host: str
    channels_n: int
    rate_hz: float
    """0 for an irregular one"""
    numeric: bool = True
    labels: tuple[str, ...] = ()
    """of the channels; () where it has none"""
    units: tuple[str, ...] = ()
    handle: Any = None
    """the library's own description of it"""

    def fits(self, asked: Mapping[str, Setting]) -> bool:
        return all(getattr(self, key) == value for key, value in asked.items() if value)

    def __str__(self) -> str:
        return f'"{self.name}" ({self.type}, {self.channels_n} channels, on {self.host})'


def streams(seconds: float = LOOK_S) -> list[Stream]:
    """All streams that answer within `seconds`, by name."""
    pylsl = library()
    return sorted(
        (
            Stream(
                info.name(),
                info.type(),
                info.source_id(),
                info.hostname(),
                info.channel_count(),
                info.nominal_srate(),
                info.channel_format() not in (pylsl.cf_string, pylsl.cf_undefined),
                handle=info,
            )
            for info in pylsl.resolve_streams(seconds)
        ),
        key=lambda stream: (stream.name, stream.source_id, stream.host),
    )


def the_stream(asked: Mapping[str, Setting]) -> Stream:
    """The one stream that fits, with what it says of its channels. Refuses none and several."""
    seen: list[Stream] = []
    for _ in range(LOOKS_N):
        seen = streams()
        fitting = [stream for stream in seen if stream.fits(asked)]
        if fitting:
            break
    else:
        wanted = ", ".join(f"{key}={value}" for key, value in asked.items() if value)
        others = "; ".join(map(str, seen)) or "none at all"
        raise DeviceRefused(
            f"No LSL stream with {wanted} was found: start the program that sends it, in the same "
            f"network (streams that are there: {others})."
        )
    if len(fitting) > 1:
        raise DeviceRefused(
            f"{len(fitting)} LSL streams fit: {'; '.join(map(str, fitting))}. Name one with name=, "
            f"type=, source_id= or host=."
        )
    return described(fitting[0])


def described(stream: Stream) -> Stream:
    """The stream with the labels and units of its channels, which it must be asked for."""
    pylsl = library()
    inlet = pylsl.StreamInlet(stream.handle, max_buflen=BUFFER_S, recover=False)
    try:
        full = inlet.info(ANSWER_S)
    except (pylsl.util.TimeoutError, pylsl.util.LostError) as error:
        raise DeviceTimeout(
            f"The LSL stream {stream} is announced and does not answer: check the firewall "
            f"(TCP and UDP 16571 to 16604)."
        ) from error
    return Stream(
        **{
            **stream.__dict__,
            "labels": tuple(full.get_channel_labels() or ()),
            "units": tuple(full.get_channel_units() or ()),
        }
    )


def spec_of(stream: Stream) -> Spec:
    """Microvolts where every channel declares one unit of voltage; raw where not.

    Refuses streams of words, and irregular ones.
    """
    if not stream.numeric or stream.rate_hz <= 0:
        kind = "has no fixed rate" if stream.numeric else "is made of words"
        raise DeviceRefused(f"The LSL stream {stream} {kind}: choose one of samples.")
    named = [label for label in stream.labels if label]
    if len(set(named)) != stream.channels_n:
        named = [f"emg{i}" for i in range(1, stream.channels_n + 1)]
    units = {unit.strip().lower() for unit in stream.units if unit}
    factor = UNITS_UV.get(units.pop()) if len(units) == 1 else None
    if factor is None or len(stream.units) != stream.channels_n:
        return Spec(stream.rate_hz, tuple(named), "raw")
    return Spec(stream.rate_hz, tuple(named), "uV", factor)


def layout_of(spec: Spec) -> Layout:
    """Frames of floats, little endian. The stamps are watched for gaps: nothing is counted."""

    def samples(frames: Frames) -> Samples:
        read: Samples = np.ascontiguousarray(frames).view("<f4")
        return read if spec.scale == 1.0 else (read * spec.scale).astype(np.float32)

    frame_n = 4 * len(spec.channels)
    return Layout(
        frame_n=frame_n,
        framer=lambda counts: WholeFrames(frame_n, counts),
        samples=samples,
        jitter_s=LEAST_S,
        drift=SLOW,
    )


class WholeFrames:
    """Any number of whole frames at once, as the layer hands them over."""

    def __init__(self, frame_n: int, counts: Counts) -> None:
        self._frame_n, self._counts = frame_n, counts

    def feed(self, data: bytes) -> Frames:
        if len(data) % self._frame_n:
            self._counts.damaged_frames += 1
            data = b""
        return np.frombuffer(data, np.uint8).reshape(-1, self._frame_n)


class InletPort:
    """An inlet as a `Port`. Samples arrive, for us, when they were taken by their sender's stamps:
    so a gap in the stamps is a gap."""

    def __init__(self, stream: Stream) -> None:
        self._pylsl, self._what = library(), f"The LSL stream {stream}"
        self._inlet: Any = self._pylsl.StreamInlet(
            stream.handle,
            max_buflen=BUFFER_S,
            recover=False,  # a stream that comes back is a new one
            processing_flags=self._pylsl.proc_clocksync,
        )

    def clock(self) -> float:
        return time.monotonic()

    def read(self, timeout_s: float) -> list[Arrival]:
        try:
            samples, stamps = self._inlet.pull_chunk(
                timeout=max(0.0, timeout_s), max_samples=PULL_N, min_samples=1, as_numpy=True
            )
        except self._pylsl.util.LostError as error:
            raise DeviceLost(f"{self._what} ended: start its program again.") from error
        if not len(stamps):
            return []
        ours_s = self.clock() - self._pylsl.local_clock()
        rows = np.ascontiguousarray(samples, "<f4")
        parts = np.flatnonzero(np.diff(stamps) > LEAST_S) + 1
        return [
            Arrival(part.tobytes(), float(at[-1]) + ours_s)
            for part, at in zip(np.split(rows, parts), np.split(stamps, parts), strict=True)
        ]

    def write(self, data: bytes, line: str = "") -> None:
        if data != START:
            self._inlet.close_stream()
            return
        try:
            self._inlet.open_stream(ANSWER_S)
        except (self._pylsl.util.TimeoutError, self._pylsl.util.LostError) as error:
            raise DeviceTimeout(
                f"{self._what} is announced and does not answer: check the firewall (TCP and UDP "
                f"16571 to 16604)."
            ) from error

    def close(self) -> None:
        self._inlet = None


def open_lsl(
    argument: str = "",
    *,
    port: Callable[[], Port] | None = None,
    stream: Stream | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Device:
    """The stream at "name=NAME", type=, source_id= or host=; without any, the one of type EMG.

    `stream` and `port` stand for the network, as in tests. Refuses none that fits, several, and
    what is no regular stream of numbers: its spec is what the stream says of itself.
    """
    name, asked = split_argument(argument, DEFAULTS, "lsl")
    if name and asked["name"]:
        raise Refused(f"An LSL stream has one name, not {name} and {asked['name']}.")
    asked["name"] = asked["name"] or name
    if not any(asked.values()):
        asked["type"] = "EMG"
    found = the_stream(asked) if stream is None else stream
    spec = spec_of(found)

    fresh = [] if stream is not None else [found]

    def open_inlet() -> Port:
        again = fresh.pop() if fresh else the_stream(asked)
        if spec_of(again) != spec:
            raise DeviceRefused(
                f"The LSL stream {again} has other channels, units or rate than before: start anew."
            )
        return InletPort(again)

    wiring = Wiring(
        what=f"the LSL stream {found}",
        spec=spec,
        open=port or open_inlet,
        begin=lambda opened: opened.write(START),
        end=lambda opened: opened.write(STOP),
        parser=lambda counts: Framed(layout_of(spec), spec, counts),
        mend="check the program that sends it",
        counted=False,
    )
    return Lasting(Wired(wiring), clock, sleep)
