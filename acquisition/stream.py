"""What a stream of samples is: its spec, its chunks, its source and its errors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
"""float32, (time, channel)"""


class FlexorError(Exception):
    """Whatever a person is told in one sentence."""


class Refused(FlexorError):
    """Settings, a file or an artifact that cannot serve; names both sides and the mend."""


class DeviceError(FlexorError):
    """A device that does not do what it must."""


class DeviceLost(DeviceError):
    """A device that was there and is gone."""


class DeviceRefused(DeviceError, Refused):
    """A device that is not what was asked for, or that may not be used."""


class DeviceTimeout(DeviceError):
    """A device that does not answer in time."""


@dataclass(frozen=True)
class Spec:
    """What a stream carries. Two streams with equal specs are interchangeable."""

    rate_hz: float
    """Samples (or, behind windows, windows) per second."""
    channels: tuple[str, ...]
    """Channel names, in column order."""
    unit: str = "uV"
    """Unit of a sample: "uV", "raw" where the device has no known scale, or "named" where each
    channel's name ends with its own unit, as those of motion do: "accel_x_g", "gyro_z_deg_s"."""
    scale: float = 1.0
    """Size of one device count, in `unit`."""
    full_scale: float | None = None
    """Magnitude at which the device clips, in `unit`; None where it is not known."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.rate_hz) and self.rate_hz > 0):
            raise Refused(f"A stream needs a positive rate, not {self.rate_hz} Hz.")
        if not self.channels or len(set(self.channels)) != len(self.channels):
            raise Refused(f"A stream needs distinct channel names, not {list(self.channels)}.")

    def to_json(self) -> dict[str, Any]:
        return {
            "rate_hz": self.rate_hz,
            "channels": list(self.channels),
            "unit": self.unit,
            "scale": self.scale,
            "full_scale": self.full_scale,
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Spec:
        """Refuses unknown and missing keys."""
        known = {"rate_hz", "channels", "unit", "scale", "full_scale"}
        if set(value) != known:
            raise Refused(f"A spec has the keys {sorted(known)}, not {sorted(value)}.")
        return Spec(**{**value, "channels": tuple(value["channels"])})


@dataclass(frozen=True)
class Marker:
    """A word about a moment: what was asked for, or what happened."""

    sample_n: int
    """Offset of the moment in its chunk, in samples."""
    text: str


@dataclass(frozen=True)
class Chunk:
    """Consecutive samples. Loss is data: `lost` counts what is missing before them."""

    samples: Samples
    """(time, channel)"""
    clock_s: float
    """Monotonic seconds at which the first sample was taken."""
    lost: int = 0
    """Samples missing before the first one."""
    markers: tuple[Marker, ...] = field(default=())


class Source(Protocol):
    """Where samples come from. Used by one thread: start, read until None, stop."""

    @property
    def spec(self) -> Spec:
        """Known before `start`."""
        ...

    def start(self) -> None:
        """Begins the stream. Raises DeviceRefused, in a sentence that tells the mend."""
        ...

    def read(self, timeout_s: float) -> Chunk | None:
        """The next chunk; an empty one if none came within `timeout_s`; None at the end.

        Raises DeviceLost when the device is gone.
        """
        ...

    def stop(self) -> None:
        """Ends the stream and frees the device. Harmless when repeated."""
        ...


@dataclass
class Counts:
    """What happened between a device and us since it was opened. Only grows."""

    samples: int = 0
    """delivered"""
    lost_samples: int = 0
    """missing: what the chunks' `lost` add up to"""
    duplicate_frames: int = 0
    late_frames: int = 0
    """came after a newer one had been delivered; their samples stay counted as lost"""
    damaged_frames: int = 0
    """dropped because their framing or their counter was broken"""
    garbage_bytes: int = 0
    """belonged to no frame"""
    resyncs: int = 0
    """times that the beginning of a frame had to be searched for"""
    dropped_frames: int = 0
    """the oldest of a full queue; their samples count as lost"""
    reconnects: int = 0


@runtime_checkable
class Device(Source, Protocol):
    """A source with hardware behind it."""

    @property
    def counts(self) -> Counts: ...

    @property
    def motion_spec(self) -> Spec | None:
        """The second stream, as of an inertial unit; None for a device without."""
        ...

    def take_motion(self) -> list[Chunk]:
        """The chunks of the second stream since the last call, oldest first. Never waits."""
        ...


def empty_chunk(spec: Spec, clock_s: float) -> Chunk:
    """What `read` gives when nothing came."""
    return Chunk(np.empty((0, len(spec.channels)), np.float32), clock_s)
