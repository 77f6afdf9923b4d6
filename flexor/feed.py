"""How the control loop feeds other processes (recorder, view) without waiting for them.

A feed is a socket pair of whole messages (SOCK_SEQPACKET) with a consumer process behind it.
The kernel bounds it and keeps the order. A slow or dead consumer costs messages, which are
counted, and never time. No array library here: a consumer need not load one.
"""

from __future__ import annotations

import select
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flexor.messages import MESSAGE_MAX, Kind, SamplesMessage, pack, said

if TYPE_CHECKING:
    from acquisition.stream import Chunk, Spec

HEARD_N = 32
"""Messages of a consumer that are heard at a time: one that floods must not hold the loop up."""


@dataclass
class _Stream:
    """What a feed remembers of one of its streams."""

    kind: Kind
    rate_hz: float
    piece_samples: int
    lost: int = 0
    """samples that the consumer did not get since the last that it got"""


def _stream(kind: Kind, spec: Spec) -> _Stream:
    return _Stream(kind, spec.rate_hz, max(1, (MESSAGE_MAX // 2) // (4 * len(spec.channels))))


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
        motion_spec: Spec | None = None,
    ) -> None:
        self.alive = True
        """False once the consumer is gone."""
        self.dropped_n = 0
        """Messages that the consumer did not get."""
        self.refused_n = 0
        """Messages of the consumer that nobody understands."""
        self.missed = False
        """Whether it was noticed that the consumer is gone."""
        self.name = "consumer"
        """What it is, for sentences."""
        self.told: dict[str, Any] = {}
        """What a recorder told of itself last."""
        self.process = process
        self._sock = sock
        self._emg = _stream(Kind.SAMPLES, spec)
        self._motion = None if motion_spec is None else _stream(Kind.MOTION, motion_spec)
        sock.setblocking(False)
        # The kernel gives less where its own bound is lower.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        head = {"spec": spec.to_json(), "source": source}
        if motion_spec is not None:
            head["motion"] = motion_spec.to_json()
        self.send(Kind.SPEC, head)

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
        self._send_samples(self._emg, chunk)
        for marker in chunk.markers:
            self.send_marker(chunk.clock_s + marker.sample_n / self._emg.rate_hz, marker.text)

    def send_motion(self, chunk: Chunk) -> None:
        """Hands a chunk of the second stream over; nothing where the feed began without one."""
        if self._motion is not None:
            self._send_samples(self._motion, chunk)

    def _send_samples(self, stream: _Stream, chunk: Chunk) -> None:
        samples_n, channels_n = chunk.samples.shape
        stream.lost += chunk.lost
        for first in range(0, samples_n, stream.piece_samples):
            piece = chunk.samples[first : first + stream.piece_samples]
            message = SamplesMessage(
                chunk.clock_s + first / stream.rate_hz,
                stream.lost,
                len(piece),
                channels_n,
                piece.astype("<f4", copy=False).tobytes(),
            )
            sent = self.send(stream.kind, message)
            stream.lost = 0 if sent else stream.lost + len(piece)

    def send_marker(self, clock_s: float, text: str) -> bool:
        """Hands a word about a moment over."""
        return self.send(Kind.MARKER, {"clock_s": clock_s, "text": text})

    def poll(self) -> list[dict[str, Any]]:
        """What the consumer has said since the last call; no more than HEARD_N at a time."""
        heard: list[dict[str, Any]] = []
        if self._sock.fileno() < 0:
            return heard
        for _ in range(HEARD_N):
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
            word = said(message)
            if word is None:
                self.refused_n += 1
            else:
                heard.append(word)
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
            heard += self.poll()
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
    motion_spec: Spec | None = None,
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
    feed = Feed(ours, spec, source, process, motion_spec)
    feed.name = module.rpartition(".")[2]
    return feed


def say(sock: socket.socket, status: dict[str, Any]) -> None:
    """Tells the control loop something, from the consumer's end; lost if it does not listen."""
    with suppress(OSError):
        sock.send(pack(Kind.STATUS, status), socket.MSG_DONTWAIT)
