"""The messages of a feed: what a consumer (recorder, view) is told, as bytes and back.

No array library here: a consumer need not load one.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from enum import IntEnum
from typing import Any, NamedTuple

from firmware_bridge.command import Command, Mode
from models.intent import Intent

MESSAGE_MAX = 65536
"""Bytes. Longer chunks travel in pieces: the kernel refuses what its buffer cannot hold."""
SAID_MAX = 4096
"""Bytes of what a consumer says back: a key, or a sentence."""


class Kind(IntEnum):
    """What a message is; its first byte."""

    SPEC = 1
    SAMPLES = 2
    MARKER = 3
    INTENT = 4
    COMMAND = 5
    STATUS = 6
    END = 7
    MOTION = 8


class SamplesMessage(NamedTuple):
    """Consecutive samples on their way to a consumer."""

    clock_s: float
    lost: int
    samples_n: int
    channels_n: int
    data: bytes
    """float32, (time, channel)"""


class IntentMessage(NamedTuple):
    """An intent, and the monotonic second at which it was decided."""

    at_s: float
    intent: Intent


class CommandMessage(NamedTuple):
    """A command, and the monotonic second at which it was sent."""

    at_s: float
    command: Command


_SAMPLES = struct.Struct("<dIHH")
_INTENT = struct.Struct("<dddd?qHH")
_COMMAND = struct.Struct("<dddB?qH")


def _pack_samples(m: SamplesMessage) -> bytes:
    return _SAMPLES.pack(m.clock_s, min(m.lost, 2**32 - 1), m.samples_n, m.channels_n) + m.data


def _unpack_samples(body: bytes) -> SamplesMessage:
    clock_s, lost, samples_n, channels_n = _SAMPLES.unpack_from(body)
    return SamplesMessage(clock_s, lost, samples_n, channels_n, body[_SAMPLES.size :])


def _pack_intent(m: IntentMessage) -> bytes:
    i = m.intent
    name, n = i.gesture.encode(), len(i.targets)
    head = _INTENT.pack(
        m.at_s, i.clock_s, i.strength, i.confidence, i.rejected, i.decision_n, len(name), n
    )
    return head + struct.pack(f"<{n}d", *i.targets) + name


def _unpack_intent(body: bytes) -> IntentMessage:
    at_s, clock_s, strength, confidence, rejected, decision_n, name_n, n = _INTENT.unpack_from(body)
    targets = struct.unpack_from(f"<{n}d", body, _INTENT.size)
    name = body[len(body) - name_n :].decode()
    return IntentMessage(
        at_s, Intent(name, strength, confidence, clock_s, decision_n, rejected, targets)
    )


def _pack_command(m: CommandMessage) -> bytes:
    c, n = m.command, len(m.command.joints)
    head = _COMMAND.pack(m.at_s, c.clock_s, c.ttl_s, c.mode, c.rest, c.decision_n, n)
    return head + struct.pack(f"<{n}d", *c.joints)


def _unpack_command(body: bytes) -> CommandMessage:
    at_s, clock_s, ttl_s, mode, rest, decision_n, n = _COMMAND.unpack_from(body)
    joints = struct.unpack_from(f"<{n}d", body, _COMMAND.size)
    return CommandMessage(at_s, Command(Mode(mode), joints, clock_s, decision_n, ttl_s, rest))


def _pack_json(value: Any) -> bytes:
    return json.dumps(value).encode()


MESSAGES: dict[Kind, tuple[Callable[[Any], bytes], Callable[[bytes], Any]]] = {
    Kind.SPEC: (_pack_json, json.loads),
    Kind.SAMPLES: (_pack_samples, _unpack_samples),
    Kind.MARKER: (_pack_json, json.loads),
    Kind.INTENT: (_pack_intent, _unpack_intent),
    Kind.COMMAND: (_pack_command, _unpack_command),
    Kind.STATUS: (_pack_json, json.loads),
    Kind.END: (_pack_json, json.loads),
    Kind.MOTION: (_pack_samples, _unpack_samples),
}
"""kind -> (pack, unpack) of what follows the first byte.

SPEC is {"spec": ..., "source": name} and, of a source with motion, "motion": its spec as well;
MARKER {"clock_s": s, "text": ...}, STATUS any object, END null.
"""


def pack(kind: Kind, value: Any) -> bytes:
    """The message that carries `value`."""
    return bytes((kind,)) + MESSAGES[kind][0](value)


def unpack(message: bytes) -> tuple[Kind, Any]:
    """(kind, value) of a message."""
    kind = Kind(message[0])
    return kind, MESSAGES[kind][1](message[1:])


def said(message: bytes) -> dict[str, Any] | None:
    """What a consumer says back; None for anything but a short STATUS that is an object.

    The control loop hears it: whatever it is, it must not end the loop or hold it up.
    """
    if len(message) > SAID_MAX or message[:1] != bytes((Kind.STATUS,)):
        return None
    try:
        value = json.loads(message[1:])
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
