"""The page's calibration: it hears what the run tells, however many browsers look."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np

from acquisition.stream import Chunk, FlexorError, Refused, Spec
from flexor.calibration import Phase, again, go_on, pause
from flexor.calibration_effort import EFFORT_SPAN_S, effort_now
from flexor.calibration_fit import Report
from flexor.calibration_keep import profile_text
from flexor.calibration_plan import HOLD, Wanted, target_at
from flexor.calibration_sitting import Sitting, discard, do, finish, hear, leave, resumed, sit
from flexor.dashboard.hub import Hub
from flexor.messages import Kind, SamplesMessage
from flexor.wearers import Version, Wearers

AHEAD_S, HURRY_S = 0.1, 0.3
"""How far a simulated wearer's time goes beyond what was heard; more where nobody watches it."""
TRACE_N = 60
"""Points of a moving target that are drawn."""
LEAVE_S = 20.0
"""A recorder that takes longer to write its last byte is left to finish by itself."""
BEGIN_S = 5.0
"""How long a run may take until it has told what it streams."""


class Calibrating:
    """One at a time for the whole page."""

    def __init__(self, hub: Hub, folder: Path) -> None:
        self.hub, self.folder = hub, folder
        self.sitting: Sitting | None = None
        self.busy = False
        """while something is fitted"""
        self.problem = ""
        """why it ended before its time"""
        self.version = 0
        """grows with whatever changes the table of gestures"""
        self.report: Report | None = None
        self.newest: dict[str, Any] = {}
        """what was said of the newest contraction"""
        self.hurry = False
        """whether a simulated wearer does not wait for real time"""
        self._leaving: Thread | None = None
        self._meant = ("rest", 0.0)
        hub.listeners.append(self.hear)

    def hear(self, kind: Kind, value: Any) -> None:
        """Every message of the run. What goes wrong ends the calibration, and not the page."""
        sitting = self.sitting
        if sitting is None:
            return
        try:
            if kind is Kind.SPEC and Spec.from_json(value["spec"]) != sitting.guide.spec:
                raise Refused("Another sensor was started: begin the calibration again.")
            if kind is Kind.SAMPLES:
                self._samples(sitting, value)
        except (FlexorError, ArithmeticError, ValueError, np.linalg.LinAlgError) as error:
            self.problem = str(error)
            self.end()

    def _samples(self, sitting: Sitting, message: SamplesMessage) -> None:
        rows = np.frombuffer(message.data, "<f4").reshape(-1, message.channels_n)
        chunk = Chunk(rows.astype(np.float32), message.clock_s, message.lost)
        for event in hear(sitting, chunk):
            if event.take is not None:
                self.version += 1
                self.report = sitting.guide.report()
                verdict, task = event.take.verdict, event.take.task
                self.newest = {
                    "n": self.version,
                    "gesture": task.gesture,
                    "reason": verdict.reason,
                    "what": verdict.what,
                    "reaction_s": verdict.reaction_s,
                }

    def turn(self) -> None:
        """A run that ends takes a calibration with it that is not done yet; its recording stays,
        to go on from."""
        sitting = self.sitting
        if sitting is not None and not self.hub.alive and sitting.guide.phase is not Phase.DONE:
            self.problem = "The run with the sensor ended: start it again, and go on from there."
            self.end()
        elif sitting is not None and sitting.perform is not None and _asks(sitting):
            self._perform(*self._meant)

    async def begin(self, wanted: Wanted, continues: Path | None = None) -> None:
        """Begins one on the run that there is. Refuses when there is none, and what `sit` does."""
        until_s = time.monotonic() + BEGIN_S
        while not self.hub.alive or self.hub.spec is None:
            if time.monotonic() > until_s:
                raise Refused("Nothing streams yet: start the sensor first.")
            await asyncio.sleep(0.05)
        self.end()
        self.problem, self.report, self.newest = "", None, {}
        source, spec = self.hub.source, self.hub.spec
        perform = self._perform if source.partition(":")[0] == "synthetic" else None
        self.sitting = await asyncio.to_thread(
            sit, wanted, spec, source, self.folder, perform=perform, continues=continues
        )
        if continues is not None:
            self.report = self.sitting.guide.report()
        self.version += 1

    def unfinished(self) -> Path | None:
        """The recording of the newest calibration, where it was broken off."""
        found = sorted(self.folder.glob("calibration-*.xdf"), key=lambda path: path.stem)
        if not found or self.sitting is not None or found[-1].with_suffix(".onnx").exists():
            return None
        return found[-1] if not found[-1].with_suffix(".done").exists() else None

    async def go_on_from(self, path: Path) -> None:
        """Goes on from a recording. Refuses one of something else."""
        await asyncio.to_thread(self.settle)
        guide = await asyncio.to_thread(resumed, path)
        await self.begin(guide.wanted, path)

    async def fit(self) -> None:
        """Fits what was made. Refuses too little."""
        if self.sitting is None or self.busy:
            return
        self.busy = True
        try:
            await asyncio.to_thread(finish, self.sitting)
        finally:
            self.busy = False
            self.version += 1

    async def keep(self, wearers: Wearers, name: str, before: Path | None, hand: str) -> Version:
        """A new version of the wearer's profile, with the calibration in it. Refuses bad names."""
        sitting = self.sitting
        if sitting is None or sitting.fitted is None:
            raise Refused("There is nothing to keep yet: fit the calibration first.")
        file = f"artifact{sitting.path.suffix}"
        text = profile_text(before, file, sitting.fitted, sitting.source, hand=hand)
        files = {"profile.toml": text, file: sitting.path.read_bytes()}
        why = f"calibration of {len(sitting.guide.wanted.gestures)} gestures"
        version = await asyncio.to_thread(wearers.save, name, files, why)
        self.end()
        return version

    def discard(self) -> None:
        """Removes what was fitted; the recording stays."""
        if self.sitting is not None:
            discard(self.sitting)
            self.end()

    def end(self) -> None:
        """Nobody is calibrated any more."""
        sitting, self.sitting = self.sitting, None
        self.version += 1
        if sitting is not None:
            if sitting.guide.phase is Phase.DONE:
                sitting.recording.with_suffix(".done").touch()
            # The page must not stand still while the recorder writes its last.
            self._leaving = Thread(target=leave, args=(sitting, LEAVE_S), daemon=True)
            self._leaving.start()

    def settle(self) -> None:
        """Waits until the last recording is whole."""
        if self._leaving is not None:
            self._leaving.join()

    def repeat(self, gesture: str) -> None:
        """Lets a gesture be made again."""
        if self.sitting is not None:
            again(self.sitting.guide, gesture)
            self.version += 1

    def pause(self) -> None:
        """Pauses at the next rest, or goes on."""
        if self.sitting is not None:
            guide = self.sitting.guide
            (go_on if guide.phase is Phase.PAUSED or guide.pausing else pause)(guide)

    def make(self, gesture: str) -> None:
        """Lets a simulated wearer make a gesture while the fit is tried."""
        if self.sitting is not None:
            rest = gesture == self.sitting.guide.wanted.rest
            do(self.sitting, gesture, 0.0 if rest else 0.5)

    def _perform(self, gesture: str, effort: float) -> None:
        """A simulated wearer waits for the page while it is asked for something, so that a page
        that is slow finds no contraction late."""
        self._meant = (gesture, effort)
        sitting = self.sitting
        if sitting is not None and _asks(sitting):
            ahead_s = HURRY_S if self.hurry else AHEAD_S
            self.hub.perform(gesture, effort, ahead_s=ahead_s, hurry=self.hurry)
        else:
            self.hub.perform_freely(gesture, effort)

    def view(self) -> dict[str, Any]:
        """What a browser draws, as JSON takes it."""
        sitting = self.sitting
        if sitting is None:
            return {"phase": "", "problem": self.problem}
        guide, task = sitting.guide, sitting.guide.task
        span_n = round(EFFORT_SPAN_S * guide.spec.rate_hz)
        view: dict[str, Any] = {
            "phase": guide.phase.value,
            "positions": len(guide.wanted.positions),
            "problem": self.problem,
            "left_s": round(guide.left_s, 2),
            "share": round(min(1.0, guide.phase_s / max(1e-9, guide.phase_s + guide.left_s)), 3),
            "target": round(guide.target, 3),
            "level": effort_now(guide, self.hub.newest(span_n)),
            "done": guide.done_n,
            "all": guide.all_n,
            "newest": self.newest,
            "busy": self.busy,
            "spider": self.report.spider if self.report else {},
            "intent": None,
        }
        if task is not None:
            view |= {"gesture": task.gesture, "shape": task.shape, "position": task.position}
            if task.shape != HOLD:
                steps = (task.seconds * k / TRACE_N for k in range(TRACE_N + 1))
                view["trace"] = [round(target_at(task, second), 3) for second in steps]
        if sitting.decoder is not None and sitting.intent is not None:
            i = sitting.intent
            view["intent"] = [i.gesture, round(i.strength, 3), round(i.confidence, 3), i.rejected]
        return view


def _asks(sitting: Sitting) -> bool:
    """Whether the wearer is asked for something now."""
    return sitting.begun and sitting.guide.phase in (Phase.READY, Phase.HOLD)
