"""What the loop asks of the joints at one decision."""

from __future__ import annotations

from dataclasses import replace

from firmware_bridge.command import Command, Mode
from firmware_bridge.control import Control, command_of
from firmware_bridge.hands import Telemetry
from firmware_bridge.safety_state import Phase
from firmware_bridge.sensed import Sensed
from firmware_bridge.steer import command_for
from flexor.loop import Loop, note
from models.intent import Intent

THIN_SPEED = 0.5
"""Share of its speed at which the hand moves while the signal has many holes."""


def commanded(loop: Loop, intent: Intent, telemetry: Telemetry | None, now_s: float) -> Command:
    """The command of an intent; a slower one while many samples are lost, and one that asks for
    nothing while the signal is in doubt.

    `telemetry`: what came since the last decision. Grips need none of it, and pay for none.
    """
    if isinstance(loop.control, Control):
        command = command_of(loop.control, intent)
    else:
        seen = loop.gate_state.seen
        heard = telemetry or seen.hand
        guessed = loop.masking.mask.bad  # good enough for a network, not for a muscle alone
        blind = bool(guessed) and loop.sites is not None and loop.sites.rest_on(guessed)
        sensed = Sensed(
            () if blind else loop.efforts,
            heard.position_deg if heard is not None else (),
            seen.speed_deg_s,
            now_s if telemetry is not None else seen.heard_s,
            now_s,
            loop.gate_state.phase is Phase.ARMED and not loop.doubtful,
        )
        asked = command_for(loop.control, intent, sensed, loop.control_state)
        loop.control_state, command = asked.state, asked.command
        if asked.told is not None:
            note(loop, intent.clock_s, *asked.told)
    if not loop.doubtful:
        if loop.thin and command.mode is Mode.VELOCITY:
            return replace(command, joints=tuple([THIN_SPEED * v for v in command.joints]))
        return command
    mode = Mode.TORQUE if command.mode is Mode.TORQUE else Mode.VELOCITY
    return replace(command, mode=mode, joints=loop.control.still)
