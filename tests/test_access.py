"""The door in front of the page: what is refused never reaches what is behind it."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from flexor.dashboard.access import Access
from flexor.dashboard.guard import COOKIE, Guard
from flexor.dashboard.policy import Policy
from tests.access_rig import HOST, TOKEN, Clock, ask


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def access(clock: Clock) -> Access:
    return Access(Policy((HOST,), secure=True), TOKEN, clock)


def test_a_paired_browser_gets_in_and_is_told_to_refuse_by_itself(access: Access) -> None:
    cookie, why = access.pair("10.0.0.9", TOKEN)
    assert why is None
    status, headers, passed = ask(access, cookie=cookie)
    assert (status, passed) == (200, 1)
    assert headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert ask(access, "POST", "/act", cookie=cookie, body=b"{}")[2] == 1
    assert ask(
        access, path="/_nicegui_ws/x", cookie=cookie, kind="websocket",
        headers={"origin": f"https://{HOST}"},
    )[2] == 1  # fmt: skip


ACT = {"method": "POST", "path": "/act", "body": b"{}"}
WS = {"path": "/_nicegui_ws/socket.io", "kind": "websocket"}
REFUSED: dict[str, tuple[int, dict[str, Any]]] = {
    "a page without a session": (401, {"cookie": ""}),
    "a session nobody was given": (401, {"cookie": "invented"}),
    "an empty session": (401, {"cookie": "", "headers": {"cookie": f"{COOKIE}="}}),
    "a cookie that is none": (401, {"cookie": "", "headers": {"cookie": "\x01=;;;="}}),
    "an act without a session": (401, {**ACT, "cookie": ""}),
    "a socket without a session": (1008, {**WS, "cookie": ""}),
    "another host's name": (421, {"headers": {"host": "evil.example"}}),
    "a host's name with another port": (421, {"headers": {"host": "hand.local:80"}}),
    "an address in place of the name": (421, {"headers": {"host": "10.0.0.1:8443"}}),
    "no host at all": (421, {"headers": {"host": "-"}}),
    "two hosts": (400, {"raw": [(b"host", b"evil.example")]}),
    "two cookies": (400, {"raw": [(b"cookie", b"a=b")]}),
    "an act from another page": (403, {**ACT, "headers": {"origin": "https://evil.example"}}),
    "an act from a page of nothing": (403, {**ACT, "headers": {"origin": "null"}}),
    "an act from nowhere": (403, {**ACT, "headers": {"origin": "-"}}),
    "an act from this host without TLS": (403, {**ACT, "headers": {"origin": f"http://{HOST}"}}),
    "an origin that only begins like ours": (
        403,
        {**ACT, "headers": {"origin": f"https://{HOST}.evil.example"}},
    ),
    "a socket from another page": (1008, {**WS, "headers": {"origin": "https://evil.example"}}),
    "a socket from nowhere": (1008, WS),
    "a page framed by another": (403, {"headers": {"sec-fetch-site": "cross-site"}}),
    "an upload without its length": (
        411,
        {"method": "POST", "path": "/upload/artifact", "headers": {"content-length": "-"}},
    ),
    "an upload in pieces": (
        411,
        {"method": "POST", "path": "/upload/artifact", "headers": {"transfer-encoding": "chunked"}},
    ),
    "a length that is no number": (400, {**ACT, "headers": {"content-length": "many"}}),
    "a negative length": (400, {**ACT, "headers": {"content-length": "-5"}}),
    "an upload that is too large": (
        413,
        {"method": "POST", "path": "/upload/artifact", "headers": {"content-length": "2000001"}},
    ),
    "a length beyond all": (413, {**ACT, "headers": {"content-length": "9" * 40}}),
    "an act that is too large": (413, {**ACT, "headers": {"content-length": "16385"}}),
    "a way up the folders": (404, {"path": "/static/../../etc/passwd"}),
    "a hidden way up the folders": (404, {"path": "/static/%2e%2e/%2e%2e/etc/passwd"}),
    "a hidden slash": (404, {"path": "/static%2fsecret"}),
    "a backslash": (404, {"path": "/static\\..\\secret"}),
    "two slashes": (404, {"path": "//evil.example/"}),
    "a path from nowhere": (404, {"path": "act"}),
    "a deletion": (405, {"method": "DELETE"}),
    "a change of the page": (405, {"method": "PUT"}),
    "a post to the page": (405, {"method": "POST"}),
    "an act by a link": (405, {"path": "/act"}),
    "an upload by a link": (405, {"path": "/upload/profile"}),
    "a trace": (405, {"method": "TRACE"}),
    "a recording without a session": (401, {"cookie": "", "path": "/recording"}),
    "a recording for another page": (
        403,
        {"path": "/recording", "headers": {"sec-fetch-site": "cross-site"}},
    ),
    "a recording that is put there": (405, {"method": "POST", "path": "/recording"}),
    "a recording removed from outside": (405, {"method": "DELETE", "path": "/recording"}),
    "a way up from the recordings": (404, {"path": "/recording/../token"}),
    "a hidden way up from the recordings": (404, {"path": "/recording%2f%2e%2e%2ftoken"}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_reaches_nothing(name: str, access: Access) -> None:
    expected, asked = REFUSED[name]
    cookie, _ = access.pair("10.0.0.9", TOKEN)
    status, headers, passed = ask(access, **{"cookie": cookie, **asked})
    assert (status, passed) == (expected, 0)
    if expected != 1008:
        assert headers["x-content-type-options"] == "nosniff"


def test_there_are_at_least_thirty_of_them() -> None:
    assert len(REFUSED) >= 30


def test_a_body_longer_than_was_told_ends_the_request(clock: Clock) -> None:
    access = Access(Policy((HOST,), upload_bytes=10, secure=True), TOKEN, clock)
    cookie, _ = access.pair("10.0.0.9", TOKEN)
    seen: list[str] = []

    async def behind(scope: Any, receive: Any, send: Any) -> None:
        seen.append((await receive())["type"])
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"x" * 11, "more_body": True}

    async def send(message: MutableMapping[str, Any]) -> None:
        pass

    told = [("host", HOST), ("origin", f"https://{HOST}"), ("content-length", "5")]
    told.append(("cookie", f"{COOKIE}={cookie}"))
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/act",
        "headers": [(k.encode(), v.encode()) for k, v in told],
        "client": ("10.0.0.9", 1),
    }
    asyncio.run(Guard(behind, access)(scope, receive, send))
    assert seen == ["http.disconnect"]


def test_a_person_without_a_session_is_taken_to_the_pairing(access: Access) -> None:
    status, headers, passed = ask(access, headers={"accept": "text/html"})
    assert (status, headers["location"], passed) == (303, "/pair", 0)
    assert ask(access, path="/pair")[2] == 1
