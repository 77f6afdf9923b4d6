"""pyomyo's own Myo class at our dongle's twin, over a real pseudo-terminal."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from acquisition.emulators.myo import ONE, ONE_G
from acquisition.emulators.myo_dongle import MyoDongleTwin
from acquisition.emulators.serve import serve
from acquisition.emulators.trouble import Injected, Trouble

pytestmark = pytest.mark.edge
pyomyo = pytest.importorskip(
    "pyomyo", reason="pyomyo is the peer that accepts our dongle: pip install pyomyo==0.0.5"
)

SAMPLES_N = 200
LATE_N = 2000
"""So many samples a busy machine may have let pass before pyomyo gives the first to anybody."""
TIMEOUT_S = 20.0


@pytest.fixture(params=[False, True], ids=["fresh", "stale"])
def dongle(request: pytest.FixtureRequest) -> Iterator[tuple[MyoDongleTwin, str]]:
    """A twin and its terminal; a stale one is still connected to an earlier host."""
    twin = MyoDongleTwin(stale=request.param)
    stop, there, where = threading.Event(), threading.Event(), []

    def ready(name: str) -> None:
        where.append(name)
        there.set()

    arguments = (twin, "", Trouble(), Injected(), stop, ready)
    thread = threading.Thread(target=serve, args=arguments)
    thread.start()
    assert there.wait(TIMEOUT_S)
    yield twin, where[0]
    stop.set()
    thread.join(TIMEOUT_S)


def received(terminal: str, mode: object, samples_n: int) -> tuple[NDArray[Any], list[object]]:
    """(time, channel) that pyomyo hands to its user, and what it tells of motion."""
    armband = pyomyo.Myo(tty=terminal, mode=mode)
    emg: list[tuple[int, ...]] = []
    imu: list[object] = []
    armband.add_emg_handler(lambda values, moving: emg.append(values))
    armband.add_imu_handler(lambda *values: imu.append(values))
    end_s = time.monotonic() + TIMEOUT_S
    try:
        armband.connect()
        while len(emg) < samples_n and time.monotonic() < end_s:
            armband.run()
        armband.disconnect()
    finally:
        armband.bt.ser.close()
    return np.array(emg), imu


def came_whole(samples: NDArray[Any], sent: NDArray[Any]) -> bool:
    """Whether they came without a hole, from wherever pyomyo began to give them to somebody: what
    is sent while it still talks to the armband, it gives to nobody."""
    begins = np.flatnonzero((sent[:LATE_N] == samples[0]).all(axis=1))
    return any(np.array_equal(samples, sent[at : at + len(samples)]) for at in begins)


@pytest.mark.parametrize("mode", ["RAW", "FILTERED"])
def test_pyomyo_connects_and_receives_every_sample_that_the_twin_sent(
    dongle: tuple[MyoDongleTwin, str], mode: str
) -> None:
    twin, terminal = dongle
    samples, imu = received(terminal, pyomyo.emg_mode[mode], SAMPLES_N)
    assert len(samples) >= SAMPLES_N
    assert came_whole(samples, twin.signal(0, len(samples) + LATE_N))
    assert imu[0] == ((ONE, 0, 0, 0), (0, 0, ONE_G), (16, -16, 0))


def test_pyomyo_receives_the_envelope_of_the_preprocessed_mode(
    dongle: tuple[MyoDongleTwin, str],
) -> None:
    twin, terminal = dongle
    samples, _ = received(terminal, pyomyo.emg_mode.PREPROCESSED, 50)
    assert len(samples) >= 50
    assert came_whole(samples, np.abs(twin.signal(0, len(samples) + LATE_N)))
