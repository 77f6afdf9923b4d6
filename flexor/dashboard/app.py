"""The page's server: where it is served, and the door in front of all of it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from nicegui import app as nicegui_app
from nicegui import ui

from acquisition.stream import Refused
from flexor.dashboard import pages
from flexor.dashboard.access import Access
from flexor.dashboard.audit import Audit
from flexor.dashboard.desk import STATIC, Desk
from flexor.dashboard.guard import Guard
from flexor.dashboard.keys import certificate, device_token
from flexor.dashboard.policy import Policy
from flexor.dashboard.routes import put_up_routes
from flexor.dashboard.supervisor import Supervisor

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Address:
    """Where the page is served."""

    host: str = LOOPBACK
    """the address to bind to; anything but loopback means TLS and pairing"""
    port: int = 8420
    names: tuple[str, ...] = ()
    """further names that browsers may use for this device"""

    def __post_init__(self) -> None:
        if not 1 <= self.port <= 65535:
            raise Refused(f"A port lies from 1 to 65535, not at {self.port}.")

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
    put_up_routes(app, desk)
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
