"""Faults 32 and 33: those who look at a run flood it, stand still, or say what nobody may say."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from socket import MSG_DONTWAIT, socket
from typing import Any
from unittest.mock import patch

from firmware_bridge.safety_state import Phase
from flexor.dashboard.access import Access
from flexor.dashboard.guard import COOKIE, Guard
from flexor.dashboard.policy import Policy
from flexor.door import GUESTS_N, Door, visit
from flexor.fault_bench import MOVING_S, VirtualRun
from flexor.fault_process import feeding, motion, undisturbed
from flexor.fault_stream import DEVICE, moving
from flexor.fault_table import Outcome
from flexor.feed import Feed
from flexor.listen import listen
from flexor.messages import MESSAGE_MAX, SAID_MAX, Kind, pack

HEARD_MS = 2.0
"""Time that hearing full queues may take of a turn of 10 ms."""
FLOOD_N = 100
CROWD_N = GUESTS_N + 2
OPENED_S = 0.15
"""The loop looks at its door ten times a second."""
HOST = "127.0.0.1:8420"
Message = MutableMapping[str, Any]


def flood(sock: socket) -> None:
    """Says as much as the kernel takes, half of it nonsense."""
    words = (pack(Kind.STATUS, {"event": "x" * 500}), b"\xff" * 500)
    for i in range(FLOOD_N):
        try:
            sock.send(words[i % 2], MSG_DONTWAIT)
        except OSError:
            return


def stuff(feed: Feed) -> int:
    """Fills the queue of one who reads nothing; gives how many messages were dropped by then."""
    while not feed.dropped_n:
        feed.send_marker(0.0, "x" * (MESSAGE_MAX // 2))
    return feed.dropped_n


@contextmanager
def crowd(run: VirtualRun) -> Iterator[list[socket]]:
    """More guests at the run's door than there is room for."""
    with tempfile.TemporaryDirectory() as folder, patch.dict("os.environ", XDG_RUNTIME_DIR=folder):
        run.loop.door = Door(run.source.spec, "crowd")
        guests: list[socket] = []
        try:
            for _ in range(CROWD_N):  # one at each opening
                guests.append(visit(run.loop.door.path))
                run.until(run.second + OPENED_S)
            run.until(MOVING_S)
            yield guests
        finally:
            for sock in guests:
                sock.close()
            run.loop.door.close()
            for feed in run.loop.feeds:
                feed.close(0.0)


def flooded() -> Outcome:
    """32: a consumer and more guests than there is room for read nothing and say no end."""
    run = VirtualRun(word=DEVICE, c=True).until(MOVING_S - 2 * CROWD_N * OPENED_S)
    with crowd(run) as guests, feeding(run) as (feed, theirs):
        dropped_n = stuff(feed)
        everybody = (theirs, *guests)

        def all_flood() -> None:
            for sock in everybody:
                flood(sock)

        ok = motion(run, all_flood) == undisturbed()
        ok &= feed.dropped_n > dropped_n and feed.refused_n > 0
        door = run.loop.door
        ok &= door is not None and door.refused_n == CROWD_N - GUESTS_N
        ok &= len(run.loop.feeds) == 1 + GUESTS_N
        costs_s = []
        for _ in range(20):
            all_flood()
            begun_s = time.thread_time()
            listen(run.loop, run.now_s)
            costs_s.append(time.thread_time() - begun_s)
        ok &= 1e3 * sorted(costs_s)[10] < HEARD_MS
    return Outcome(ok, None, run.told(MOVING_S))


NONSENSE = (
    b"\0",
    b"\xff" * 100,
    bytes([Kind.STATUS]),
    bytes([Kind.STATUS]) + b"[" * (SAID_MAX - 1),
    bytes([Kind.STATUS]) + b"\xff\xfe",
    bytes([Kind.STATUS]) + b'"disarm"',
    bytes([Kind.SAMPLES]) + b"short",
    bytes([99]) + b"{}",
    pack(Kind.STATUS, {"key": "disarm", "more": "x" * SAID_MAX}),
    pack(Kind.STATUS, {"key": "../../etc/passwd"}),
    pack(Kind.STATUS, {"key": ["disarm"]}),
    pack(Kind.STATUS, {"event": 7}),
    bytes([Kind.STATUS]) + b"x" * (MESSAGE_MAX - 1),
)
"""What no consumer of ours says."""


def request(path: str, method: str = "GET", **headers: str) -> Message:
    """An ASGI scope; what is not said is as a browser of the page has it."""
    usual = {"host": HOST, **({} if method == "GET" else {"origin": f"http://{HOST}"})}
    given = {**usual, **{name.replace("_", "-"): value for name, value in headers.items()}}
    raw = [(name.encode(), value.encode("latin-1")) for name, value in given.items()]
    scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode()}
    return {**scope, "headers": raw, "client": ("192.0.2.7", 50_000)}


def hostile(cookie: str) -> list[Message]:
    """Requests that mean harm, from a browser that was let in."""
    known = {"cookie": f"{COOKIE}={cookie}"}
    twice = request("/live", **known)
    twice["headers"] = [*twice["headers"], (b"host", b"elsewhere")]
    return [
        request("/../../etc/passwd", **known),
        request("/static/..\\..\\keys", **known),
        request("/%2e%2e/%2e%2e/etc/passwd", **known),
        request("//etc/passwd", **known),
        request("/live\0.html", **known),
        request("/live", "DELETE", **known),
        request("/live", host="elsewhere:8420", cookie=known["cookie"]),
        request("/act", "POST", origin="http://elsewhere", content_length="2", **known),
        request("/act", "POST", content_length="100000000", **known),
        request("/act", "POST", content_length="9" * 400, **known),
        request("/act", "POST", content_length="-1", **known),
        request("/act", "POST", transfer_encoding="chunked", **known),
        request("/act", "POST", **known),
        request("/live", cookie=f"{COOKIE}=" + "A" * 43),
        twice,
    ]


def judged(scope: Message, guard: Guard, body: bytes = b"{}") -> tuple[int, str]:
    """(status, text) of the answer."""
    said: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        said.append(message)

    asyncio.run(guard(scope, receive, send))
    status = next(m["status"] for m in said if m["type"] == "http.response.start")
    return int(status), b"".join(m.get("body", b"") for m in said).decode()


def refused_at_the_door() -> tuple[bool, str]:
    """(whether every hostile request was refused and changed nothing, what was answered)."""
    reached: list[str] = []

    async def page(scope: Message, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        message = await receive()
        reached.append(message["type"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"in"})

    access = Access(Policy((HOST,), paired=True), "secret")
    guard = Guard(page, access)
    cookie = access.admit()
    known = {"cookie": f"{COOKIE}={cookie}"}
    answers = [judged(scope, guard) for scope in hostile(cookie)]
    ok = all(400 <= status < 500 for status, _ in answers) and not reached
    ok &= len(access.sessions) == 1 and not access.controller
    ok &= judged(request("/live", **known), guard)[0] == 200
    lying = request("/act", "POST", content_length="2", **known)
    judged(lying, guard, b"x" * (access.policy.upload_bytes + 1))
    ok &= reached == ["http.request", "http.disconnect"]
    return ok, " ".join(dict.fromkeys(text for _, text in answers))


def malformed() -> Outcome:
    """33: a consumer says what is cut, nested, too long, of another kind, or a path; and browsers
    ask the page for files elsewhere, send too much, and come from other pages."""
    run = moving()
    with feeding(run) as (feed, theirs):
        for message in NONSENSE:
            theirs.send(message)
        ok = motion(run) == undisturbed()
        ok &= feed.refused_n == len(NONSENSE) and run.loop.gate_state.phase is Phase.ARMED
    web_ok, said = refused_at_the_door()
    return Outcome(ok and web_ok, None, f"{run.told(MOVING_S)} {said}")
