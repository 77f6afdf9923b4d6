"""The one choice between the ways to control: an intent in, a command out."""

from __future__ import annotations

from typing import Any

from firmware_bridge import assist, dofs, fallback, two_site
from firmware_bridge.assist_laws import Assist
from firmware_bridge.control import Control, command_of
from firmware_bridge.dofs import Dofs
from firmware_bridge.fallback import Guarded
from firmware_bridge.sensed import Asked, Sensed
from firmware_bridge.two_site import Direct
from models.intent import Intent

Steering = Control | Dofs | Direct | Guarded | Assist
"""A way to control that fits hand, artifact and wearer, ready to be used."""


def begin(how: Steering) -> Any:
    """What that way remembers before its first decision; None where it remembers nothing."""
    if isinstance(how, Direct):
        return two_site.State()
    if isinstance(how, Guarded):
        return fallback.State()
    return assist.START if isinstance(how, Assist) else None


def command_for(how: Steering, intent: Intent, sensed: Sensed, state: Any) -> Asked:
    """What the intent and the senses ask of the joints; what is to be remembered and told.

    Pure. The command has the intent's clock and decision number, whatever else it rests on, so
    that the gate can hold all of them to the same freshness.
    """
    if isinstance(how, Control):
        return Asked(command_of(how, intent), state)
    if isinstance(how, Dofs):
        return dofs.step(how, intent, sensed, state)
    if isinstance(how, Direct):
        return two_site.step(how, intent, sensed, state)
    if isinstance(how, Guarded):
        return fallback.step(how, intent, sensed, state)
    return assist.step(how, intent, sensed, state)
