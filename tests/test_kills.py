"""Real processes that stand still, die or are unplugged in the middle of a motion.

The program as it is started by a wearer, a sensor behind a pseudo-terminal, and the firmware in C
in a process of its own, which measures: its trace tells when the joints moved last. A machine that
stands still meanwhile can only make that later: what fails then is played again.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from firmware_bridge.firmware_build import build
from firmware_bridge.firmware_hand import start_firmware
from firmware_bridge.link import HandState
from firmware_bridge.simulated_hand import SimulatedHand, TraceRow
from tests.link_rig import rest_after_s

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
SAFE_S = 0.150
STALL_S = 0.008
"""A wait of 2 ms that takes so long: the machine has time for nobody."""
TRIES_N = 4
PATIENCE_S = 60.0
MOVING_S = 25.0
"""The program starts, sees the rate and a second of rest, and arms; then the hand moves."""
FAST_DEG_S = 40.0
SENSOR = """
import threading
from dataclasses import replace
from acquisition.emulators.serve import serve
from acquisition.emulators.trouble import Injected, Trouble
from acquisition.emulators.twin import open_twin
from acquisition.simulator.arms import ARMBAND
from acquisition.simulator.script import Prompt, Script
from acquisition.simulator.simulation import Simulation
from flexor.fault_wires import arm_signal

grips = (Prompt("hand_close", 0.5, 2.0), Prompt("hand_open", 0.5, 2.0)) * 30
script = Script((Prompt("rest", 0.0, 4.0), *grips), loop=False)
twin = open_twin("myo_dongle", None)
twin.signal = arm_signal(Simulation(replace(ARMBAND, seed=3), script, ()), twin.spec)
serve(twin, "", Trouble(), Injected(), threading.Event(), lambda at: print(at, flush=True))
"""
FLEXOR = [sys.executable, "-c", "from flexor.cli import main; main()"]


@dataclass
class Scene:
    """A wearer's sensor, the program, and the hand, each in a process of its own."""

    hand: SimulatedHand
    sensor: subprocess.Popen[bytes]
    program: subprocess.Popen[bytes]
    struck_s: float = 0.0
    stalled: bool = False
    """the machine stood still while the hand was watched"""
    missed: bool = False
    """the hand did not move when it was struck: it came to its end just then, or a machine without
    time had it disarmed before"""

    def until(
        self, holds: Callable[[list[TraceRow]], bool], patience_s: float = PATIENCE_S
    ) -> list[TraceRow]:
        """The trace as soon as it is so."""
        end_s = time.monotonic() + patience_s
        while not holds(rows := self.hand.trace()):
            assert time.monotonic() < end_s, rows[-1:]
            assert self.program.poll() is None, "the program has ended"
            time.sleep(0.02)
        return rows

    def strike(self, blow: Callable[[], object], watched_s: float = 0.6) -> list[TraceRow]:
        """Lets it happen as soon as the hand moves fast; gives the trace until a while later."""
        self.missed = True
        self.until(lambda rows: bool(rows) and _fast(rows[-1]), MOVING_S)
        self.struck_s = time.monotonic()
        blow()
        end_s, before_s = self.struck_s + watched_s, time.monotonic()
        while before_s < end_s:
            time.sleep(0.002)
            now_s = time.monotonic()
            self.stalled |= now_s - before_s > STALL_S
            before_s = now_s
        rows = self.hand.trace()
        moved = [row for row in rows if abs(row.clock_s - self.struck_s) < 0.010]
        self.missed = not any(map(_fast, moved))
        return rows

    def end(self) -> dict[str, Any]:
        """Ends the program in order, and gives its report."""
        if self.program.poll() is None:
            self.program.send_signal(signal.SIGTERM)
        said = self.program.communicate(timeout=PATIENCE_S)[0]
        report: dict[str, Any] = json.loads(said)
        return report


def _fast(row: TraceRow) -> bool:
    return max(map(abs, row.velocity_deg_s)) > FAST_DEG_S


def program(sensor_at: str, hand_at: str, *words: str) -> subprocess.Popen[bytes]:
    given = ["--source", f"myo_dongle:{sensor_at}", "--hand", f"serial:{hand_at}", "--no-view"]
    return subprocess.Popen(
        [*FLEXOR, "run", *given, "--json", "-", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runtime folder of one's own, and a built firmware."""
    if shutil.which("gcc") is None:
        pytest.skip("no gcc here: apt-get install gcc")
    build("host", tmp_path / "firmware")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


@contextmanager
def scene(folder: Path, *words: str) -> Iterator[Scene]:
    """All three, with the hand armed."""
    with start_firmware(out=folder / "firmware") as hand:
        sensor = subprocess.Popen([sys.executable, "-c", SENSOR], stdout=subprocess.PIPE, cwd=ROOT)
        assert sensor.stdout is not None
        at = sensor.stdout.readline().decode().strip()
        running = program(at, hand.url, "--arm", *words)
        try:
            yield Scene(hand, sensor, running)
        finally:
            for process in (running, sensor):
                process.kill()
                process.communicate()


def played(folder: Path, play: Callable[[Scene], None], *words: str) -> None:
    """Plays the case until it struck a moving hand, and holds or fails on a machine with time."""
    for number in range(TRIES_N):
        with scene(folder, *(word.format(number) for word in words)) as stage:
            try:
                play(stage)
            except AssertionError:
                if not stage.stalled and not stage.missed:
                    raise
            else:
                if not stage.missed:
                    return
    pytest.skip("this machine is too busy: it stood still each time that the hand was watched")


def rested(stage: Scene, rows: list[TraceRow]) -> None:
    assert rest_after_s(rows, stage.struck_s) <= SAFE_S


def test_a_bridge_that_is_stopped_leaves_the_hand_at_rest_and_moves_nothing_when_it_wakes(
    runtime: Path,
) -> None:
    def play(stage: Scene) -> None:
        rows = stage.strike(lambda: stage.program.send_signal(signal.SIGSTOP))
        rested(stage, rows)
        assert rows[-1].state is HandState.FAILSAFE
        stage.program.send_signal(signal.SIGCONT)
        rows = stage.until(lambda rows: rows[-1].state is HandState.IDLE)
        time.sleep(1.0)
        after = stage.hand.trace()[-1]
        assert after.position_deg == rows[-1].position_deg
        report = stage.end()
        assert report["missed_deadlines"] > 0
        assert report["skipped_windows"] > 0
        assert report["final_state"] != "armed"

    played(runtime, play)


def test_a_bridge_that_is_killed_leaves_the_hand_at_rest_and_another_may_take_over(
    runtime: Path,
) -> None:
    def play(stage: Scene) -> None:
        rows = stage.strike(stage.program.kill)
        rested(stage, rows)
        assert rows[-1].state is HandState.FAILSAFE
        stage.program.wait()
        words = [*FLEXOR, "run", "--source", "synthetic", "--hand", f"serial:{stage.hand.url}"]
        words += ["--no-view", "--seconds", "1", "--json", "-"]
        again = subprocess.run(words, capture_output=True, check=True, cwd=ROOT)
        assert json.loads(again.stdout)["error"] is None
        after = stage.hand.trace()[-1]
        assert (after.state, after.position_deg) == (HandState.IDLE, rows[-1].position_deg)

    played(runtime, play)


def test_a_sensor_that_falls_silent_brings_the_hand_to_rest(runtime: Path) -> None:
    def play(stage: Scene) -> None:
        rows = stage.strike(lambda: stage.sensor.send_signal(signal.SIGSTOP))
        rested(stage, rows)
        assert rows[-1].state is not HandState.ARMED
        stage.sensor.send_signal(signal.SIGCONT)
        time.sleep(1.0)
        assert stage.hand.trace()[-1].position_deg == rows[-1].position_deg
        assert stage.end()["final_state"] == "disarmed"

    played(runtime, play)


def test_a_sensor_that_is_unplugged_brings_the_hand_to_rest_and_is_told(runtime: Path) -> None:
    def play(stage: Scene) -> None:
        rested(stage, stage.strike(stage.sensor.kill))
        assert stage.hand.trace()[-1].state is not HandState.ARMED
        said = " ".join(event["text"] for event in stage.end()["event_log"])
        assert "is gone: plug the device in again" in said or "lost" in said

    played(runtime, play)


def test_a_hand_that_is_unplugged_stops_by_itself_and_ends_the_run_with_a_sentence(
    runtime: Path,
) -> None:
    def play(stage: Scene) -> None:
        rows = stage.strike(lambda: stage.hand.inject("unplug"))
        rested(stage, rows)
        assert rows[-1].state is HandState.FAILSAFE
        assert stage.program.wait(PATIENCE_S) == 3
        assert "is gone: check its cable" in stage.end()["error"]

    played(runtime, play)


@pytest.mark.parametrize("how", [signal.SIGSTOP, signal.SIGKILL], ids=["stopped", "killed"])
def test_a_recorder_that_stands_still_or_dies_is_not_noticed_by_the_hand(
    runtime: Path, how: signal.Signals
) -> None:
    recorders: list[int] = []

    def blow(stage: Scene) -> None:
        pid = stage.program.pid
        (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        recorders.append(int(child))
        os.kill(int(child), how)

    def play(stage: Scene) -> None:
        rows = stage.strike(lambda: blow(stage), 1.5)
        after = [row for row in rows if row.clock_s > stage.struck_s]
        try:
            assert {row.state for row in after} == {HandState.ARMED}
            assert sum(map(_fast, after)) > 20
            if how is signal.SIGKILL:
                assert stage.end()["events"]["recorder lost"] == 1
        finally:
            if how is signal.SIGSTOP:
                os.kill(recorders[-1], signal.SIGKILL)

    played(runtime, play, "--record", str(runtime / "recording{}.xdf"))
