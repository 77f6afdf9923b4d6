"""What the control loop hears: keys, signals, and what its consumers say of themselves."""

from __future__ import annotations

from typing import Any

from firmware_bridge.safety_state import Request
from flexor.feed import Feed
from flexor.loop import Loop, note
from flexor.perform import performed
from flexor.session_recording import progress, wished

REQUESTS = {request.value: request for request in Request}
TEXT_N = 300
"""Characters of a consumer's sentence that are kept."""


def want(loop: Loop, request: Request) -> None:
    """What a person asks for, until the gate hears it: nothing takes an emergency stop's place."""
    if loop.request is not Request.ESTOP:
        loop.request = request


def listen(loop: Loop, now_s: float) -> None:
    """Hears all consumers, before the gate is asked: a key acts in the same turn."""
    for feed in loop.feeds:
        refused_n = feed.refused_n
        for word in feed.poll():
            feed.refused_n += not heed(loop, word, now_s, feed)
        if feed.refused_n and not refused_n:
            text = f"The {feed.name} says what nobody understands; it is not listened to."
            note(loop, now_s, "message refused", text)
        if not feed.alive and not feed.missed:
            feed.missed = True
            text = f"The {feed.name} is gone; the hand goes on without it."
            note(loop, now_s, f"{feed.name} lost", text)


def heed(loop: Loop, word: dict[str, Any], now_s: float, feed: Feed | None = None) -> bool:
    """A key that was pressed, or that a consumer stopped its work; whether it was understood."""
    key, event = word.get("key"), word.get("event")
    if feed is not None:
        progress(feed, word)
        told = wished(loop.feeds, feed, word, loop.stopping)
        if told is not None:
            note(loop, now_s, *told)
            return True
    text = str(word.get("text", ""))[:TEXT_N]
    if key == "quit":
        loop.stopping = True
    elif isinstance(key, str) and key in REQUESTS:
        want(loop, REQUESTS[key])
    elif "perform" in word:
        return loop.source is not None and performed(loop.source, word["perform"])
    elif event == "stopped":
        note(loop, now_s, "recording stopped", text)
    elif event == "silent":
        note(loop, now_s, "outlet silent", text)
    else:
        return isinstance(event, str)
    return True
