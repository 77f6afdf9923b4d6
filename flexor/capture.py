"""Records a source, with prompts as markers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from acquisition.session import protocol_marker
from acquisition.sources import open_source
from acquisition.stream import Chunk, DeviceError, Marker, Refused, Source
from flexor.feed import Feed
from flexor.outlet import refuse_without_library, start_outlet
from flexor.prompter import Progress, Show, prompter
from flexor.protocol import Plan, parse_prompts, plan_of, read_protocol
from flexor.reader import Inbox, Reader, moving, room_for
from flexor.recorder import start_recorder
from flexor.tally import device_report

EFFORT = 0.5
"""Share of the greatest effort with which the virtual wearer does what it is asked for."""
INBOX_S = 10.0
"""A recording may wait this long for a busy machine without a loss."""
POLL_S = 0.1


@dataclass
class Capture:
    """One recording under way."""

    feed: Feed
    inbox: Inbox
    plan: Plan
    rate_hz: float
    end_n: int | None
    """stream samples, lost ones counted, after which it ends; None until it is stopped"""
    scripted: bool
    """the source does what is asked for and says so itself, which would be said twice"""
    samples: int = 0
    lost: int = 0
    motion_samples: int = 0
    asked_n: int = 0
    said: list[dict[str, Any]] = field(default_factory=list)
    outlet: Feed | None = None
    """who sends it to the network as well, if anybody does"""
    unsent: str = ""
    """why it could not"""

    @property
    def feeds(self) -> list[Feed]:
        return [self.feed] if self.outlet is None else [self.feed, self.outlet]

    @property
    def at_n(self) -> int:
        """Stream samples so far, lost ones counted."""
        return self.samples + self.lost

    @property
    def stopped(self) -> str | None:
        """Why the recorder stopped, None while it writes."""
        return next((w["text"] for w in self.said if w.get("event") == "stopped"), None)


def record_source(
    out: Path,
    source_word: str,
    seconds: float | None,
    prompts: str,
    seed: int = 0,
    protocol: Path | None = None,
    lsl: bool = False,
) -> dict[str, Any]:
    """Records until `seconds`, the prompts or the source end, or Ctrl-C; gives what was kept.

    Refuses prompts that are not NAME:SECONDS, and a protocol together with prompts or seconds;
    what the recorder refuses is refused before the source starts.
    """
    if lsl:
        refuse_without_library()
    plan = planned(prompts, protocol, seconds)
    if plan.steps and seconds is None:
        seconds = plan.begins_s[-1]
    source, scripted = prompted_source(source_word, plan, seed)
    device = moving(source)
    motion_spec = None if device is None else device.motion_spec
    feed = start_recorder(out, source.spec, source_word, motion_spec=motion_spec, seconds=seconds)
    rate_hz = source.spec.rate_hz
    end_n = None if seconds is None else round(seconds * rate_hz)
    inbox = room_for(source, INBOX_S)
    capture = Capture(feed, inbox, plan, rate_hz, end_n, scripted)
    error: DeviceError | None = None
    if lsl:
        capture.outlet = start_outlet(source.spec, source_word, motion_spec)
    begun = False
    try:
        with prompter(plan, f"to {out}") as show, Reader(source, inbox):
            begun = True
            keep(capture, show)
            error = inbox.error
    except KeyboardInterrupt:
        pass
    finally:
        keep_motion(capture)
        capture.said += feed.close()
        if capture.outlet is not None:
            capture.unsent = "".join(word.get("text", "") for word in capture.outlet.close())
        if not begun:  # nothing is in it, and its name is free for the next try
            out.unlink(missing_ok=True)
    if error is not None:
        raise type(error)(f"{error} What came before is kept in {out}.") from None
    if capture.stopped is not None:
        raise DeviceError(f"{capture.stopped} It is {out}.")
    return {**report(capture, out), **device_report(source)}


def planned(prompts: str, protocol: Path | None, seconds: float | None) -> Plan:
    """What is asked for, from either."""
    if protocol is None:
        return parse_prompts(prompts)
    if prompts or seconds is not None:
        raise Refused(
            "A protocol says what is asked for and for how long; leave --prompts and --seconds out."
        )
    return plan_of(read_protocol(protocol))


def keep(capture: Capture, show: Show) -> None:
    """Feeds the recorder until there is nothing more to keep."""
    while not capture.inbox.ended:
        for chunk in capture.inbox.take(POLL_S):
            kept = prompted(capture, shortened(capture, chunk))
            for feed in capture.feeds:
                feed.send_chunk(kept)
        keep_motion(capture)
        show(Progress(capture.at_n / capture.rate_hz, capture.samples, capture.lost))
        capture.said += capture.feed.poll()
        done = capture.end_n is not None and capture.at_n >= capture.end_n
        if done or capture.stopped is not None:
            break


def shortened(capture: Capture, chunk: Chunk) -> Chunk:
    """The chunk, without what comes after the end; counted."""
    if capture.end_n is not None:
        lost = min(chunk.lost, max(0, capture.end_n - capture.at_n))
        left_n = max(0, capture.end_n - capture.at_n - lost)
        if left_n < len(chunk.samples):
            within = tuple(marker for marker in chunk.markers if marker.sample_n < left_n)
            chunk = replace(chunk, samples=chunk.samples[:left_n], markers=within)
        chunk = replace(chunk, lost=lost)
    capture.lost += chunk.lost
    capture.samples += len(chunk.samples)
    return chunk


def prompted(capture: Capture, chunk: Chunk) -> Chunk:
    """The chunk with a marker for every step that begins in it, or in the gap before it."""
    begin_n = capture.at_n - len(chunk.samples)
    markers = [] if capture.scripted else list(chunk.markers)
    begins_s, steps = capture.plan.begins_s, capture.plan.steps
    while capture.asked_n < len(steps):
        at_n = round(begins_s[capture.asked_n] * capture.rate_hz)
        if at_n >= capture.at_n:
            break
        if capture.asked_n == 0 and capture.plan.name:
            markers.append(Marker(0, protocol_marker(capture.plan.name, capture.plan.labels)))
        if label := steps[capture.asked_n].label:
            markers.append(Marker(max(0, at_n - begin_n), label))
        capture.asked_n += 1
    return replace(chunk, markers=tuple(markers))


def keep_motion(capture: Capture) -> None:
    """Feeds the recorder what waits of the second stream."""
    for chunk in capture.inbox.take_motion():
        for feed in capture.feeds:
            feed.send_motion(chunk)
        capture.motion_samples += len(chunk.samples)


def report(capture: Capture, out: Path) -> dict[str, Any]:
    """What was kept, JSON-ready."""
    motion = {"motion_samples": capture.motion_samples} if capture.inbox.keeps_motion else {}
    return {
        "recording": str(out),
        **({"protocol": capture.plan.name} if capture.plan.name else {}),
        "samples": capture.samples,
        "lost_samples": capture.lost,
        "seconds": capture.samples / capture.rate_hz,
        "prompts": sum(bool(step.label) for step in capture.plan.steps[: capture.asked_n]),
        **motion,
        **({"outlet": capture.unsent} if capture.unsent else {}),
        "dropped_messages": capture.feed.dropped_n,
        "bytes": out.stat().st_size,
    }


def prompted_source(word: str, plan: Plan, seed: int) -> tuple[Source, bool]:
    """(the source, whether it tells of the prompts itself).

    The virtual wearer does what is asked for, in another way with another seed. Refuses prompts
    for a replay, which has its own, and a seed for what is not simulated.
    """
    name = word.partition(":")[0]
    if name != "synthetic":
        if seed:
            raise Refused(f'A seed is for simulated muscles; leave --seed out with "{word}".')
        if name == "replay" and plan.steps:
            raise Refused("A replay brings its own markers; leave --prompts and --protocol out.")
        return open_source(word), False
    if not plan.steps:
        return open_source(word, seed=seed), False
    return open_source(word, script=_script(plan), seed=seed), True


def _script(plan: Plan) -> Any:
    from acquisition.simulator.script import REST, Prompt, Script

    asked = [(step.label or REST, step.seconds) for step in plan.steps]
    return Script(tuple(Prompt(label, EFFORT, length) for label, length in asked), loop=False)
