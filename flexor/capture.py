"""Records a source, with prompts as markers."""

from __future__ import annotations

import sys
import time
from itertools import accumulate
from pathlib import Path
from typing import Any

from acquisition.sources import open_source
from acquisition.stream import DeviceError, Refused, Source
from flexor.reader import Inbox, Reader
from flexor.recorder import start_recorder

EFFORT = 0.5
"""Share of the greatest effort with which the virtual wearer does what it is asked for."""
INBOX_S = 10.0
"""A recording may wait this long for a busy machine without a loss."""


def record_source(
    out: Path, source_word: str, seconds: float | None, prompts: str, seed: int = 0
) -> dict[str, Any]:
    """Records until `seconds`, the prompts or the source end, or Ctrl-C; gives what was kept.

    Refuses prompts that are not NAME:SECONDS; what the recorder refuses is refused before the
    source starts.
    """
    asked = parse_prompts(prompts)
    if asked and seconds is None:
        seconds = sum(length for _, length in asked)
    source, own_markers = prompted_source(source_word, asked, seed)
    rate_hz = source.spec.rate_hz
    feed = start_recorder(out, source.spec, source_word)
    inbox = Inbox(round(INBOX_S * rate_hz))
    samples = lost = 0
    error: DeviceError | None = None
    said: list[dict[str, Any]] = []
    begins = list(accumulate((length for _, length in asked), initial=0.0))
    next_prompt = 0
    try:
        with Reader(source, inbox):
            while not inbox.ended:
                for chunk in inbox.take(0.1):
                    while next_prompt < len(asked) and samples >= begins[next_prompt] * rate_hz:
                        if not own_markers:
                            feed.send_marker(chunk.clock_s, asked[next_prompt][0])
                        _show(asked[next_prompt])
                        next_prompt += 1
                    feed.send_chunk(chunk)
                    samples += len(chunk.samples)
                    lost += chunk.lost
                said += feed.poll()
                if any(word.get("event") == "stopped" for word in said):
                    break
                if seconds is not None and samples + lost >= seconds * rate_hz:
                    break
            error = inbox.error
    except KeyboardInterrupt:
        pass
    finally:
        said += feed.close()
    stopped = next((word["text"] for word in said if word.get("event") == "stopped"), None)
    if error is not None:
        raise type(error)(f"{error} What came before is kept in {out}.") from None
    if stopped is not None:
        raise DeviceError(f"{stopped} It is {out}.")
    return {
        "recording": str(out),
        "samples": samples,
        "lost_samples": lost,
        "seconds": samples / rate_hz,
        "prompts": len(asked),
        "dropped_messages": feed.dropped_n,
        "bytes": out.stat().st_size,
    }


def prompted_source(word: str, asked: list[tuple[str, float]], seed: int) -> tuple[Source, bool]:
    """(the source, whether it brings the prompts' markers itself).

    The virtual wearer does what is asked for, in another way with another seed. Refuses prompts
    for a replay, which has its own, and a seed for what is not simulated.
    """
    name = word.partition(":")[0]
    if name != "synthetic":
        if seed:
            raise Refused(f'A seed is for simulated muscles; leave --seed out with "{word}".')
        if name == "replay" and asked:
            raise Refused("A replay brings its own markers; leave --prompts out.")
        return open_source(word), False
    if not asked:
        return open_source(word, seed=seed), False
    from acquisition.simulator.script import Prompt, Script

    script = Script(tuple(Prompt(gesture, EFFORT, length) for gesture, length in asked), loop=False)
    return open_source(word, script=script, seed=seed), True


def parse_prompts(text: str) -> list[tuple[str, float]]:
    """[(gesture, seconds)] of "rest:3,hand_close:3"; empty text gives none."""
    out = []
    for part in filter(None, (word.strip() for word in text.split(","))):
        name, _, length = part.partition(":")
        try:
            value = float(length)
        except ValueError:
            value = 0.0
        if not name or not 0 < value < 3600:
            raise Refused(f'A prompt is NAME:SECONDS, e.g. "rest:3", not "{part}".')
        out.append((name, value))
    return out


def _show(prompt: tuple[str, float]) -> None:
    moment = time.strftime("%H:%M:%S")
    print(f"{moment}  {prompt[0]} for {prompt[1]:g} s", file=sys.stderr, flush=True)
