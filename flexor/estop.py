"""Emergency stops that are no keys: a line at the computer's pins, and a signal.

The line is normally closed: it runs from the pin through the button to ground, so that a button
that is pressed, a plug that is out and a wire that is broken are all the same. It stops at its
first opening; closed again it is only when it has stayed so, for contacts bounce. The only file
that imports gpiozero.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

from acquisition.stream import DeviceRefused, Refused
from firmware_bridge.safety_state import Phase, Request

CLOSED_S = 0.050
"""So long the line has to stay closed before it counts as that: contacts bounce for 5 to 20 ms."""
STILL_OPEN = "Still stopped: the emergency-stop line is open; release its button, or mend its wire."


@dataclass
class EStop:
    """What asks for the emergency stop. `press` may be called by any thread and signal handler.

    Presses are counted by those who press and compared by the one who looks, so that none is lost
    between the two.
    """

    is_open: Callable[[], bool] = bool
    """whether the line is open now; there is none without one"""
    close: Callable[[], None] = lambda: None
    """gives the pin back"""
    presses_n: int = 0
    _seen_n: int = 0
    _opened_s: float = field(default=float("-inf"))
    """when the line was last seen open"""

    def press(self) -> None:
        self.presses_n += 1

    @property
    def waits(self) -> bool:
        """Whether there was a press that nobody has heard yet."""
        return self.presses_n != self._seen_n

    def pressed(self) -> bool:
        """Whether there was a press since the last call."""
        presses_n = self.presses_n
        pressed, self._seen_n = presses_n != self._seen_n, presses_n
        return pressed

    def held(self, now_s: float) -> bool:
        """Whether the line is open, or not yet closed for good."""
        if self.is_open():
            self._opened_s = now_s
        return now_s - self._opened_s < CLOSED_S


def due(stop: EStop, request: Request | None, phase: Phase, now_s: float) -> Request | None:
    """What is asked of the gate when `request` was: a press before everything, an open line until
    the gate has stopped, and no clearing before it is closed."""
    held = stop.held(now_s)
    if stop.pressed() or (held and phase is not Phase.ESTOP):
        return Request.ESTOP
    return None if held and request is Request.CLEAR else request


def open_line(pin: int) -> EStop:
    """The emergency stop at a pin, by the number that Raspberry Pi's makers print (GPIO17: 17).

    Refuses a machine without pins, a pin that is none or taken, a line that is open, and where
    gpiozero is missing.
    """
    try:
        import gpiozero
    except ImportError as error:
        raise Refused(
            "An emergency-stop line needs gpiozero: pip install '.[gpio]' in Flexor's folder, then "
            "try again."
        ) from error
    try:
        with warnings.catch_warnings():  # of each library below that it tries in turn
            warnings.simplefilter("ignore")
            # Pulled up and active when low: active is the closed line.
            button = gpiozero.Button(pin, pull_up=True)
    except gpiozero.BadPinFactory as error:
        raise DeviceRefused(
            "This computer has no pins that gpiozero can use: leave estop_gpio out, or run on a "
            "Raspberry Pi with pip install '.[gpio]'."
        ) from error
    except (gpiozero.GPIOZeroError, ValueError, OSError) as error:
        raise DeviceRefused(
            f"The emergency-stop line cannot be at pin {pin} ({error}): name a free pin of this "
            f"computer, e.g. 17."
        ) from error
    stop = EStop(lambda: not button.is_active, button.close)
    button.when_deactivated = stop.press
    if stop.is_open():
        button.close()
        raise DeviceRefused(
            f"The emergency-stop line at pin {pin} is open: release its button, and let it connect "
            f"the pin to ground while all is well."
        )
    return stop
