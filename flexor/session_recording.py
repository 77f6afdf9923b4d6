"""Recording on a guest's wish: the loop grants it or says why not, and ends it when it is asked to.

The recorder is a process of its own that comes in at the door like any other guest and then asks
to be one. So nothing is started, opened or waited for by the loop; a grant costs one message.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from flexor.feed import Feed
from flexor.messages import Kind

RECORDER = "recorder"
"""What such a feed is called: the same name as of one that the run itself began."""
NAME_N = 80
WISH = "record"
"""The key of a guest's word: the name of a recording that it is to be, or None to end it."""


class Told(NamedTuple):
    """What came of a wish, for the record and for a person."""

    kind: str
    text: str


def wished(feeds: Iterable[Feed], feed: Feed, word: Mapping[str, Any], ending: bool) -> Told | None:
    """What came of a guest's wish; None where the word is none.

    {"record": NAME} makes the guest that says it the recorder; {"record": None}, of any guest,
    ends the recording that a guest makes. `ending`: the run is about to end.
    """
    name = word.get(WISH)
    if WISH not in word or not (name is None or isinstance(name, str)):
        return None
    there = _recorder(feeds)
    if name is None:
        return _end(there)
    refusal = _refusal(there, ending)
    if refusal:
        feed.send(Kind.STATUS, {WISH: {"refused": refusal}})
        _leave(feed)
        return Told("recording refused", refusal)
    feed.name = RECORDER
    feed.told = {"name": name[:NAME_N]}
    feed.send(Kind.STATUS, {WISH: {"granted": name[:NAME_N]}})
    return Told("recording begun", f"It is recorded to {name[:NAME_N]}.")


def recording(feeds: Iterable[Feed]) -> dict[str, Any] | None:
    """The recording under way, as JSON takes it; None while there is none."""
    there = _recorder(feeds)
    if there is None:
        return None
    told = there.told
    return {
        "name": str(told.get("name", "")),
        "bytes_n": told.get("bytes_n", 0),
        "samples_n": told.get("samples_n", 0),
        "lost": told.get("lost", 0),
        "of_run": there.process is not None,
    }


def progress(feed: Feed, word: Mapping[str, Any]) -> None:
    """Keeps what a recorder tells of itself, and lets one go that has stopped."""
    if feed.name != RECORDER:
        return
    for key in ("bytes_n", "samples_n", "lost"):
        if isinstance(word.get(key), int):
            feed.told[key] = word[key]
    if word.get("event") == "stopped" and feed.process is None:
        _leave(feed)


def end_all(feeds: Iterable[Feed]) -> None:
    """Ends what guests record, when the run ends: an end that is told is no break."""
    for feed in feeds:
        if feed.name == RECORDER and feed.process is None and feed.alive:
            _leave(feed)


def _recorder(feeds: Iterable[Feed]) -> Feed | None:
    return next((feed for feed in feeds if feed.name == RECORDER and feed.alive), None)


def _refusal(there: Feed | None, ending: bool) -> str:
    if ending:
        return "The run ends just now: start it again, and record then."
    if there is not None:
        name = there.told.get("name") or "the file that the run was begun with"
        return f"It is recorded already, to {name}: end that recording first."
    return ""


def _end(there: Feed | None) -> Told:
    if there is None:
        return Told("recording refused", "Nothing is recorded: begin a recording first.")
    if there.process is not None:
        text = "The run was begun with --record: it is recorded until the run ends."
        return Told("recording refused", text)
    name = there.told.get("name", "")
    _leave(there)
    return Told("recording ended", f"{name} is recorded.")


def _leave(feed: Feed) -> None:
    """Sends the end without waiting for anything; what it said last is read, or the kernel would
    tell it of a reset instead of what it has not read yet."""
    feed.missed = True
    feed.poll()
    feed.close(0.0)
