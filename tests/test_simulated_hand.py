"""The process of the simulated hand: how it starts, what it tells, how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from acquisition.stream import DeviceLost, Refused
from firmware_bridge.link import HandState
from firmware_bridge.serial_link import open_serial
from firmware_bridge.simulated_hand import FAULTS, NICE, SimulatedHand

pytestmark = pytest.mark.edge

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def hand():  # type: ignore[no-untyped-def]
    with SimulatedHand.start() as running:
        yield running


def own_kb(pid: int) -> int:
    """Memory that the process alone uses."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


def test_the_process_serves_a_terminal(hand: SimulatedHand) -> None:
    assert Path(hand.url).is_char_device()


def test_the_process_is_hardly_larger_than_a_bare_interpreter(hand: SimulatedHand) -> None:
    bare = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", "print(flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with bare:
        assert bare.stdout is not None
        bare.stdout.readline()
        bare_kb = own_kb(bare.pid)
        bare.kill()
    assert own_kb(hand.process.pid) - bare_kb < 10_000  # 4 MB; more with traces, or emulated


def test_the_process_goes_before_ordinary_programs_where_it_may(hand: SimulatedHand) -> None:
    nice = os.getpriority(os.PRIO_PROCESS, hand.process.pid)
    assert nice == (NICE if os.geteuid() == 0 else os.getpriority(os.PRIO_PROCESS, 0))


def test_the_process_starts_from_any_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong json')\n")
    monkeypatch.chdir(tmp_path)
    with SimulatedHand.start() as other:
        assert {row.state for row in other.trace()} <= {HandState.BOOT}


def test_the_trace_tells_how_the_hand_moved(hand: SimulatedHand) -> None:
    with open_serial(hand.url) as port:
        port.wait_connected()
        time.sleep(0.02)
    rows = hand.trace()
    assert {row.state for row in rows} <= {HandState.BOOT, HandState.IDLE}
    assert rows[-1].position_deg == (0.0,) * 6
    assert abs(rows[-1].clock_s - time.monotonic()) < 5.0
    clocks = [row.clock_s for row in rows]
    assert clocks == sorted(clocks)


@pytest.mark.parametrize(
    ("fault", "value"),
    [("stall", [1]), ("nack", True), ("over_current", True), ("estop", True), ("reboot", True)],
)
def test_a_fault_is_injected_by_name(hand: SimulatedHand, fault: str, value: object) -> None:
    assert fault in FAULTS
    hand.inject(fault, value)
    if fault in ("estop", "reboot"):
        expected = HandState.ESTOP if fault == "estop" else HandState.BOOT
        assert hand.trace()[-1].state is expected


def test_an_unknown_fault_is_refused(hand: SimulatedHand) -> None:
    with pytest.raises(Refused, match='no fault "fire"; there are stall, dead'):
        hand.inject("fire")


def test_a_stopped_hand_says_so() -> None:
    other = SimulatedHand.start()
    other.stop()
    other.stop()
    assert other.process.returncode == 0
    with pytest.raises(DeviceLost, match="has ended"):
        other.trace()


def test_a_killed_hand_says_so() -> None:
    with SimulatedHand.start() as other:
        os.kill(other.process.pid, signal.SIGKILL)
        other.process.wait()
        with pytest.raises(DeviceLost, match="has ended"):
            other.inject("dead")


def test_the_hand_dies_with_its_parent() -> None:
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[1]);"
        "from firmware_bridge.simulated_hand import SimulatedHand;"
        "print(SimulatedHand.start().process.pid, flush=True); os._exit(0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(ROOT)], capture_output=True, text=True, check=True
    )
    child = Path(f"/proc/{int(done.stdout)}")
    end_s = time.monotonic() + 10.0
    while child.exists() and "Z" not in (child / "stat").read_text().split(")")[1]:
        assert time.monotonic() < end_s
        time.sleep(0.005)
