"""A hand behind a serial port, a pseudo-terminal or a socket: whatever pyserial can open.

Never blocks the control loop: reads what is there, writes into one slot. A write that does not
go out at once is a lost link, not a queue of old setpoints.
"""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, NamedTuple

from acquisition.serial_port import open_raw, poller_of
from acquisition.stream import DeviceLost, DeviceTimeout, Refused
from firmware_bridge import session as sessions
from firmware_bridge.command import Mode
from firmware_bridge.hand_port import WRITE_S, read_now, write_now
from firmware_bridge.hands import (
    EXO,
    HAND6,
    HandSpec,
    Telemetry,
    position_counts,
    positions_deg,
    torque_counts,
    torques_nm,
    velocities_deg_s,
    velocity_counts,
)
from firmware_bridge.link import DOF_N, FrameType, HandFlag, HandState, SetpointFlag, Telem
from firmware_bridge.safety_state import Do, Output
from firmware_bridge.session import LinkEvent, LinkEventKind, LinkPhase, Session

BAUD_HZ = 460_800
"""30 + 38 bytes at 100 per second take 8 % of it (protocols C3)."""
CONNECT_S = 3.0
"""A board that restarts when its port is opened needs up to two seconds."""
_REQUESTS = {
    Do.ARM: FrameType.ARM,
    Do.DISARM: FrameType.DISARM,
    Do.CLEAR: FrameType.CLEAR,
    Do.ESTOP: FrameType.ESTOP,
}
_COUNTS = {
    Mode.POSITION: (position_counts, positions_deg),
    Mode.VELOCITY: (velocity_counts, velocities_deg_s),
    Mode.TORQUE: (torque_counts, torques_nm),
}
"""What makes counts of each mode's targets, and targets of counts"""


class Sent(NamedTuple):
    """What really went to the hand, after rounding to counts."""

    do: Do
    mode: Mode
    joints: tuple[float, ...]
    """(joint,) deg, deg/s or Nm as `mode` says; empty but for SETPOINT"""
    ttl_s: float
    decision_n: int


@dataclass(slots=True)
class SerialLink:
    """An open link to one hand. Used by one thread: the control loop's."""

    url: str
    hand: HandSpec
    port: Any
    """The pyserial port."""
    poller: select.poll | None
    """None for ports without a file descriptor (loop://, rfc2217://)."""
    session: Session
    on_close: Callable[[], None] | None = None
    trouble: LinkEvent | None = None
    """A write that failed since the last poll."""

    @property
    def up(self) -> bool:
        """Whether setpoints go out: for Health.link_up."""
        return self.session.phase is LinkPhase.UP

    @property
    def stop_owed(self) -> bool:
        """Whether an emergency stop goes out again and again until the hand confirms it."""
        pending = self.session.pending
        return pending is not None and pending.type == FrameType.ESTOP

    def hello(self, now_s: float) -> None:
        """Begins the handshake; `poll` carries it on. Also how a lost link is taken up again.

        Not while the hand owes the answer to an emergency stop: nothing takes its place.
        """
        if self.stop_owed:
            return
        number = int.from_bytes(os.urandom(2), "little")
        self._write(sessions.hello(self.session, number, now_s), now_s)

    def poll(self, now_s: float) -> tuple[Telemetry | None, list[LinkEvent]]:
        """(newest telemetry since the last poll, what happened). Never waits.

        Raises DeviceLost when the port is gone, DeviceRefused when the hand does not fit.
        """
        telem, events = sessions.hear(self.session, self._read(), now_s)
        was_up = self.up
        data, more = sessions.tick(self.session, now_s)
        if was_up and not self.up:
            self._forget_unsent()
        self._write(data, now_s)
        if self.trouble is not None:
            more.append(self.trouble)
            self.trouble = None
        return self._telemetry(telem), events + more

    def send(self, output: Output, now_s: float) -> Sent | None:
        """Sends what the gate lets through; gives what really went out, None for nothing.

        Requests are sent again by `poll` until the hand answers. Raises DeviceLost.
        """
        if output.do is Do.NOTHING:
            return None
        if output.do is not Do.SETPOINT:
            data = sessions.request(self.session, _REQUESTS[output.do], now_s)
            done = self._write(data, now_s)
            return Sent(output.do, output.mode, (), 0.0, output.decision_n) if done else None
        to_counts, from_counts = _COUNTS[output.mode]
        counts = to_counts(self.hand, output.joints)
        ttl_ms = int(output.ttl_s * 1000.0 + 0.5)
        flags = SetpointFlag.EASE if output.eased else 0
        carried = counts + (0,) * (DOF_N - len(counts))
        data = sessions.setpoint(self.session, output.mode, ttl_ms, carried, now_s, flags)
        if not self._write(data, now_s):
            return None
        joints = from_counts(self.hand, counts)
        return Sent(output.do, output.mode, joints, ttl_ms / 1000.0, output.decision_n)

    def wait_connected(
        self, timeout_s: float = CONNECT_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Shakes hands; for the start, not for the loop. Raises DeviceTimeout, DeviceRefused."""
        end_s = clock() + timeout_s
        self.hello(clock())
        while not self.up:
            if clock() > end_s:
                raise DeviceTimeout(
                    f"Nothing at {self.url} answered within {timeout_s:g} s: check that the hand "
                    f"is switched on and speaks the link at {BAUD_HZ} baud."
                )
            self.poll(clock())
            if self.session.phase is LinkPhase.LOST:
                self.hello(clock())
            time.sleep(0.002)

    def close(self) -> None:
        """Frees the port; a hand that still listens is disarmed first. Harmless when repeated."""
        if self.port.is_open:
            with contextlib.suppress(DeviceLost):
                disarm = sessions.request(self.session, FrameType.DISARM, time.monotonic())
                self._write(disarm, time.monotonic())
        self.port.close()
        if self.on_close is not None:
            self.on_close()

    def report(self) -> dict[str, int]:
        """What went over the link, and what of it was dropped."""
        session = self.session
        return {
            "setpoints": session.setpoints_n,
            "telemetries": session.telems_n,
            "damaged_frames": session.rx.damaged,
            "stale_frames": session.rx.stale,
            "unexpected_frames": session.unexpected_n,
        }

    def __enter__(self) -> SerialLink:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _telemetry(self, telem: Telem | None) -> Telemetry | None:
        if telem is None:
            return None
        n = len(self.hand.joints)
        at_deg = positions_deg(self.hand, telem.counts[:n])
        torque_nm = torques_nm(self.hand, telem.torque[:n]) if telem.torque else ()
        state, flags = HandState(telem.state), HandFlag(telem.flags)
        return Telemetry(state, at_deg, telem.age_ms / 1000.0, flags, torque_nm)

    def _read(self) -> bytes:
        try:
            return read_now(self.port, self.poller)
        except OSError as error:
            raise self._lost() from error

    def _write(self, data: bytes, now_s: float) -> bool:
        """Whether all of it went out. What does not go at once is thrown away."""
        if not data:
            return False
        try:
            if write_now(self.port, self.poller, data):
                return True
        except OSError as error:
            raise self._lost() from error
        self._forget_unsent()
        why = "The port takes no more bytes: nothing reads them at the other end."
        self.trouble = sessions.lose(self.session, now_s, why, LinkEventKind.BLOCKED)
        return False

    def _forget_unsent(self) -> None:
        """Setpoints that a lost link has not carried yet must never arrive."""
        with contextlib.suppress(OSError):
            self.port.reset_output_buffer()

    def _lost(self) -> DeviceLost:
        self.session.phase = LinkPhase.LOST
        return DeviceLost(f"The hand at {self.url} is gone: check its cable, then start again.")


def open_serial(
    url: str,
    hand: HandSpec = HAND6,
    ttl_s: float = 0.150,
    on_close: Callable[[], None] | None = None,
) -> SerialLink:
    """Opens a device path or pyserial URL for one hand; no bytes are sent yet.

    `ttl_s` is the longest that setpoints will ask for. Refuses ports that are missing, busy or
    not permitted, and hands with more joints than the link carries.
    """
    if not url:
        raise Refused('Name the port of the hand, e.g. "serial:/dev/ttyACM0".')
    if len(hand.joints) > DOF_N:
        raise Refused(f"The link carries {DOF_N} joints and {hand.name} has {len(hand.joints)}.")
    port = open_raw(url, BAUD_HZ, WRITE_S)
    session = Session(1, len(hand.joints), int(ttl_s * 1000.0 + 0.5))
    session.rx.crc_n = crc_n_of(hand)
    return SerialLink(url, hand, port, poller_of(port), session, on_close)


def open_serial_exo(argument: str = "", **options: Any) -> SerialLink:
    """The leg EXO with our firmware, at that port."""
    return open_serial(argument, EXO, **options)


def crc_n_of(hand: HandSpec) -> int:
    """Bytes of the link's CRC: 4 for what takes torque, because a wrong one throws its wearer."""
    return 4 if Mode.TORQUE in hand.modes else 2
