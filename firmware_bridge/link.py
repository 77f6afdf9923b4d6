"""The link between host and hand: every frame, both ways, and what is accepted.

The layout is in `interface`. A frame is header, payload and CRC, stuffed (codec) and ended by
00. Imports nothing heavy: the simulated hand is a process of its own and uses this file too.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple

from firmware_bridge.codec import check_of, cobs_decode, cobs_encode
from firmware_bridge.interface import (
    ARM_TTL_MS,
    CODED_MAX_N,
    DOF_N,
    FULL_SCALE,
    HEADER,
    HOLD_MS,
    INTERFACE_HASH,
    PAYLOADS,
    SEQ_WINDOW,
    TTL_MS,
    VERSION,
    AckCode,
    FrameType,
    HandFlag,
    HandState,
    WireMode,
    layout,
)

IDLE_S = 0.050
"""After a silence this long an extra 00 leads, so that line noise cannot swallow the frame."""
__all__ = [
    "ARM_TTL_MS",
    "DOF_N",
    "FULL_SCALE",
    "HOLD_MS",
    "IDLE_S",
    "INTERFACE_HASH",
    "SEQ_WINDOW",
    "TTL_MS",
    "VERSION",
    "AckCode",
    "FrameType",
    "HandFlag",
    "HandState",
    "WireMode",
]
"""What users of the link need of the interface."""


class Frame(NamedTuple):
    """A frame that passed every check; `payload` has the exact length of its type."""

    version: int
    type: int
    session: int
    seq: int
    t_ms: int
    payload: bytes


class HelloAck(NamedTuple):
    version: int
    dof_n: int
    max_ttl_ms: int
    seq: int
    """Of the HELLO that it answers."""
    interface: int = INTERFACE_HASH


class Ack(NamedTuple):
    type: int
    seq: int
    """Of the frame that it answers."""
    code: int
    state: int


class Setpoint(NamedTuple):
    mode: int
    """WireMode"""
    flags: int
    ttl_ms: int
    counts: tuple[int, ...]
    """(DOF_N,), -1000..1000 of full scale"""


class Telem(NamedTuple):
    state: int
    err_count: int
    """Damaged frames that the hand has seen, saturating at 255."""
    last_seq: int
    """Newest sequence number that the hand accepted."""
    age_ms: int
    """Age of the setpoint that the hand acts on."""
    counts: tuple[int, ...]
    """(DOF_N,), measured positions, -1000..1000 of full scale"""
    rx_ok: int
    stale: int
    range_err: int
    flags: int = 0
    """HandFlag"""


_HEADER = layout(HEADER)
_HELLO = layout(PAYLOADS[FrameType.HELLO])
_HELLO_ACK = layout(PAYLOADS[FrameType.HELLO_ACK])
_ACK = layout(PAYLOADS[FrameType.ACK])
_SETPOINT = layout(PAYLOADS[FrameType.SETPOINT])
_TELEM = layout(PAYLOADS[FrameType.TELEM])
_SETPOINT_FRAME = Struct(_HEADER.format + _SETPOINT.format[1:])
_PAYLOAD_N: dict[int, int] = {kind: layout(fields).size for kind, fields in PAYLOADS.items()}
_MODES = (WireMode.POSITION, WireMode.VELOCITY)
_HANDSHAKE = (FrameType.HELLO, FrameType.HELLO_ACK)


def pack(
    kind: int, session: int, seq: int, t_ms: int, payload: bytes = b"", crc_n: int = 2
) -> bytes:
    """One frame as it goes on the wire, 00 at its end. A HELLO tells the interface by itself."""
    if kind == FrameType.HELLO and not payload:
        payload = _HELLO.pack(INTERFACE_HASH)
    return _wire(_HEADER.pack(VERSION, kind, session, seq, t_ms) + payload, crc_n)


def pack_setpoint(
    session: int,
    seq: int,
    t_ms: int,
    mode: int,
    ttl_ms: int,
    counts: tuple[int, ...],
    crc_n: int = 2,
) -> bytes:
    """A SETPOINT as it goes on the wire (30 bytes); `counts` (DOF_N,) are within +-1000."""
    return _wire(
        _SETPOINT_FRAME.pack(
            VERSION, FrameType.SETPOINT, session, seq, t_ms, mode, 0, ttl_ms, *counts
        ),
        crc_n,
    )


def hello_ack_payload(ack: HelloAck) -> bytes:
    return _HELLO_ACK.pack(*ack)


def ack_payload(ack: Ack) -> bytes:
    return _ACK.pack(*ack)


def telem_payload(telem: Telem) -> bytes:
    state = telem.state | telem.flags << 4
    return _TELEM.pack(state, *telem[1:4], *telem.counts, *telem[5:8])


def unpack_hello(payload: bytes) -> int:
    """The interface hash that the host was built with."""
    return int(_HELLO.unpack(payload)[0])


def unpack_hello_ack(payload: bytes) -> HelloAck:
    return HelloAck._make(_HELLO_ACK.unpack(payload))


def unpack_ack(payload: bytes) -> Ack:
    return Ack._make(_ACK.unpack(payload))


def unpack_setpoint(payload: bytes) -> Setpoint:
    mode, flags, ttl_ms, *counts = _SETPOINT.unpack(payload)
    return Setpoint(mode, flags, ttl_ms, tuple(counts))


def unpack_telem(payload: bytes) -> Telem:
    v = _TELEM.unpack(payload)
    return Telem(v[0] & 0xF, v[1], v[2], v[3], v[4:-3], v[-3], v[-2], v[-1], v[0] >> 4)


def setpoint_in_range(setpoint: Setpoint, modes: tuple[int, ...] = _MODES) -> bool:
    """Whether a receiver that knows those modes may act on it at all."""
    return (
        setpoint.mode in modes
        and TTL_MS[0] <= setpoint.ttl_ms <= TTL_MS[1]
        and min(setpoint.counts) >= -FULL_SCALE
        and max(setpoint.counts) <= FULL_SCALE
    )


def _wire(raw: bytes, crc_n: int) -> bytes:
    return cobs_encode(raw + check_of(raw, crc_n)) + b"\0"


@dataclass(slots=True)
class Deframer:
    """What one end knows about the bytes it hears; whatever is dropped is counted.

    The hand's end learns `session` from HELLO; the host's end is started with its own.
    """

    session: int | None = None
    last_seq: int | None = None
    crc_n: int = 2
    """Bytes of the CRC: 2, or 4 for exoskeletons. Both ends have to know."""
    tail: bytes = b""
    """Begin of a frame whose end has not come yet."""
    dropping: bool = False
    """Inside a frame that was too long: nothing counts until the next 00."""
    ok: int = 0
    crc_errors: int = 0
    oversize: int = 0
    garbage: int = 0
    """Not byte stuffing, or shorter than a header."""
    wrong_version: int = 0
    wrong_length: int = 0
    wrong_session: int = 0
    stale: int = 0
    """Repeated, overtaken, or too far ahead."""

    @property
    def damaged(self) -> int:
        """Frames that the line, and not the sender, spoiled."""
        return self.crc_errors + self.oversize + self.garbage


def receive(state: Deframer, data: bytes) -> list[Frame]:
    """The accepted frames that end in `data`, in order; the same for any split of the bytes."""
    *ended, tail = (state.tail + data).split(b"\0")
    frames = []
    for coded in ended:
        if state.dropping:
            state.dropping = False
        elif len(coded) > CODED_MAX_N:
            state.oversize += 1
        elif coded:
            frame = _decoded(state, coded)
            if frame is not None and _accepted(state, frame):
                state.ok += 1
                frames.append(frame)
    if state.dropping:
        tail = b""
    elif len(tail) > CODED_MAX_N:
        state.oversize += 1
        state.dropping = True
        tail = b""
    state.tail = tail
    return frames


def _decoded(state: Deframer, coded: bytes) -> Frame | None:
    raw = cobs_decode(coded)
    crc_n = state.crc_n
    if raw is None or len(raw) < _HEADER.size + crc_n:
        state.garbage += 1
        return None
    if check_of(raw[:-crc_n], crc_n) != raw[-crc_n:]:
        state.crc_errors += 1
        return None
    payload = raw[_HEADER.size : -crc_n]
    version, kind, session, seq, t_ms = _HEADER.unpack_from(raw)
    frame = Frame(version, kind, session, seq, t_ms, payload)
    expected_n = _PAYLOAD_N.get(kind, len(payload))
    if version != VERSION:
        # A handshake must be readable whatever the version, or two versions cannot tell
        # each other that they differ; later versions may lengthen it.
        if kind not in _HANDSHAKE or len(payload) < expected_n:
            state.wrong_version += 1
            return None
        return frame._replace(payload=payload[:expected_n])
    if len(payload) != expected_n:
        state.wrong_length += 1
        return None
    return frame


def _accepted(state: Deframer, frame: Frame) -> bool:
    if frame.type == FrameType.ESTOP:
        return True  # from anyone, at any time
    if frame.session != state.session:
        if frame.type != FrameType.HELLO:
            state.wrong_session += 1
            return False
        state.session, state.last_seq = frame.session, None
    if state.last_seq is not None:
        ahead = (frame.seq - state.last_seq) & 0xFFFF
        window = 0x7FFF if frame.type in _HANDSHAKE else SEQ_WINDOW
        if not 0 < ahead <= window:
            state.stale += 1
            return False
    elif frame.type not in _HANDSHAKE:
        state.stale += 1
        return False
    state.last_seq = frame.seq
    return True
