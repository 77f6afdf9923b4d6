"""The door in front of the page: what is refused never reaches what is behind it."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from acquisition.stream import Refused
from flexor.dashboard.access import CODE_LETTERS, CODE_N, Access, Policy, Why
from flexor.dashboard.guard import COOKIE, Guard, set_cookie

HOST = "hand.local:8443"
TOKEN = "a-token-of-the-device-0123456789"


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def access(clock: Clock) -> Access:
    return Access(Policy((HOST,), secure=True), TOKEN, clock)


class Behind:
    """What the door guards; remembers whether anybody got through."""

    def __init__(self) -> None:
        self.passed = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.passed += 1
        while True:
            message = await receive()
            if message["type"] == "http.disconnect" or not message.get("more_body"):
                break
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"in"})


def ask(
    access: Access,
    method: str = "GET",
    path: str = "/",
    headers: dict[str, str] | None = None,
    *,
    cookie: str = "",
    body: bytes = b"",
    kind: str = "http",
    raw: list[tuple[bytes, bytes]] | None = None,
) -> tuple[int, dict[str, str], int]:
    """(status, headers of the answer, how many requests got through)."""
    told = {"host": HOST, "accept": "application/json"}
    if method == "POST":
        told |= {"origin": f"https://{HOST}", "content-length": str(len(body))}
    if cookie:
        told["cookie"] = f"{COOKIE}={cookie}"
    told |= headers or {}
    pairs = [(k.encode(), v.encode("latin-1")) for k, v in told.items() if v != "-"]
    scope: MutableMapping[str, Any] = {
        "type": kind,
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "headers": pairs + (raw or []),
        "client": ("10.0.0.9", 50000),
    }
    behind, sent = Behind(), []

    async def receive() -> MutableMapping[str, Any]:
        first = "websocket.connect" if kind == "websocket" else "http.request"
        return {"type": first, "body": body, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    asyncio.run(Guard(behind, access)(scope, receive, send))
    first = sent[0]
    got = {k.decode(): v.decode() for k, v in first.get("headers", [])}
    return first.get("status", first.get("code", 101)), got, behind.passed


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


def test_a_short_code_works_once_and_for_a_while(access: Access, clock: Clock) -> None:
    code = access.new_code()
    assert len(code) == CODE_N
    assert set(code) <= set(CODE_LETTERS)
    cookie, why = access.pair("10.0.0.9", f" {code[:4].lower()}-{code[4:]} ")
    assert why is None
    assert access.session(cookie) is not None
    assert access.pair("10.0.0.9", code)[1] is Why.WRONG_CODE
    late = access.new_code()
    clock.now_s += access.policy.code_s + 1
    assert access.pair("10.0.0.9", late)[1] is Why.WRONG_CODE
    first, second = access.new_code(), access.new_code()
    assert access.pair("10.0.0.9", first)[1] is Why.WRONG_CODE
    assert access.pair("10.0.0.9", second)[1] is None


def test_who_guesses_has_to_wait_and_then_may_try_again(access: Access, clock: Clock) -> None:
    for _ in range(access.policy.tries_n):
        assert access.pair("10.0.0.9", "WRONG")[1] is Why.WRONG_CODE
    assert access.pair("10.0.0.9", TOKEN)[1] is Why.OFTEN
    assert access.pair("10.0.0.10", TOKEN)[1] is None
    clock.now_s += 61
    assert access.pair("10.0.0.9", TOKEN)[1] is None


def test_many_addresses_that_guess_together_have_to_wait_too(access: Access) -> None:
    for k in range(access.policy.tries_all_n):
        access.pair(f"10.0.1.{k}", "WRONG")
    assert access.pair("10.0.2.1", TOKEN)[1] is Why.OFTEN


def test_a_flood_of_requests_is_refused_and_others_are_not(access: Access, clock: Clock) -> None:
    cookie, _ = access.pair("10.0.0.9", TOKEN)
    statuses = [ask(access, cookie=cookie)[0] for _ in range(access.policy.rate_n + 1)]
    assert statuses[-2:] == [200, 429]
    clock.now_s += 11
    assert ask(access, cookie=cookie)[0] == 200


def test_sessions_end_by_themselves(access: Access, clock: Clock) -> None:
    idle, _ = access.pair("a", TOKEN)
    clock.now_s += access.policy.idle_s + 1
    assert access.session(idle) is None
    busy, _ = access.pair("a", TOKEN)
    for _ in range(20):
        clock.now_s += access.policy.idle_s - 1
        if clock.now_s > 1000.0 + access.policy.session_s + 2 * access.policy.idle_s:
            break
        access.session(busy)
    clock.now_s += access.policy.session_s
    assert access.session(busy) is None
    left, _ = access.pair("b", TOKEN)
    access.leave(left)
    assert access.session(left) is None


def test_there_are_only_so_many_sessions(access: Access) -> None:
    cookies = [access.pair(f"h{k}", TOKEN)[0] for k in range(access.policy.sessions_n + 3)]
    assert len(access.sessions) == access.policy.sessions_n
    assert access.session(cookies[-1]) is not None


def test_one_session_acts_at_a_time_and_everybody_may_stop(access: Access) -> None:
    one, _ = access.pair("a", TOKEN)
    two, _ = access.pair("b", TOKEN)
    assert access.act(one, 1) is Why.NOT_CONTROLLER
    assert access.take_control(one) is None
    assert access.act(one, 1) is None
    assert access.take_control(two) is Why.NOT_CONTROLLER
    assert access.act(two, 1) is Why.NOT_CONTROLLER
    assert access.act(two, 1, stop=True) is None
    assert access.take_control(two, force=True) is None
    assert access.act(one, 2) is Why.NOT_CONTROLLER
    access.give_control(two)
    assert access.take_control(one) is None
    access.leave(one)
    assert access.take_control(two) is None


def test_an_action_that_comes_twice_is_done_once(access: Access) -> None:
    cookie, _ = access.pair("a", TOKEN)
    access.take_control(cookie)
    assert access.act(cookie, 5) is None
    assert access.act(cookie, 5) is Why.REPLAYED
    assert access.act(cookie, 4) is Why.REPLAYED
    assert access.act(cookie, 6) is None
    assert access.act(cookie, 6, stop=True) is None
    assert access.act("", 7, stop=True) is Why.NO_SESSION


def test_no_secret_is_kept(access: Access) -> None:
    code, (cookie, _) = access.new_code(), access.pair("a", TOKEN)
    kept = repr(access)
    assert not any(secret in kept for secret in (TOKEN, code, cookie))


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_pages() -> None:
    header = set_cookie("x", secure=True)
    assert {"HttpOnly", "SameSite=Strict", "Secure"} <= set(header.split("; "))
    assert "Secure" not in set_cookie("x", secure=False)


def test_a_policy_that_cannot_be_is_refused() -> None:
    with pytest.raises(Refused, match="at least one address"):
        Policy(())
    with pytest.raises(Refused, match="idles no longer"):
        Policy((HOST,), idle_s=10.0, session_s=5.0)
