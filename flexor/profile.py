"""A wearer's profile: which arm, which artifact, which hand, and what each gesture does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from firmware_bridge.control import HAND6_GRIPS, Grip, Grips, grips_for
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
class Profile:
    """A wearer's TOML. Command-line options say which source and hand; the rest is here."""

    source: str = "synthetic"
    artifact: str = str(DEMO_ARTIFACT)
    last_good: str = ""
    """an artifact that worked before: it decides where `artifact` is damaged"""
    hand: str = "simulated"
    line_hz: float = 50.0
    """mains frequency, for the quality check"""
    estop_gpio: int | None = None
    """pin of an emergency-stop line, which a button or a broken wire opens (flexor.estop)"""
    realtime: bool = False
    """let the control loop run before other programs, where the machine allows it"""
    grips: tuple[GripSettings, ...] = field(default=())
    """empty: the usual grips of a six-joint hand"""

    def control_grips(self, gestures: Sequence[str], rest: str) -> Grips:
        """The grips, in the form that control takes; the usual ones for the gestures there are."""
        if not self.grips:
            return grips_for(gestures, Grips(HAND6_GRIPS.grips, rest))
        return Grips(
            tuple(
                Grip(g.gesture, tuple(g.joints.items()), g.threshold, g.gain, g.maximum)
                for g in self.grips
            ),
            rest,
        )


def read_profile(path: Path | str | None) -> Profile:
    """The profile in a TOML file, or the usual one. Refuses unknown keys with the nearest."""
    return Profile() if path is None else read_toml(path, Profile)
