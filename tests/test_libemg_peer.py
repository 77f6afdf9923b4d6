"""LibEMG's own clients read our twins over real sockets: the twins speak as the devices do."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from acquisition.emulators.twin import open_twin
from tests.serving import TIMEOUT_S, Served, served

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / ".venv-libemg" / "bin" / "python"
ROWS_N = 300
pytestmark = [
    pytest.mark.edge,
    pytest.mark.slow,
    pytest.mark.skipif(
        not PYTHON.exists(),
        reason="LibEMG, a peer of our twins, is not here: make bench-libemg installs it",
    ),
]


def received(kind: str, there: Served) -> np.ndarray:  # type: ignore[type-arg]
    """(time, channel) that LibEMG's client hands over."""
    command = [PYTHON, ROOT / "tests/libemg_peer.py", kind, json.dumps(there.ports), str(ROWS_N)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=3 * TIMEOUT_S, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Error Occurred" not in done.stdout
    return np.array(json.loads(done.stdout.splitlines()[-1]))


def test_its_trigno_client_receives_every_volt() -> None:
    twin = open_twin("delsys")
    with served(twin) as there:
        volts = received("delsys", there)
        assert there.wait_for(b"STOP\r\n\r\n")
    sent = twin.signal(0, len(volts)) * (twin.spec.scale / 1e6)
    assert len(volts) >= ROWS_N
    assert np.array_equal(volts, sent)


@pytest.mark.parametrize(
    ("kind", "emg_n", "start", "stop"),
    [("muovi", 32, b"\x0b", b"\x0a"), ("sessantaquattro", 64, b"\x58\x41", b"\x58\x40")],
)
def test_its_otb_clients_receive_every_count_in_its_channel(
    kind: str, emg_n: int, start: bytes, stop: bytes
) -> None:
    twin = open_twin(kind)
    with served(twin) as there:
        rows = received(kind, there)
        assert there.wait_for(start)
        assert there.wait_for(stop)
    assert np.array_equal(rows[:, :emg_n], twin.signal(0, ROWS_N))
    assert (np.diff(rows[:, -1]) % 65536 == 1).all()


def test_its_syncstation_client_receives_every_count_in_its_channel() -> None:
    twin = open_twin("syncstation")
    with served(twin) as there:
        rows = received("syncstation", there)
    assert rows.shape == (ROWS_N, 38 + 6)
    assert np.array_equal(rows[:, :32], twin.signal(0, ROWS_N))
    assert (np.diff(rows[:, -1]) % 65536 == 1).all()
