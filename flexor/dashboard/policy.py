"""What a request to the page has to look like, whoever makes it. Pure: no memory, no network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from acquisition.stream import Refused


class Why(Enum):
    """Why a request is refused: (HTTP status, what the one who asked is told)."""

    HOST = (421, "This address is not this device's: use the one that it shows.")
    ORIGIN = (403, "Another page asked for this.")
    METHOD = (405, "That is not done this way.")
    PATH = (404, "There is nothing here.")
    LARGE = (413, "That is too large.")
    LENGTH = (411, "Its length was not told.")
    MALFORMED = (400, "That could not be understood.")
    OFTEN = (429, "Too often: wait a minute.")
    NO_SESSION = (401, "Pair this browser first: scan the code on the device.")
    WRONG_CODE = (401, "That code is wrong, was used, or is too old: ask the device for a new one.")
    REPLAYED = (409, "That was done already.")
    NOT_CONTROLLER = (409, "Somebody else controls the hand: ask them to hand it over.")

    REPLAY = (409, "This browser shows a replay: leave it before you act on the hand.")

    @property
    def status(self) -> int:
        return self.value[0]

    @property
    def text(self) -> str:
        return self.value[1]


class Who(Enum):
    """Who may do something."""

    PAIRED = "every browser that was let in"
    CONTROLLER = "the one browser that controls the hand"


MAY: Mapping[str, Who] = {
    "estop": Who.PAIRED,
    "disarm": Who.PAIRED,
    "arm": Who.CONTROLLER,
    "clear": Who.CONTROLLER,
    "begin watch": Who.CONTROLLER,
    "begin run": Who.CONTROLLER,
    "end": Who.CONTROLLER,
    "wearer": Who.CONTROLLER,
    "roll back": Who.CONTROLLER,
    "import": Who.CONTROLLER,
    "limits": Who.CONTROLLER,
    "gestures": Who.CONTROLLER,
    "record": Who.CONTROLLER,
    "end recording": Who.CONTROLLER,
    "delete recording": Who.CONTROLLER,
    "replay": Who.PAIRED,
    "download": Who.PAIRED,
}
"""what is done, as the audit log has it -> who may"""


class Request(NamedTuple):
    """As much of an HTTP or WebSocket request as the verdict rests on; header names lower-case."""

    method: str
    path: str
    headers: Mapping[str, str]
    address: str
    """of the one who asks"""
    socket: bool = False
    session: str = ""
    """the cookie's value"""


@dataclass(frozen=True)
class Policy:
    """What is allowed. `hosts` are what the browser may have in its address line."""

    hosts: tuple[str, ...]
    secure: bool = False
    """over TLS"""
    paired: bool = True
    """only for who knows a code; on this computer alone, every browser of its own page may come"""
    code_s: float = 300.0
    """how long a short code can be used"""
    session_s: float = 8 * 3600.0
    """a working day, then pair anew"""
    idle_s: float = 1800.0
    tries_n: int = 5
    """wrong codes of one address in a minute"""
    tries_all_n: int = 30
    """the same of all together"""
    rate_n: int = 2000
    """requests of one address in ten seconds: a page loads some 60, and looks ten times a second"""
    body_bytes: int = 16_384
    upload_bytes: int = 2_000_000
    """an artifact has at most 1 MB; see models.artifact"""
    sessions_n: int = 32
    """at the same time; the oldest goes"""

    def __post_init__(self) -> None:
        if not self.hosts:
            raise Refused("A page has at least one address that it may be reached by, not none.")
        if not 0.0 < self.idle_s <= self.session_s:
            raise Refused(
                f"A session idles no longer than it lasts: not {self.idle_s} s of {self.session_s}."
            )


UPLOADS = ("/upload/artifact", "/upload/profile")
OPEN = ("/pair", "/pair/", "/pair.js", "/favicon.ico")
"""What may be asked for without a session."""
METRICS, LOOPBACK = "/metrics", ("127.0.0.1", "::1")
"""What programs on this computer may read without pairing."""
POSTED = ("/act", "/upload", "/leave", "/pair/")
"""What is asked for by POST, and by nothing else."""
_GET, _POST = ("GET", "HEAD"), ("POST",)


def misshapen(request: Request, policy: Policy) -> Why | None:
    """Why such a request is refused from anybody; None when its form is right."""
    path, headers = request.path, request.headers
    if headers.get("host", "") not in policy.hosts:
        return Why.HOST
    if not path.startswith("/") or any(part in path for part in ("..", "\\", "\0", "//")):
        return Why.PATH
    allowed: tuple[str, ...] = _POST if path.startswith(POSTED) else _GET
    if path.startswith("/_nicegui"):
        allowed = (*_GET, *_POST)
    if not request.socket and request.method not in allowed:
        return Why.METHOD
    if request.socket or request.method not in _GET:
        if not _own_origin(headers.get("origin", ""), policy):
            return Why.ORIGIN
    elif headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return Why.ORIGIN
    if request.method in _POST and not request.socket:
        return _ill_measured(request, policy)
    return None


def _ill_measured(request: Request, policy: Policy) -> Why | None:
    told = request.headers.get("content-length", "")
    if not told or "transfer-encoding" in request.headers:
        return Why.LENGTH
    if not (told.isascii() and told.isdigit()):
        return Why.MALFORMED
    most = policy.upload_bytes if request.path in UPLOADS else policy.body_bytes
    return Why.LARGE if len(told) > 12 or int(told) > most else None


def _own_origin(origin: str, policy: Policy) -> bool:
    scheme = "https" if policy.secure else "http"
    return origin in [f"{scheme}://{host}" for host in policy.hosts]
