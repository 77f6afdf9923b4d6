"""The firmware in C as a process of its own: built, driven in real time, and left alone.

Not marked for the edge: under emulation, real time says nothing.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from acquisition.stream import DeviceTimeout, Refused
from firmware_bridge import firmware_build, firmware_hand
from firmware_bridge import session as sessions
from firmware_bridge.command import Mode
from firmware_bridge.firmware_build import TARGETS, build, sources_of
from firmware_bridge.firmware_hand import start_firmware
from firmware_bridge.hands import HAND6, open_hand
from firmware_bridge.link import HandState
from firmware_bridge.safety_state import Do, Output
from firmware_bridge.serial_link import SerialLink, open_serial
from firmware_bridge.simulated_hand import FAULTS, SimulatedHand
from firmware_bridge.simulated_joints import Joints
from tests import test_serial_link
from tests.link_rig import rest_after_s

ROOT = Path(__file__).resolve().parents[1]
BOARDS = [name for name, target in TARGETS.items() if target.emulator]


@pytest.fixture(scope="module")
def image_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("gcc") is None:
        pytest.skip("no gcc here: apt-get install gcc")
    folder = tmp_path_factory.mktemp("firmware")
    build("host", folder)
    return folder


@pytest.fixture
def hand(image_folder: Path) -> Iterator[SimulatedHand]:
    with start_firmware(out=image_folder) as running:
        yield running


@pytest.fixture
def port(hand: SimulatedHand) -> Iterator[SerialLink]:
    with open_serial(hand.url) as opened:
        opened.wait_connected()
        yield opened


# Everything that the simulated hand is tested for over a real terminal holds for the firmware.
globals().update({k: v for k, v in vars(test_serial_link).items() if k.startswith("test_")})

BRIDGE = """
import sys
from firmware_bridge.serial_link import open_serial
from tests.link_rig import moving
port = open_serial(sys.argv[1])
port.wait_connected()
live = moving(port)
print("moving", flush=True)
live.run(60.0)
"""


def test_a_bridge_that_is_stopped_mid_motion_leaves_the_hand_at_rest_within_its_ttl(
    hand: SimulatedHand,
) -> None:
    words = [sys.executable, "-c", BRIDGE, hand.url]
    with subprocess.Popen(words, stdout=subprocess.PIPE, cwd=ROOT) as bridge:
        assert bridge.stdout is not None
        assert bridge.stdout.readline() == b"moving\n"
        os.kill(bridge.pid, signal.SIGSTOP)
        stopped_s = time.monotonic()
        time.sleep(0.4)
        rows = hand.trace()
        bridge.kill()
    assert any(rows[-1].position_deg)
    assert rest_after_s(rows, stopped_s) <= 0.150
    failsafe = next(row for row in rows if row.state is HandState.FAILSAFE)
    assert failsafe.clock_s - stopped_s <= 0.210  # its ttl of 200 ms, and a row of the trace
    assert rows[-1].state is HandState.FAILSAFE


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_of_the_simulated_hand_is_understood(hand: SimulatedHand, fault: str) -> None:
    values = {"stall": [1, 3], "current": 2000, "temperature": 90, "delay": 0.01, "corrupt": 0.1}
    assert hand._order(fault, values.get(fault, True)) == {}
    assert hand._order("fire", True) == {"unknown": True}
    time.sleep(0.08)
    assert hand.trace()[-1].state is (HandState.ESTOP if fault == "estop" else HandState.BOOT)


def test_the_firmware_has_the_joints_of_the_hand_that_it_is() -> None:
    assert firmware_hand.joints_of(HAND6) == Joints()


def test_the_firmware_takes_torque_and_a_longer_crc_where_it_is_told_to(
    image_folder: Path,
) -> None:
    with (
        start_firmware(Joints(torque_ramp=4), image_folder, crc_n=4) as exo,
        open_serial(exo.url) as opened,
    ):
        opened.session.rx.crc_n = 4
        opened.wait_connected()
        opened.send(Output(Do.ARM), time.monotonic())
        for _ in range(20):
            now_s = time.monotonic()
            opened.poll(now_s)
            opened._write(sessions.setpoint(opened.session, 3, 150, (500,) * 6, now_s), now_s)
            time.sleep(0.02)
        rows = exo.trace()
    assert max(row.velocity_deg_s[0] for row in rows) == 75.0


def test_joints_that_cannot_be_are_refused_by_the_program(image_folder: Path) -> None:
    words = [str(image_folder / "flexor-host"), *["0,0,0,0,0,0,0,0,0"] * 6, "2"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "these joints cannot be" in done.stderr


def test_the_hand_of_the_table_builds_itself_into_the_cache_and_ends_with_its_link(
    image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with open_hand("firmware") as opened:
        opened.wait_connected()
        assert opened.up
    (image,) = tmp_path.glob("flexor/firmware/*/flexor-host")
    made = image.stat().st_mtime_ns
    assert build("host") == image
    assert image.stat().st_mtime_ns == made  # and is not built twice


def test_an_image_of_other_sources_is_not_taken_for_these(
    image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    shutil.copytree(firmware_build.FOLDER, tmp_path / "firmware")
    first = build("host")
    monkeypatch.setattr(firmware_build, "FOLDER", tmp_path / "firmware")
    assert build("host") == first
    header = tmp_path / "firmware" / "src" / "flexor_hand.h"
    header.write_text(header.read_text().replace("0.1.0", "0.1.1"))
    assert build("host") != first


def test_what_cannot_be_built_is_refused_with_the_mend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Refused, match='no target "hots"; there are host'):
        build("hots")
    with pytest.raises(Refused, match="runs as host, lm3s6965evb, mps2-an385, not as"):
        open_hand("firmware:uno")
    monkeypatch.setenv("PATH", str(tmp_path))
    for name, package in [("host", "gcc"), *((board, "gcc-arm-none-eabi") for board in BOARDS)]:
        with pytest.raises(Refused, match=f"apt-get install {package}"):
            build(name, tmp_path)
    with pytest.raises(Refused, match="apt-get install qemu-system-arm"):
        open_hand("firmware:lm3s6965evb")
    monkeypatch.setattr(firmware_build, "FOLDER", tmp_path)
    with pytest.raises(Refused, match="There is no firmware in"):
        build("host", tmp_path)


def test_sources_that_do_not_compile_are_refused_with_the_compilers_words(
    image_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "wrong.c").write_text("int main(void) { return nothing; }\n")
    with pytest.raises(Refused, match=r"does not compile the firmware: .*nothing"):
        firmware_build.compile_c("gcc", [], [tmp_path / "wrong.c"], tmp_path / "wrong")


def test_each_board_has_its_own_file_and_the_core() -> None:
    for name in BOARDS:
        names = {path.name for path in sources_of(name)}
        assert names >= {"flexor_hand.c", "startup.c", "main.c"}
        assert {n for n in names if n.startswith("board_")} == {f"board_{name.replace('-', '_')}.c"}


@pytest.mark.slow
def test_an_installed_flexor_has_the_firmware_beside_its_packages(
    image_folder: Path, tmp_path: Path
) -> None:
    lib = tmp_path / "lib"
    words = [sys.executable, "-W", "ignore", "-c", "import setuptools; setuptools.setup()"]
    made = ["egg_info", "--egg-base", str(tmp_path), "build_py", "--build-lib", str(lib)]
    subprocess.run([*words, "-q", *made], cwd=ROOT, check=True, capture_output=True)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path;"
        "from firmware_bridge.firmware_build import FOLDER, build;"
        "assert FOLDER == Path(sys.argv[1]) / 'firmware', FOLDER;"
        "print(build('host', Path(sys.argv[2])))"
    )
    words = [sys.executable, "-c", code, str(lib), str(tmp_path)]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == str(tmp_path / "flexor-host"), done.stderr
    here = {p.relative_to(ROOT) for p in (ROOT / "firmware").rglob("*.*") if "fuzz" not in p.parts}
    assert {p.relative_to(lib) for p in (lib / "firmware").rglob("*.*")} == here


@pytest.fixture(params=BOARDS)
def board(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SerialLink]:
    for tool in ("arm-none-eabi-gcc", "qemu-system-arm"):
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool} here: apt-get install gcc-arm-none-eabi qemu-system-arm")
    emulator = firmware_hand.start_board(request.param, tmp_path)
    with open_serial(emulator.url, on_close=emulator.stop) as opened:
        opened.wait_connected(15.0)
        yield opened


def until(link: SerialLink, *states: HandState) -> tuple[float, ...]:
    """Polls until the hand is in one of those states; gives its positions."""
    end_s = time.monotonic() + 10.0
    while time.monotonic() < end_s:
        telem, _ = link.poll(time.monotonic())
        if telem is not None and telem.state in states:
            return telem.position_deg
        time.sleep(0.02)
    raise AssertionError(f"the hand did not come to {' or '.join(s.name for s in states)}")


def driven(link: SerialLink) -> tuple[float, ...]:
    """Arms, and closes for forty setpoints; gives the positions of the hand that is armed then.

    A machine too busy to send for 150 ms finds the hand stopped by itself, as it must; it is
    cleared and armed again.
    """
    newest = None
    for turn in range(10):
        link.send(Output(Do.ARM), time.monotonic())
        until(link, HandState.ARMED, HandState.FAILSAFE)
        for n in range(40):
            close = Output(Do.SETPOINT, Mode.VELOCITY, (60.0,) * 6, 0.15, 40 * turn + n + 1)
            link.send(close, time.monotonic())
            time.sleep(0.02)
            newest = link.poll(time.monotonic())[0] or newest
        if newest is not None and newest.state is HandState.ARMED:
            return newest.position_deg
        link.send(Output(Do.CLEAR), time.monotonic())
        until(link, HandState.IDLE)
    raise AssertionError("the hand did not stay armed while it was driven")


@pytest.mark.slow
def test_on_a_cortex_m3_it_moves_when_armed_and_stops_by_itself_in_silence(
    board: SerialLink,
) -> None:
    assert until(board, HandState.IDLE) == (0.0,) * 6
    board.send(Output(Do.SETPOINT, Mode.VELOCITY, (60.0,) * 6, 0.15, 1), time.monotonic())
    time.sleep(0.1)
    assert until(board, HandState.IDLE) == (0.0,) * 6
    assert min(driven(board)) > 10.0
    stopped = until(board, HandState.FAILSAFE)
    time.sleep(0.3)
    assert until(board, HandState.FAILSAFE) == stopped
    board.send(Output(Do.SETPOINT, Mode.VELOCITY, (60.0,) * 6, 0.15, 999), time.monotonic())
    time.sleep(0.1)
    assert until(board, HandState.FAILSAFE) == stopped
    board.send(Output(Do.ESTOP), time.monotonic())
    assert until(board, HandState.ESTOP) == stopped


def test_an_emulator_that_does_not_start_is_told(
    image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = TARGETS["host"]._replace(emulator=("sh", "-c", "echo no such machine"))
    monkeypatch.setitem(TARGETS, "host", wrong)
    with pytest.raises(DeviceTimeout, match="QEMU did not start: no such machine"):
        firmware_hand.start_board("host", tmp_path)
