"""How the control loop feeds other processes (recorder, view) without waiting for them.

A feed is a socket pair of whole messages (SOCK_SEQPACKET) with a consumer process behind it.
The kernel bounds it and keeps the order. A slow or dead consumer costs messages, which are
counted, and never time. No array library here: a consumer need not load one.
"""

from __future__ import annotations

import json
import select
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from firmware_bridge.command import Command, Mode
from models.intent import Intent

if TYPE_CHECKING:
    from acquisition.stream import Chunk, Spec

MESSAGE_MAX = 65536
"""Bytes. Longer chunks travel in pieces: the kernel refuses what its buffer cannot hold."""


class Kind(IntEnum):
    """What a message is; its first byte."""

    SPEC = 1
    SAMPLES = 2
    MARKER = 3
    INTENT = 4
    COMMAND = 5
    STATUS = 6
    END = 7


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
}
"""kind -> (pack, unpack) of what follows the first byte.

SPEC is {"spec": ..., "source": name}, MARKER {"clock_s": s, "text": ...}, STATUS any object,
END null.
"""


def pack(kind: Kind, value: Any) -> bytes:
    """The message that carries `value`."""
    return bytes((kind,)) + MESSAGES[kind][0](value)


def unpack(message: bytes) -> tuple[Kind, Any]:
    """(kind, value) of a message."""
    kind = Kind(message[0])
    return kind, MESSAGES[kind][1](message[1:])


class Feed:
    """The control loop's end of a feed. Nothing here waits, but `close`.

    Samples that the consumer was too slow for count as lost before the next that it gets.
    """

    def __init__(
        self,
        sock: socket.socket,
        spec: Spec,
        source: str = "",
        process: subprocess.Popen[bytes] | None = None,
    ) -> None:
        self.alive = True
        """False once the consumer is gone."""
        self.dropped_n = 0
        """Messages that the consumer did not get."""
        self.process = process
        self._sock = sock
        self._rate_hz = spec.rate_hz
        self._piece_samples = max(1, (MESSAGE_MAX // 2) // (4 * len(spec.channels)))
        self._lost = 0
        sock.setblocking(False)
        # The kernel gives less where its own bound is lower.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        self.send(Kind.SPEC, {"spec": spec.to_json(), "source": source})

    def send(self, kind: Kind, value: Any) -> bool:
        """Hands `value`, as MESSAGES has it, to the consumer; False if it was dropped."""
        if self.alive:
            try:
                self._sock.send(pack(kind, value))
            except BlockingIOError:
                pass
            except (BrokenPipeError, ConnectionResetError):
                self.alive = False
            except OSError:
                # Too long for the kernel's buffer.
                pass
            else:
                return True
        self.dropped_n += 1
        return False

    def send_chunk(self, chunk: Chunk) -> None:
        """Hands a chunk and its markers over, in as many messages as it takes."""
        samples_n, channels_n = chunk.samples.shape
        self._lost += chunk.lost
        for first in range(0, samples_n, self._piece_samples):
            piece = chunk.samples[first : first + self._piece_samples]
            clock_s = chunk.clock_s + first / self._rate_hz
            message = SamplesMessage(
                clock_s,
                self._lost,
                len(piece),
                channels_n,
                piece.astype("<f4", copy=False).tobytes(),
            )
            self._lost = 0 if self.send(Kind.SAMPLES, message) else self._lost + len(piece)
        for marker in chunk.markers:
            self.send_marker(chunk.clock_s + marker.sample_n / self._rate_hz, marker.text)

    def send_marker(self, clock_s: float, text: str) -> bool:
        """Hands a word about a moment over."""
        return self.send(Kind.MARKER, {"clock_s": clock_s, "text": text})

    def poll(self) -> list[dict[str, Any]]:
        """What the consumer has said since the last call."""
        heard: list[dict[str, Any]] = []
        while self._sock.fileno() >= 0:
            try:
                message = self._sock.recv(MESSAGE_MAX)
            except BlockingIOError:
                break
            except ConnectionResetError:
                # It went with messages unread; what it said before can still be heard.
                self.alive = False
                continue
            if not message:
                self.alive = False
                break
            heard.append(unpack(message)[1])
        return heard

    def close(self, timeout_s: float = 5.0) -> list[dict[str, Any]]:
        """Ends the feed and waits until the consumer is done; gives what it said meanwhile.

        A consumer that takes longer than `timeout_s` is left to finish by itself.
        """
        if self._sock.fileno() < 0:
            return []
        until_s = time.monotonic() + timeout_s
        select.select([], [self._sock], [], timeout_s)
        self.send(Kind.END, None)
        self._shut()
        heard: list[dict[str, Any]] = []
        while (left_s := until_s - time.monotonic()) > 0:
            select.select([self._sock], [], [], left_s)
            said = self.poll()
            heard += said
            if not self.alive:
                break
        self._sock.close()
        self.alive = False
        if self.process is not None:
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(max(0.0, until_s - time.monotonic()))
        return heard

    def _shut(self) -> None:
        try:
            self._sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.alive = False


def spawn(
    module: str,
    spec: Spec,
    source: str = "",
    arguments: Sequence[str] = (),
    *,
    pass_fds: Sequence[int] = (),
    keyboard: bool = False,
) -> Feed:
    """A feed to a new process that runs `main()` of `module`.

    The process finds its socket's number in sys.argv[1] and `arguments` behind it, and ends by
    itself when the feed does: the kernel closes the socket whatever ends the control loop. It
    has a session of its own, so that Ctrl-C reaches the control loop alone, and no standard
    input unless `keyboard`.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                f"from {module} import main; main()",
                str(theirs.fileno()),
                *arguments,
            ],
            stdin=None if keyboard else subprocess.DEVNULL,
            pass_fds=(theirs.fileno(), *pass_fds),
            start_new_session=True,
        )
    return Feed(ours, spec, source, process)


def say(sock: socket.socket, status: dict[str, Any]) -> None:
    """Tells the control loop something, from the consumer's end; lost if it does not listen."""
    with suppress(OSError):
        sock.send(pack(Kind.STATUS, status), socket.MSG_DONTWAIT)
