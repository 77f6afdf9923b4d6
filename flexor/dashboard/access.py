"""Who may see the page, and who may act on the hand. No network here: a request in, a verdict out.

Who knows the device's token, or the short code that it shows, gets a session. Sessions end by
themselves. Any session may look; one at a time may act, and everybody may press the emergency
stop. What comes from another page, too often, too large or a second time is refused.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from flexor.dashboard.policy import LOOPBACK, METRICS, OPEN, Policy, Request, Why, misshapen

CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without those that are taken for each other when read aloud."""
CODE_N = 8
"""31 ** 8 codes, five tries a minute for five minutes: a chance of 3e-11."""


@dataclass
class Session:
    """One browser that was let in."""

    name: str
    """what the others see of it: no secret"""
    since_s: float
    seen_s: float
    last_n: int = 0
    """number of its newest action"""


@dataclass
class Access:
    """The door's memory. Holds hashes of secrets, never the secrets."""

    policy: Policy
    token: str
    """the device's lasting secret; kept as its hash"""
    clock: Callable[[], float] = time.monotonic
    sessions: dict[str, Session] = field(default_factory=dict)
    controller: str = ""
    """key of the session that may act"""
    _codes: dict[str, float] = field(default_factory=dict)
    _wrong: dict[str, deque[float]] = field(default_factory=dict)
    _asked: dict[str, deque[float]] = field(default_factory=dict)
    _named_n: int = 0

    def __post_init__(self) -> None:
        self.token = _hash(self.token)

    def new_code(self) -> str:
        """A short code for one pairing; those before it end."""
        code = "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_N))
        self._codes = {_hash(code): self.clock() + self.policy.code_s}
        return code

    def judge(self, request: Request) -> Why | None:
        """Why this is refused before anything looks at it; None when it may pass."""
        return (
            misshapen(request, self.policy)
            or self._judge_rate(request.address)
            or self._judge_session(request)
        )

    def pair(self, address: str, secret: str) -> tuple[str, Why | None]:
        """(the new session's cookie, None), or why not. A short code works once."""
        now_s = self.clock()
        wrong = self._recent(self._wrong, address, 60.0, now_s)
        everyone = self._recent(self._wrong, "", 60.0, now_s)
        if len(wrong) >= self.policy.tries_n or len(everyone) >= self.policy.tries_all_n:
            return "", Why.OFTEN
        given = _hash(secret.strip().upper().replace("-", ""))
        good = hmac.compare_digest(_hash(secret), self.token) or not self.policy.paired
        for code, until_s in list(self._codes.items()):
            if hmac.compare_digest(given, code):
                del self._codes[code]
                good = good or now_s <= until_s
        if not good:
            wrong.append(now_s)
            everyone.append(now_s)
            return "", Why.WRONG_CODE
        return self.admit(), None

    def admit(self) -> str:
        """A new session's cookie, for one who needs no code."""
        now_s, cookie = self.clock(), secrets.token_urlsafe(32)
        self._end_old(now_s)
        while len(self.sessions) >= self.policy.sessions_n:
            self.leave_key(min(self.sessions, key=lambda key: self.sessions[key].seen_s))
        self._named_n += 1
        self.sessions[_hash(cookie)] = Session(f"browser {self._named_n}", now_s, now_s)
        return cookie

    def session(self, cookie: str) -> Session | None:
        """The session of a cookie, if it still lasts; it was seen now."""
        now_s = self.clock()
        self._end_old(now_s)
        found = self.sessions.get(_hash(cookie)) if cookie else None
        if found is not None:
            found.seen_s = now_s
        return found

    def leave(self, cookie: str) -> None:
        """Ends a session."""
        self.leave_key(_hash(cookie))

    def leave_key(self, key: str) -> None:
        """Ends the session that is kept under `key`."""
        self.sessions.pop(key, None)
        if self.controller == key:
            self.controller = ""

    def take_control(self, cookie: str, *, force: bool = False) -> Why | None:
        """From now on this session acts, unless another does: then only by `force`."""
        if self.session(cookie) is None:
            return Why.NO_SESSION
        key = _hash(cookie)
        if self.controller not in ("", key) and not force:
            return Why.NOT_CONTROLLER
        self.controller = key
        return None

    def give_control(self, cookie: str) -> None:
        """Nobody acts until somebody takes it."""
        if self.controller == _hash(cookie):
            self.controller = ""

    def controls(self, cookie: str) -> bool:
        """Whether this session is the one that acts."""
        return bool(cookie) and self.controller == _hash(cookie)

    def act(self, cookie: str, number: int, *, stop: bool = False) -> Why | None:
        """Why an action may not be done. Numbers of one session's actions only grow, so that none
        is done twice; an emergency stop (`stop`) may come from every session."""
        found = self.session(cookie)
        if found is None:
            return Why.NO_SESSION
        if not stop and not self.controls(cookie):
            return Why.NOT_CONTROLLER
        if number <= found.last_n and not stop:
            return Why.REPLAYED
        found.last_n = max(number, found.last_n)
        return None

    def _judge_rate(self, address: str) -> Why | None:
        now_s = self.clock()
        asked = self._recent(self._asked, address, 10.0, now_s)
        if len(asked) >= self.policy.rate_n:
            return Why.OFTEN
        asked.append(now_s)
        return None

    def _judge_session(self, request: Request) -> Why | None:
        if request.path == METRICS and request.address in LOOPBACK:
            return None
        if request.path in OPEN or self.session(request.session) is not None:
            return None
        return Why.NO_SESSION

    def _recent(
        self, kept: dict[str, deque[float]], key: str, span_s: float, now_s: float
    ) -> deque[float]:
        """The moments of the last `span_s` under `key`; what is older is forgotten, of others too
        when there are many."""
        if len(kept) > 1000:
            for other in [k for k, v in kept.items() if not v or v[-1] < now_s - span_s]:
                del kept[other]
        moments = kept.setdefault(key, deque())
        while moments and moments[0] < now_s - span_s:
            moments.popleft()
        return moments

    def _end_old(self, now_s: float) -> None:
        policy = self.policy
        for key, session in list(self.sessions.items()):
            if now_s - session.since_s > policy.session_s or now_s - session.seen_s > policy.idle_s:
                self.leave_key(key)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
