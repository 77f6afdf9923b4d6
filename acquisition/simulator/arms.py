"""The simulated arms: who wears which device."""

from __future__ import annotations

from dataclasses import dataclass, field

from acquisition.simulator.front_end import FrontEnd
from acquisition.simulator.noise import Noise
from acquisition.simulator.wearer import Manner
from acquisition.stream import Spec


@dataclass(frozen=True)
class Arm:
    """A device on a virtual wearer's forearm: everything that decides its samples, but the script.

    Equal arms give equal samples, to the bit, on the same machine.
    """

    name: str
    channels: tuple[str, ...]
    """Electrode pairs, evenly around the forearm, in falling turns."""
    rate_hz: float
    unit: str
    scale: float
    between_mm: float
    """Between the two electrodes of a pair, along the arm."""
    front_end: FrontEnd
    noise: Noise = field(default_factory=Noise)
    manner: Manner = field(default_factory=Manner)
    first_turn: float = 0.725
    """Where the first pair sits when nothing is turned: over the ulnar wrist extensor, as the mean
    activity of the MyoArmbandDataset (Côté-Allard 2019) shows."""
    rotation_deg: float = 0.0
    """Turned further than this wearer's habit and this session's donning."""
    user: int = 0
    """Decides the anatomy."""
    session: int = 0
    """Decides how the electrodes were put on."""
    seed: int = 0
    """Decides every single spike, all noise, and how each prompt is carried out."""

    @property
    def simulated_hz(self) -> float:
        return self.rate_hz * self.front_end.keep_every

    @property
    def spec(self) -> Spec:
        full = self.front_end.counts * self.scale
        return Spec(self.rate_hz, self.channels, self.unit, self.scale, full)


ARMBAND = Arm(
    name="armband",
    channels=tuple(f"emg{i}" for i in range(1, 9)),
    rate_hz=200.0,
    unit="raw",
    scale=1.0,
    between_mm=10.0,
    # The Myo sends every fifth of about 1000 samples a second without an anti-alias filter, after
    # notches at 50 and 60 Hz and their harmonics: the mean spectrum of the MyoArmbandDataset
    # (Côté-Allard 2019) rises from 20 to 95 Hz and dips by ±2 Hz at 20, 50, 60, 80 and 100 Hz.
    front_end=FrontEnd(
        high_pass_hz=15.0,
        low_pass_hz=250.0,
        notches_hz=(50.0, 60.0, 100.0, 120.0, 150.0, 180.0, 200.0, 250.0, 300.0, 350.0),
        notch_width_hz=5.0,
        keep_every=5,
        count_uv=2.4,
        counts=127,
        common=0.05,
    ),
    noise=Noise(thermal_uv=4.5),
)

SLEEVE16 = Arm(
    name="sleeve16",
    channels=tuple(f"emg{i}" for i in range(1, 17)),
    rate_hz=2000.0,
    unit="uV",
    scale=0.195,
    between_mm=20.0,
    # Intan RHD2000: 16 bit, 0.195 uV a count. Band of ISEK's standard for surface EMG.
    front_end=FrontEnd(
        high_pass_hz=10.0,
        low_pass_hz=500.0,
        notches_hz=(),
        notch_width_hz=5.0,
        keep_every=1,
        count_uv=0.195,
        counts=32767,
        common=0.05,
    ),
    noise=Noise(thermal_uv=2.0),
)

ARMS: dict[str, Arm] = {arm.name: arm for arm in (ARMBAND, SLEEVE16)}
