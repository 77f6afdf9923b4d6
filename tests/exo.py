"""An exoskeleton for one leg, as tests need it."""

from __future__ import annotations

from firmware_bridge.command import Mode
from firmware_bridge.hands import HandSpec, Joint

EXO = HandSpec(
    "exo",
    (
        Joint("knee", (-5.0, 110.0), 200.0, 2000.0, 12.0, 60.0),
        Joint("hip", (-20.0, 100.0), 200.0, 2000.0, 20.0, 80.0),
    ),
    (Mode.TORQUE, Mode.VELOCITY, Mode.POSITION),
)
SITES = ("hamstring", "quadriceps")
