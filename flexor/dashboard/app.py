"""The page's server: its own few routes, the pages, and the door in front of all of them."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from nicegui import app as nicegui_app
from nicegui import ui

from acquisition.stream import Refused
from flexor.dashboard import pages
from flexor.dashboard.access import Access
from flexor.dashboard.audit import Audit
from flexor.dashboard.desk import Desk
from flexor.dashboard.guard import COOKIE, Guard, set_cookie
from flexor.dashboard.history import kept, report_pdf
from flexor.dashboard.keys import certificate, device_token
from flexor.dashboard.live_view import live_view
from flexor.dashboard.pages.test import HISTORY
from flexor.dashboard.policy import Policy, Why
from flexor.dashboard.supervisor import Supervisor
from flexor.metrics import metrics_text

STATIC = Path(__file__).parent / "static"
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Address:
    """Where the page is served."""

    host: str = LOOPBACK
    """the address to bind to; anything but loopback means TLS and pairing"""
    port: int = 8420
    names: tuple[str, ...] = ()
    """further names that browsers may use for this device"""

    @property
    def open_to_network(self) -> bool:
        return self.host not in (LOOPBACK, "::1", "localhost")

    def hosts(self) -> tuple[str, ...]:
        """What a browser may have in its address line."""
        names = {*self.names}
        if self.open_to_network:
            names |= {self.host} if self.host not in ("0.0.0.0", "::") else local_names()  # noqa: S104
        else:
            names |= {LOOPBACK, "localhost"}
        return tuple(f"{name}:{self.port}" for name in sorted(names))


def local_names() -> set[str]:
    """The names and addresses by which others on the network know this computer."""
    name = socket.gethostname()
    found = {name, f"{name}.local"}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent: it only picks the way out
            found.add(probe.getsockname()[0])
        except OSError:
            pass
    return found


def make_desk(address: Address, folder: Path) -> Desk:
    """What the pages stand on, with the device's own secrets in `folder`."""
    policy = Policy(address.hosts(), secure=address.open_to_network, paired=address.open_to_network)
    access = Access(policy, device_token(folder))
    return Desk(access, Audit(folder / "audit.jsonl"), Supervisor(folder / "run.log"), folder)


def make_app(desk: Desk) -> Guard:
    """The whole application, guarded."""
    app = FastAPI(lifespan=_life(desk), docs_url=None, redoc_url=None, openapi_url=None)
    _routes(app, desk)
    nicegui_app.add_static_files("/flexor", str(STATIC))
    pages.register(desk)
    ui.run_with(app, title="Flexor", dark=None, show_welcome_message=False, reconnect_timeout=10.0)
    return Guard(app, desk.access)


def _life(desk: Desk) -> Any:
    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        looking = asyncio.create_task(desk.look())
        yield
        looking.cancel()

    return life


def _routes(app: FastAPI, desk: Desk) -> None:
    secure = desk.access.policy.secure

    @app.get("/pair")
    def pair_page() -> Response:
        return FileResponse(STATIC / "pair.html", headers={"cache-control": "no-store"})

    @app.get("/pair.js")
    def pair_script() -> Response:
        return FileResponse(STATIC / "pair.js")

    @app.post("/pair/")
    async def pair(request: Request) -> Response:
        told = await _json(request)
        secret = told.get("secret") if told is not None else None
        if not isinstance(secret, str):
            return refused(Why.MALFORMED)
        address = request.client.host if request.client else ""
        cookie, why = desk.access.pair(address, secret)
        desk.audit.write("pair", address, answer=why.name.lower() if why else "paired")
        if why is not None:
            return refused(why)
        return Response(status_code=204, headers={"set-cookie": set_cookie(cookie, secure=secure)})

    @app.get("/live")
    def live(since: int = 0, spectrum: bool = False) -> Response:
        view = live_view(desk.hub, max(0, since), spectrum=spectrum)
        test = desk.examination
        return JSONResponse(view | {"test": test and test.picture(time.monotonic())})

    @app.get("/report.pdf")
    def report() -> Response:
        try:
            document = report_pdf(kept(desk.folder / HISTORY))
        except Refused as error:
            return JSONResponse({"refused": "no tests", "text": str(error)}, status_code=404)
        return Response(document, media_type="application/pdf")

    @app.get("/metrics")
    def metrics() -> Response:
        hub = desk.hub
        text = metrics_text(hub.alive, hub.taken_n, hub.status)
        return Response(text, media_type="text/plain; version=0.0.4")

    @app.post("/leave")
    def leave(request: Request) -> Response:
        desk.access.leave(request.cookies.get(COOKIE, ""))
        return Response(status_code=204, headers={"set-cookie": f"{COOKIE}=; Path=/; Max-Age=0"})

    @app.post("/act")
    async def act(request: Request) -> Response:
        told = await _json(request)
        key, number = (told or {}).get("key"), (told or {}).get("n")
        if not isinstance(key, str) or not isinstance(number, int) or isinstance(number, bool):
            return refused(Why.MALFORMED)
        why = desk.ask(request.cookies.get(COOKIE, ""), key, number)
        return refused(why) if why is not None else JSONResponse({"asked": key})


async def _json(request: Request) -> dict[str, Any] | None:
    try:
        told = json.loads(await request.body())
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def refused(why: Why) -> Response:
    """The answer to what may not be."""
    return JSONResponse({"refused": why.name.lower(), "text": why.text}, status_code=why.status)


def serve(address: Address, folder: Path) -> None:
    """Serves the page until it is stopped. Refuses a port that is taken."""
    import uvicorn

    desk = make_desk(address, folder)
    settings: dict[str, Any] = {}
    scheme = "http"
    if address.open_to_network:
        names = [host.rsplit(":", 1)[0] for host in address.hosts()]
        crt, key = certificate(folder, names)
        settings = {"ssl_certfile": str(crt), "ssl_keyfile": str(key)}
        scheme = "https"
    config = uvicorn.Config(
        make_app(desk),
        host=address.host,
        port=address.port,
        log_level="critical",
        access_log=False,
        server_header=False,
        ws_max_size=1 << 20,
        **settings,
    )
    bound = _bound(address)
    from flexor.dashboard.welcome import greet

    greet(desk, scheme, address)
    uvicorn.Server(config).run(sockets=[bound])


def _bound(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((address.host, address.port))
        sock.listen(128)  # who comes before the server is ready waits
    except OSError as error:
        sock.close()
        raise Refused(
            f"The page cannot be served at {address.host}:{address.port} ({error.strerror}): end "
            "the other one, or choose another --port."
        ) from None
    return sock
