"""A calibration under way: what is heard goes to the guide, to the recording and, once there is
something to try, through the decoder. The page and the terminal sit here alike."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from acquisition.imports import load_session
from acquisition.session import Session, protocol_marker
from acquisition.stream import Chunk, Refused, Spec
from flexor.calibration import Guide, Happened, Phase, begin, put, take
from flexor.calibration_artifact import Fitted, fit, write
from flexor.calibration_head import head_eye
from flexor.calibration_keep import keep
from flexor.calibration_look import Eye
from flexor.calibration_plan import HOLD, Task, Wanted, tasks_of
from flexor.feed import Feed
from flexor.recorder import start_recorder
from models.artifact import Artifact, check_spec
from models.decoder import Decoder, State, open_decoder
from models.intent import Intent
from models.settings import from_mapping

SETTINGS, TASK, TAKE, TARGET = "calibration: ", "task: ", "take: ", "target: "
"""How the markers begin that tell of more than what is asked for: enough to go on from the
recording after a power cut."""
FREE = "free"
"""The marker from which on nothing is asked for: what is done then is scored against nothing."""
TARGET_S = 0.05
"""From one marker of a moving target to the next."""
EFFORT, MOVING_EFFORT, EFFORT_STEP = 0.5, 0.65, 0.05
"""Of a simulated wearer: share of the greatest where the target is 1, and how finely it follows."""
Perform = Callable[[str, float], None]


@dataclass
class Sitting:
    """All that one calibration holds."""

    guide: Guide
    source: str
    folder: Path
    """where its recording and its artifact are"""
    name: str
    """of both"""
    base: Artifact | None = None
    perform: Perform | None = None
    """lets a simulated wearer do what is asked for"""
    recorder: Feed | None = None
    continues: str = ""
    """the recording that it goes on from"""
    fitted: Fitted | None = None
    artifact: Artifact | None = None
    decoder: Decoder | None = None
    state: State | None = None
    intent: Intent | None = None
    """the newest decision, while it is tried"""
    asked: tuple[str, float] = ("", 0.0)
    begun: bool = False
    told_s: float = 0.0
    position: str = ""
    ready_n: int = -1
    """where the rest began that was last told of"""

    @property
    def recording(self) -> Path:
        return self.folder / f"{self.name}.xdf"

    @property
    def path(self) -> Path:
        """Of the artifact."""
        suffix = Path(self.base.path).suffix if self.base is not None else ".onnx"
        return self.folder / f"{self.name}{suffix}"


def sit(
    wanted: Wanted,
    spec: Spec,
    source: str,
    folder: Path,
    *,
    base: Artifact | None = None,
    perform: Perform | None = None,
    record: bool = True,
    continues: Path | None = None,
) -> Sitting:
    """A calibration that begins now.

    base: an artifact whose head is fitted where it has one for these gestures; else all is fitted
    from scratch. continues: the recording of one that was broken off, in `folder`. Refuses a folder
    that cannot be written, and what the recorder refuses.
    """
    eye = head_eye(base, (wanted.rest, *wanted.gestures))
    if base is not None and eye is not None:
        check_spec(base.contract, spec)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(f"{folder} cannot be made: {error.strerror}.") from None
    guide = resumed(continues, wanted, spec, eye) if continues else begin(wanted, spec, eye)
    name = _free_name(folder)
    sitting = Sitting(guide, source, folder, name, base if eye else None, perform)
    sitting.continues = continues.name if continues else ""
    if record:
        sitting.recorder = start_recorder(sitting.recording, spec, source)
    return sitting


def hear(sitting: Sitting, chunk: Chunk) -> list[Happened]:
    """Takes in what the source gave; tells what happened."""
    guide, happened = sitting.guide, []
    if sitting.recorder is not None:
        sitting.recorder.poll()
        sitting.recorder.send_chunk(chunk)
    if not sitting.begun:
        sitting.begun = True
        _tell_beginning(sitting, chunk.clock_s)
    if guide.phase is not Phase.DONE:
        if guide.phase is Phase.READY and guide.begin_n != sitting.ready_n:
            _tell(sitting, Happened(chunk.clock_s, guide.phase, guide.task))
        happened = take(guide, chunk)
        for event in happened:
            _tell(sitting, event)
        _tell_target(sitting, chunk.clock_s)
        _ask(sitting)
    if sitting.decoder is not None and sitting.state is not None:
        for intent in sitting.decoder.step(chunk, sitting.state):
            sitting.intent = intent
    return happened


def finish(sitting: Sitting) -> Fitted:
    """Fits what was made so far, and has it tried from the next sample on.

    The artifact is in its file, and no profile names it yet. Refuses what `fit` refuses.
    """
    fitted = fit(sitting.guide, sitting.name, sitting.base)
    artifact = write(fitted, sitting.path)
    decoder = open_decoder(artifact, sitting.guide.spec)
    sitting.fitted, sitting.artifact = fitted, artifact
    sitting.state, sitting.decoder, sitting.intent = decoder.start(), decoder, None
    return fitted


def do(sitting: Sitting, gesture: str, effort: float = EFFORT) -> None:
    """Lets a simulated wearer make a gesture; nobody else is told."""
    if sitting.perform is not None and sitting.asked != (gesture, effort):
        sitting.asked = (gesture, effort)
        sitting.perform(gesture, effort)


def keep_it(sitting: Sitting, profile: Path) -> None:
    """Lets the profile in the sitting's folder name the artifact. Refuses where none was fitted."""
    if sitting.fitted is None:
        raise Refused("There is nothing to keep yet: fit the calibration first.")
    keep(profile, sitting.path, sitting.fitted, sitting.source)


def discard(sitting: Sitting) -> None:
    """Removes the artifact; the recording stays."""
    sitting.fitted = sitting.artifact = sitting.decoder = sitting.state = None
    sitting.path.unlink(missing_ok=True)


def leave(sitting: Sitting, timeout_s: float = 5.0) -> None:
    """Ends the recording, and waits so long for its last byte. Harmless when repeated."""
    if sitting.recorder is not None:
        sitting.recorder.close(timeout_s)
        sitting.recorder = None


def resumed(
    path: Path, wanted: Wanted | None = None, spec: Spec | None = None, eye: Eye | None = None
) -> Guide:
    """The calibration that a recording broke off in, with what was made until then.

    wanted: other settings; None: those of the recording. eye: as of `begin`. Refuses a recording
    of something else, and one of another stream than `spec`.
    """
    session = load_session(path)
    if spec is not None and session.spec != spec:
        raise Refused(f"{path} was recorded from another kind of stream: begin a new calibration.")
    told = next((text for _, text in session.markers if text.startswith(SETTINGS)), None)
    if told is None:
        raise Refused(f"{path} is no recording of a calibration.")
    value = json.loads(told.removeprefix(SETTINGS))
    before = value.pop("continues", "")
    wanted = wanted or from_mapping(value, Wanted, f'"{path}"')
    earlier = path.parent / before if before else None
    there = earlier is not None and earlier.exists()
    guide = (
        resumed(earlier, wanted, spec, eye)
        if earlier and there
        else begin(wanted, session.spec, eye)
    )
    _put_all(guide, session)
    left = [task for task in tasks_of(wanted) if task.key not in guide.takes]
    fresh = begin(wanted, session.spec, guide.eye)
    fresh.takes.update(guide.takes)
    fresh.queue.clear()
    fresh.queue.extend(left[1:])
    fresh.task = left[0] if left else None
    if not left:
        fresh.phase = Phase.DONE
    return fresh


def _put_all(guide: Guide, session: Session) -> None:
    """Every contraction that is whole in the recording."""
    ready = None
    rate_hz, gaps = session.spec.rate_hz, [at for at, _ in session.gaps]
    wanted = {task.key for task in tasks_of(guide.wanted)}
    for index, text in session.markers:
        if text == guide.wanted.rest:
            ready = index
        elif text.startswith(TASK) and ready is not None:
            gesture, shape, position, n, seconds = text.removeprefix(TASK).split()
            task = Task(gesture, shape, position, int(n), float(seconds))
            end = index + round(task.seconds * rate_hz)
            whole = end <= len(session.samples) and not any(ready < at < end for at in gaps)
            samples = session.samples[ready:end]
            if whole and task.key in wanted and np.isfinite(samples).all():
                put(guide, task, samples, index - ready)
            ready = None


def _free_name(folder: Path) -> str:
    """Of the day and minute; numbered where two begin in one second."""
    name = time.strftime("calibration-%Y%m%d-%H%M%S")
    taken = len(list(folder.glob(f"{name}*.xdf")))
    return f"{name}-{taken + 1}" if taken else name


def _tell_beginning(sitting: Sitting, clock_s: float) -> None:
    guide = sitting.guide
    settings: dict[str, Any] = asdict(guide.wanted)
    if sitting.continues:
        settings["continues"] = sitting.continues
    mark(sitting, clock_s, SETTINGS + json.dumps(settings))
    mark(sitting, clock_s, protocol_marker("calibration", guide.labels))


def _tell(sitting: Sitting, event: Happened) -> None:
    """Markers as flexor record makes them, and behind them what else is to be known."""
    made, task = event.take, event.task
    if made is not None:
        position, n = made.task.position, made.task.repetition
        said = made.verdict.reason or "good"
        mark(sitting, event.clock_s, f"{TAKE}{made.task.gesture} {position} {n} {said}")
    if event.phase is Phase.HOLD and task is not None:
        told = f"{task.gesture} {task.shape} {task.position} {task.repetition} {task.seconds:g}"
        mark(sitting, event.clock_s, task.gesture)
        mark(sitting, event.clock_s, TASK + told)
        return
    if event.phase is not Phase.READY:
        mark(sitting, event.clock_s, FREE)
        return
    sitting.ready_n = sitting.guide.begin_n
    mark(sitting, event.clock_s, sitting.guide.wanted.rest)
    if task is not None and task.position != sitting.position:
        sitting.position = task.position
        mark(sitting, event.clock_s, f"position: {task.position}")


def _tell_target(sitting: Sitting, clock_s: float) -> None:
    """A moving target, as a second signal."""
    guide = sitting.guide
    moves = guide.phase is Phase.HOLD and guide.task is not None and guide.task.shape != HOLD
    if moves and clock_s - sitting.told_s >= TARGET_S:
        sitting.told_s = clock_s
        gesture = guide.task.gesture if guide.task else ""
        mark(sitting, clock_s, f"{TARGET}{gesture} {guide.target:.3f}")


def mark(sitting: Sitting, clock_s: float, text: str) -> None:
    """A word about a moment into the recording."""
    if sitting.recorder is not None:
        sitting.recorder.send_marker(clock_s, text)


def _ask(sitting: Sitting) -> None:
    """A simulated wearer does what is asked for."""
    guide = sitting.guide
    effort = 0.0
    if guide.phase is Phase.HOLD and guide.task is not None:
        most = EFFORT if guide.task.shape == HOLD else MOVING_EFFORT
        effort = round(most * guide.target / EFFORT_STEP) * EFFORT_STEP
    if effort > 0.0 and guide.task is not None:
        do(sitting, guide.task.gesture, round(effort, 3))
    else:
        do(sitting, guide.wanted.rest, 0.0)
