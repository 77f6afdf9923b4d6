"""The host's side of the link: handshake, requests with retries, heartbeat, liveness.

Pure: bytes and seconds in, bytes and events out. `serial_link` puts a port under it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from acquisition.stream import DeviceRefused
from firmware_bridge import link
from firmware_bridge.link import AckCode, Deframer, Frame, FrameType, HandState, Telem
from firmware_bridge.link_words import REFUSALS, TROUBLES

RETRY_S = 0.050
TRIES_N = 3
HEARTBEAT_S = 0.100
SILENT_S = 0.100
"""Longest wait for the hand's confirmation while setpoints flow (protocols C4)."""
IDLE_SILENT_S = 0.300
"""The same while only heartbeats are sent: three of them."""
_STATES = frozenset(HandState)
_STOPS = (FrameType.DISARM, FrameType.ESTOP)
_RING_N = 64
"""Sending times that are remembered; a link is lost long before so many are unconfirmed."""


class LinkPhase(Enum):
    OPENING = "opening"
    UP = "up"
    LOST = "lost"


class LinkEventKind(Enum):
    CONNECTED = "connected"
    ANSWERED = "answered"
    REFUSED = "refused"
    UNANSWERED = "unanswered"
    LOST = "lost"
    BLOCKED = "blocked"
    REPORTED = "reported"


class LinkEvent(NamedTuple):
    """Something that happened on the link, for the record and for a person."""

    kind: LinkEventKind
    clock_s: float
    text: str


class Pending(NamedTuple):
    """A request that waits for its ACK."""

    type: FrameType
    first_seq: int
    tries_n: int
    due_s: float
    """When it is sent again, or given up."""


@dataclass(slots=True)
class Session:
    """What the host remembers about one conversation with a hand."""

    number: int
    """Random per start, so that a hand cannot take an older host's frames for ours."""
    dof_n: int
    ttl_ms: int
    """Longest ttl that will be asked for."""
    phase: LinkPhase = LinkPhase.LOST
    seq: int = 0
    rx: Deframer = field(default_factory=Deframer)
    pending: Pending | None = None
    max_ttl_ms: int = link.TTL_MS[1]
    flags: int = 0
    """What the hand reported last beside its state (HandFlag)."""
    torque: tuple[int, ...] = ()
    """What it gave last, in thousandths; () where it does not tell"""
    sent_s: list[float] = field(default_factory=lambda: [0.0] * _RING_N)
    """When each sequence number was sent, modulo its length."""
    confirmed_seq: int = 0
    """Newest of our frames that the hand says it accepted."""
    last_sent_s: float = float("-inf")
    setpoint_s: float = float("-inf")
    flow_s: float = 0.0
    """Since when setpoints flow."""
    round_trip_s: float = 0.0
    """Newest measured time from a frame to its confirmation."""
    setpoints_n: int = 0
    telems_n: int = 0
    unexpected_n: int = 0


def hello(session: Session, number: int, now_s: float) -> bytes:
    """Begins a new conversation; what came before is forgotten. Gives the bytes to send."""
    session.number = number
    session.rx.session, session.rx.last_seq = number, None
    session.rx.tail, session.rx.dropping = b"", False
    session.phase = LinkPhase.OPENING
    session.flags, session.torque = 0, ()
    session.pending = None
    session.last_sent_s = float("-inf")
    session.setpoint_s = float("-inf")
    session.seq = session.confirmed_seq = 0
    return _ask(session, FrameType.HELLO, now_s)


def request(session: Session, kind: FrameType, now_s: float) -> bytes:
    """ARM, DISARM, CLEAR or ESTOP; sent again until it is answered. Gives the bytes to send.

    Nothing takes the place of an unanswered ESTOP, and the same request is not sent twice.
    What stops the hand goes out over a lost link too: it may hear us when we do not hear it.
    """
    waiting = session.pending.type if session.pending is not None else None
    if waiting in (kind, FrameType.ESTOP):
        return b""
    if kind not in _STOPS and session.phase is not LinkPhase.UP:
        return b""
    return _ask(session, kind, now_s)


def setpoint(
    session: Session,
    mode: int,
    ttl_ms: int,
    counts: tuple[int, ...],
    now_s: float,
    flags: int = 0,
) -> bytes:
    """A SETPOINT; nothing while the link is not up."""
    if session.phase is not LinkPhase.UP:
        return b""
    if now_s - session.setpoint_s > SILENT_S:
        session.flow_s = now_s
    session.setpoint_s = now_s
    session.setpoints_n += 1
    lead = _next(session, now_s)
    ttl_ms = min(ttl_ms, session.max_ttl_ms)
    return lead + link.pack_setpoint(
        session.number, session.seq, _ms(now_s), mode, ttl_ms, counts, session.rx.crc_n, flags
    )


def hear(session: Session, data: bytes, now_s: float) -> tuple[Telem | None, list[LinkEvent]]:
    """(newest telemetry in `data`, what happened). Raises DeviceRefused for a hand that does
    not fit."""
    telem = None
    events: list[LinkEvent] = []
    for frame in link.receive(session.rx, data):
        if frame.type == FrameType.TELEM and session.phase is LinkPhase.UP:
            told = _confirmed(session, link.unpack_telem(frame.payload), now_s)
            if told is not None:
                telem = told._replace(torque=session.torque) if session.torque else told
                events += _reported(session, told.flags, now_s)
        elif frame.type == FrameType.TORQUE and session.phase is LinkPhase.UP:
            session.torque = link.unpack_torque(frame.payload)
        elif frame.type == FrameType.ACK:
            _answered(session, link.unpack_ack(frame.payload), now_s, events)
        elif frame.type == FrameType.HELLO_ACK and session.phase is LinkPhase.OPENING:
            _connected(session, frame, now_s, events)
        else:
            session.unexpected_n += 1
    return telem, events


def tick(session: Session, now_s: float) -> tuple[bytes, list[LinkEvent]]:
    """(bytes to send, what happened): retries, heartbeat, lost link. Call after `hear`."""
    pending = session.pending
    if pending is not None and now_s >= pending.due_s:
        if pending.tries_n < TRIES_N or pending.type == FrameType.ESTOP:
            return _ask(session, pending.type, now_s, pending), []
        session.pending = None
        why = f"The hand did not answer {pending.type.name}."
        return b"", [lose(session, now_s, why, LinkEventKind.UNANSWERED)]
    if session.phase is not LinkPhase.UP:
        return b"", []
    if _silent(session, now_s):
        return b"", [lose(session, now_s, "The hand no longer confirms what it is sent.")]
    if now_s - session.last_sent_s >= HEARTBEAT_S:
        lead = _next(session, now_s)
        return lead + _packed(session, FrameType.HEARTBEAT, now_s), []
    return b"", []


def lose(
    session: Session, now_s: float, why: str, kind: LinkEventKind = LinkEventKind.LOST
) -> LinkEvent:
    """The link is lost until the next `hello`; only what stops the hand still goes out."""
    session.phase = LinkPhase.LOST
    if session.pending is not None and session.pending.type != FrameType.ESTOP:
        session.pending = None
    return LinkEvent(kind, now_s, why)


def _ask(session: Session, kind: FrameType, now_s: float, again: Pending | None = None) -> bytes:
    lead = _next(session, now_s)
    first_seq, tries_n = (again.first_seq, again.tries_n) if again else (session.seq, 0)
    session.pending = Pending(kind, first_seq, tries_n + 1, now_s + RETRY_S)
    return lead + _packed(session, kind, now_s)


def _packed(session: Session, kind: FrameType, now_s: float) -> bytes:
    return link.pack(kind, session.number, session.seq, _ms(now_s), b"", session.rx.crc_n)


def _next(session: Session, now_s: float) -> bytes:
    """Takes the next sequence number; gives the 00 that has to lead after a silence."""
    lead = b"\0" if now_s - session.last_sent_s > link.IDLE_S else b""
    session.seq = (session.seq + 1) & 0xFFFF
    session.sent_s[session.seq % _RING_N] = now_s
    session.last_sent_s = now_s
    return lead


def _silent(session: Session, now_s: float) -> bool:
    """Whether the oldest frame that the hand has not confirmed has waited too long."""
    if session.confirmed_seq == session.seq:
        return False
    waiting_s = session.sent_s[(session.confirmed_seq + 1) % _RING_N]
    if now_s - session.setpoint_s > SILENT_S:
        return now_s - waiting_s > IDLE_SILENT_S
    return now_s - max(waiting_s, session.flow_s) > SILENT_S


def _confirmed(session: Session, telem: Telem, now_s: float) -> Telem | None:
    """The telemetry, unless it tells of states or frames that cannot be."""
    ahead = (telem.last_seq - session.confirmed_seq) & 0xFFFF
    unconfirmed = (session.seq - session.confirmed_seq) & 0xFFFF
    if telem.state not in _STATES or ahead > unconfirmed:
        session.unexpected_n += 1
        return None
    session.telems_n += 1
    if ahead:
        session.confirmed_seq = telem.last_seq
        session.round_trip_s = now_s - session.sent_s[telem.last_seq % _RING_N]
    return telem


def _reported(session: Session, flags: int, now_s: float) -> list[LinkEvent]:
    """What the hand now says of itself and did not say before."""
    texts = [text for flag, text in TROUBLES.items() if flags & ~session.flags & flag]
    session.flags = flags
    return [LinkEvent(LinkEventKind.REPORTED, now_s, text) for text in texts]


def _answered(session: Session, ack: link.Ack, now_s: float, events: list[LinkEvent]) -> None:
    pending = session.pending
    if pending is None or ack.type != pending.type:
        return
    if (ack.seq - pending.first_seq) & 0xFFFF > (session.seq - pending.first_seq) & 0xFFFF:
        return  # answers an older request of the same kind
    name = pending.type.name
    if ack.code == AckCode.OK:
        session.pending = None
        events.append(LinkEvent(LinkEventKind.ANSWERED, now_s, f"The hand confirmed {name}."))
        return
    if pending.type != FrameType.ESTOP:
        session.pending = None
    why = REFUSALS.get(ack.code, f"code {ack.code}")
    events.append(LinkEvent(LinkEventKind.REFUSED, now_s, f"The hand refused {name}: {why}."))


def _connected(session: Session, frame: Frame, now_s: float, events: list[LinkEvent]) -> None:
    ack = link.unpack_hello_ack(frame.payload)
    session.pending = None
    if ack.version != link.VERSION or frame.version != link.VERSION:
        raise DeviceRefused(
            f"The hand speaks version {max(ack.version, frame.version)} of the link and this "
            f"program version {link.VERSION}: update the older one."
        )
    if ack.interface != link.INTERFACE_HASH:
        raise DeviceRefused(
            f"The hand was built for the interface {ack.interface:08x} and this program for "
            f"{link.INTERFACE_HASH:08x}: put the firmware of this version on it "
            "(flexor firmware build)."
        )
    if ack.dof_n != session.dof_n:
        raise DeviceRefused(
            f"The hand has {ack.dof_n} joints and {session.dof_n} were expected: "
            "choose the hand that is connected."
        )
    if ack.max_ttl_ms < session.ttl_ms:
        raise DeviceRefused(
            f"The hand acts on a setpoint for at most {ack.max_ttl_ms} ms and the decisions "
            f"need {session.ttl_ms} ms: choose a shorter hop."
        )
    session.max_ttl_ms = ack.max_ttl_ms
    session.phase = LinkPhase.UP
    session.confirmed_seq = session.seq
    events.append(LinkEvent(LinkEventKind.CONNECTED, now_s, "The hand answered."))


def _ms(now_s: float) -> int:
    return int(now_s * 1000.0) & 0xFFFFFFFF
