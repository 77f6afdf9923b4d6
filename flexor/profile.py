"""A wearer's profile: which arm, which artifact, which hand, and what each gesture does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from firmware_bridge.assist_laws import Follow, Gravity, Stops, Torque
from firmware_bridge.control import HAND6_GRIPS, Grip, Grips, grips_for
from firmware_bridge.fallback import Fallback
from firmware_bridge.levels import with_levels
from firmware_bridge.two_site import TwoSite
from firmware_bridge.wearer_limits import WearerLimits
from flexor.efforts import Site
from models.settings import read_toml

DEMO_ARTIFACT = Path(__file__).parent / "artifacts" / "demo.onnx"
"""Trained on the simulator alone; `make artifacts` rebuilds it."""


@dataclass(frozen=True)
class GripSettings:
    """One [[grips]] table: see firmware_bridge.control.Grip."""

    gesture: str
    joints: Mapping[str, float]
    threshold: float = 0.1
    gain: float = 1.0
    maximum: float = 1.0


@dataclass(frozen=True)
class LevelSettings:
    """One [levels.GESTURE] table: strengths of no effort and of a comfortable contraction; see
    firmware_bridge.levels."""

    low: float
    high: float


@dataclass(frozen=True)
class DofSettings:
    """One [[dofs]] table: see firmware_bridge.dofs.Dof."""

    target: str
    joints: Mapping[str, float]
    mode: str = "velocity"
    dead_band: float = 0.1
    gain: float = 1.0
    maximum: float = 1.0
    invert: bool = False


@dataclass(frozen=True)
class FunctionSettings:
    """One [[functions]] table: see firmware_bridge.two_site.Function."""

    name: str
    joints: Mapping[str, float]


@dataclass(frozen=True)
class AssistSettings:
    """The [assist] table: one law for each joint; see firmware_bridge.assist_laws."""

    torque: tuple[Torque, ...] = ()
    follow: tuple[Follow, ...] = ()
    gravity: tuple[Gravity, ...] = ()
    stops: Stops = field(default_factory=Stops)


@dataclass(frozen=True)
class ControlSettings:
    """The [control] table."""

    mode: str = "grips"
    """a key of flexor.mapping.MODES"""


@dataclass(frozen=True)
class Profile:
    """A wearer's TOML. Command-line options say which source and hand; the rest is here."""

    source: str = "synthetic"
    artifact: str = str(DEMO_ARTIFACT)
    last_good: str = ""
    """an artifact that worked before: it decides where `artifact` is damaged"""
    signed_by: str = ""
    """public key, in hexadecimal, of who has to have signed the artifact; empty: nobody has to"""
    hand: str = "simulated"
    line_hz: float = 50.0
    """mains frequency, for the quality check"""
    estop_gpio: int | None = None
    """pin of an emergency-stop line, which a button or a broken wire opens (flexor.estop)"""
    limits: WearerLimits = field(default_factory=WearerLimits)
    """what this wearer allows of the hand; empty: all that the hand itself allows"""
    realtime: bool = False
    """let the control loop run before other programs, where the machine allows it"""
    control: ControlSettings = field(default_factory=ControlSettings)
    """how an intent becomes a command; each way has its tables below"""
    grips: tuple[GripSettings, ...] = ()
    """empty: the usual grips of a six-joint hand"""
    levels: Mapping[str, LevelSettings] = field(default_factory=dict)
    """gesture -> the wearer's levels; a gesture without them uses all of its strength"""
    fallback: Fallback | None = None
    """two sites take over while grips are unsure; None: they do not"""
    dofs: tuple[DofSettings, ...] = ()
    sites: tuple[Site, ...] = ()
    """single muscles: for two_site, the fallback and assist"""
    two_site: TwoSite = field(default_factory=TwoSite)
    functions: tuple[FunctionSettings, ...] = ()
    """what two sites move, in the order in which they switch; empty: power grip, tripod, thumb"""
    assist: AssistSettings = field(default_factory=AssistSettings)

    def control_grips(self, gestures: Sequence[str], rest: str) -> Grips:
        """The grips at the wearer's levels, in the form that control takes; the usual ones for
        the gestures there are."""
        grips = Grips(
            tuple(
                Grip(g.gesture, tuple(g.joints.items()), g.threshold, g.gain, g.maximum)
                for g in self.grips
            ),
            rest,
        )
        if not self.grips:
            grips = grips_for(gestures, Grips(HAND6_GRIPS.grips, rest))
        return with_levels(grips, {name: (at.low, at.high) for name, at in self.levels.items()})


def read_profile(path: Path | str | None) -> Profile:
    """The profile in a TOML file, or the usual one. Refuses unknown keys with the nearest.

    An artifact that lies beside the file is found there, wherever the program was started.
    """
    if path is None:
        return Profile()
    profile, folder = read_toml(path, Profile), Path(path).parent
    return replace(
        profile,
        artifact=_beside(folder, profile.artifact),
        last_good=_beside(folder, profile.last_good),
    )


def _beside(folder: Path, name: str) -> str:
    return str(folder / name) if (folder / name).is_file() else name
