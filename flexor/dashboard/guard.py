"""The door in front of the page: every request passes the judge before anything else sees it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

from flexor.dashboard.access import Access
from flexor.dashboard.policy import Request, Why

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

COOKIE = "flexor_session"
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (
        b"content-security-policy",
        # Vue compiles templates in the browser and NiceGUI writes scripts into its page.
        b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
        b"style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
        b"connect-src 'self' ws: wss:; frame-ancestors 'none'; base-uri 'self'; form-action 'self'",
    ),
)
"""What the browser is told to refuse by itself."""


class Guard:
    """An application that lets through to `app` what `access` does not refuse."""

    def __init__(self, app: App, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        request = read_request(scope)
        why = Why.MALFORMED if request is None else self._access.judge(request)
        if why is None and request is not None:
            limit = bounded(receive, self._access.policy.upload_bytes)
            await self._app(scope, limit, hardened(send))
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            await refuse(send, why or Why.MALFORMED, page=wants_page(request))


def read_request(scope: Message) -> Request | None:
    """What the judge needs of an ASGI scope; None where headers are no text or come twice."""
    headers: dict[str, str] = {}
    try:
        for raw_name, raw_value in scope["headers"]:
            name = raw_name.decode("ascii").lower()
            if name in headers and name in ("host", "origin", "content-length", "cookie"):
                return None
            headers[name] = raw_value.decode("latin-1")
        raw_path = scope.get("raw_path") or scope["path"].encode()
        path = scope["path"] if b"%" not in raw_path else raw_path.decode("ascii")
    except UnicodeDecodeError:
        return None
    client = scope.get("client") or ("", 0)
    socket = scope["type"] == "websocket"
    method = "GET" if socket else scope["method"]
    path = "/.." if "%" in path else path  # nothing of ours needs it, and it hides what is asked
    return Request(method, path, headers, client[0], socket, cookie_of(headers.get("cookie", "")))


def cookie_of(header: str) -> str:
    """The session's cookie in a Cookie header, or nothing."""
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found is not None else ""


def set_cookie(value: str, *, secure: bool) -> str:
    """The header that gives a browser its session, out of reach of scripts and other pages."""
    return f"{COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict" + ("; Secure" if secure else "")


def wants_page(request: Request | None) -> bool:
    """Whether a person looks at the answer."""
    return request is not None and "text/html" in request.headers.get("accept", "")


def bounded(receive: Receive, most: int) -> Receive:
    """The same, but a body that grows beyond what was told ends the request."""
    got = 0

    async def limited() -> Message:
        nonlocal got
        message = await receive()
        got += len(message.get("body", b""))
        return message if got <= most else {"type": "http.disconnect"}

    return limited


def hardened(send: Send) -> Send:
    """The same, with what the browser is to refuse by itself."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *HEADERS]
        await send(message)

    return sending


async def refuse(send: Send, why: Why, *, page: bool) -> None:
    """Tells the one who asked why not; a person without a session is taken to the pairing."""
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store"), *HEADERS]
    status = why.status
    if page and why is Why.NO_SESSION:
        status = 303
        headers.append((b"location", b"/pair"))
    body = json.dumps({"refused": why.name.lower(), "text": why.text}).encode()
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
