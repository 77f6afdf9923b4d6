"""The simulated hand as its user sees it: a process behind a pseudo-terminal, with faults.

It speaks the link's own bytes, so everything above the port is the same as with a real hand.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from acquisition.stream import DeviceLost, DeviceTimeout, Refused
from firmware_bridge.command import Mode
from firmware_bridge.hands import EXO, HAND6, HandSpec
from firmware_bridge.link import DOF_N, HandState
from firmware_bridge.serial_link import SerialLink, crc_n_of, open_serial
from firmware_bridge.simulated_joints import Joints

ANSWER_S = 5.0
"""An interpreter starts in 0.1 s; a loaded machine is given 50 times that."""

NICE = -10
"""A hand has a processor of its own; what stands in for it goes before ordinary programs, so that a
busy machine makes no hand silent."""

FAULTS = {
    "stall": "numbers of the joints that no longer move, as a list; [] frees them",
    "dead": "true: hears nothing and answers nothing",
    "nack": "true: refuses every request",
    "garble": "true: answers with nonsense",
    "over_current": "true: the driver has cut a motor off",
    "low_battery": "true: the battery is low",
    "brown_out": "true: the supply breaks down",
    "current": "milliamperes that every motor draws",
    "temperature": "degrees Celsius of every motor",
    "button": "true: the local release button is pressed",
    "delay": "seconds that every answer is late",
    "corrupt": "probability that a byte is damaged, both ways",
    "estop": "true: the button on the hand is pressed",
    "reboot": "true: the microcontroller starts again",
    "unplug": "true: the port is gone, for good",
}
"""Fault -> what its value means."""

_CHILD = (
    "import json, sys; sys.path.insert(0, sys.argv[1]); "
    "from firmware_bridge.simulated_hand_process import main; main(json.loads(sys.argv[2]))"
)


class TraceRow(NamedTuple):
    """The hand at one moment, as it really moved."""

    clock_s: float
    """Monotonic, the same clock as the host's."""
    state: HandState
    position_deg: tuple[float, ...]
    velocity_deg_s: tuple[float, ...]
    counts: tuple[int, ...]
    """Newest accepted setpoint, -1000..1000 of full scale."""
    torque: tuple[int, ...]
    """What is given, in thousandths of each joint's largest."""


@dataclass(slots=True)
class SimulatedHand:
    """A running simulated hand. `start` it, `stop` it; it dies with this process."""

    url: str
    """Path of its port, for `open_serial`."""
    process: subprocess.Popen[bytes]

    @staticmethod
    def start(spec: HandSpec = HAND6) -> SimulatedHand:
        """Starts the process and waits for its port. Raises DeviceTimeout."""
        settings = {"crc_n": crc_n_of(spec), **asdict(joints_of(spec))}
        root = str(Path(__file__).resolve().parent.parent)
        # -I -S: nothing of the user's environment is imported, and 4 MB are saved.
        return SimulatedHand.launch(
            [sys.executable, "-I", "-S", "-c", _CHILD, root, json.dumps(settings)]
        )

    @staticmethod
    def launch(words: list[str]) -> SimulatedHand:
        """Starts a program that is a hand in this way: the one in Python, or the firmware in C."""
        # A session of its own: Ctrl-C stops the loop first, and the loop then stops the hand.
        process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        with suppress(OSError):  # only root may
            os.setpriority(os.PRIO_PROCESS, process.pid, NICE)
            # A session is weighed as one where the kernel groups by sessions (sched(7)).
            Path("/proc", str(process.pid), "autogroup").write_text(f"{NICE}", encoding="ascii")
        hand = SimulatedHand("", process)
        try:
            hand.url = hand._answer()["url"]
        except BaseException:
            hand.stop()
            raise
        return hand

    def inject(self, fault: str, value: Any = True) -> None:
        """Makes something go wrong from now on. Refuses faults that FAULTS does not name."""
        if fault not in FAULTS:
            raise Refused(f'There is no fault "{fault}"; there are {", ".join(FAULTS)}.')
        self._order(fault, value)

    def trace(self) -> list[TraceRow]:
        """What the hand did so far (the last two to four minutes), oldest first."""
        rows = self._order("trace", None)["rows"]
        return [
            TraceRow(
                row[0],
                HandState(int(row[1])),
                tuple(row[2 : 2 + DOF_N]),
                tuple(row[2 + DOF_N : 2 + 2 * DOF_N]),
                tuple(int(n) for n in row[2 + 2 * DOF_N : 2 + 3 * DOF_N]),
                tuple(int(n) for n in row[2 + 3 * DOF_N :]),
            )
            for row in rows
        ]

    def stop(self) -> None:
        """Ends the process. Harmless when repeated."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self.process.wait(ANSWER_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self) -> SimulatedHand:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _order(self, what: str, value: Any) -> Any:
        pipe = self.process.stdin
        if pipe is None or pipe.closed or self.process.poll() is not None:
            raise DeviceLost("The process of the simulated hand has ended; start it again.")
        pipe.write(json.dumps({"do": what, "value": value}).encode() + b"\n")
        pipe.flush()
        return self._answer()

    def _answer(self) -> Any:
        pipe = self.process.stdout
        if pipe is None or not select.select([pipe], [], [], ANSWER_S)[0]:
            raise DeviceTimeout(f"The simulated hand did not answer within {ANSWER_S:g} s.")
        line = pipe.readline()
        if not line:
            raise DeviceLost("The process of the simulated hand has ended; start it again.")
        return json.loads(line)


def open_simulated(argument: str = "", **options: Any) -> SerialLink:
    """A link to a simulated hand of its own, which ends when the link is closed."""
    if argument:
        raise Refused(f'The simulated hand takes no argument, not "{argument}".')
    return _open(HAND6, options)


def open_simulated_exo(argument: str = "", **options: Any) -> SerialLink:
    """The same with the leg EXO."""
    if argument:
        raise Refused(f'The simulated leg takes no argument, not "{argument}".')
    return _open(EXO, options)


def _open(spec: HandSpec, options: dict[str, Any]) -> SerialLink:
    hand = SimulatedHand.start(spec)
    try:
        return open_serial(hand.url, spec, on_close=hand.stop, **options)
    except BaseException:
        hand.stop()
        raise


def joints_of(spec: HandSpec) -> Joints:
    """The joints that the firmware needs to have for that hand.

    Those that take torque are opened by no button. Refuses a torque that needs another time than
    0.2 to 0.5 s from all to none (protocols C6): on a lost link the firmware takes that time.
    """
    low, high = (tuple(joint.range_deg[end] for joint in spec.joints) for end in (0, 1))
    velocity = tuple(joint.max_velocity_deg_s for joint in spec.joints)
    if Mode.TORQUE not in spec.modes:
        return Joints(low, high, velocity)
    ramps = []
    for joint in spec.joints:
        ramps.append(round(joint.max_torque_rate_nm_s / joint.max_torque_nm))
        if not 2 <= ramps[-1] <= 5:
            raise Refused(
                f"The torque of {joint.name} goes from all to none within 0.2 to 0.5 s, not in "
                f"{joint.max_torque_nm / joint.max_torque_rate_nm_s:.2f} s: choose another rate."
            )
    return Joints(low, high, velocity, release_deg_s=0.0, torque_ramp=tuple(ramps))
