"""A guarded application of nothing, and requests to it."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

from flexor.dashboard.access import Access
from flexor.dashboard.guard import COOKIE, Guard

HOST = "hand.local:8443"
TOKEN = "a-token-of-the-device-0123456789"


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


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
