"""Our drivers and our twins over real TCP, each at the end where hardware has it."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from acquisition.emulators.twin import Said, open_twin
from acquisition.port import await_call
from acquisition.sources import open_source
from acquisition.stream import DeviceLost, DeviceRefused, DeviceTimeout
from tests.serving import TIMEOUT_S, free_ports, served

pytestmark = pytest.mark.edge

ROWS_N = 150
WAYS = {
    "muovi": ("port={}", {}, b"\x08"),
    "sessantaquattro": ("port={},channels=8", {}, b"\x40"),
    "syncstation": ("port={},devices=1", {}, b"\x00\x00"),
    "quattrocento": ("port={},channels=120", {}, b"\x80\x09"),
    "otb_light": ("port={}", {}, b"stopTX"),
    "delsys": (
        "port={},emg_port={emg},aux_port={aux},sensors=1-4",
        {"sensors": "1-4"},
        b"STOP\r\n\r\n",
    ),
    "intan": (
        "port={},wave_port={wave},channels=a-000..a-003",
        {"channels": "a-000..a-003"},
        b"set runmode stop",
    ),
}
"""source -> (settings, twin's settings, what ends the stream)"""


@pytest.mark.parametrize("name", WAYS)
def test_a_device_is_read_over_tcp_from_its_start_to_its_stop(name: str) -> None:
    settings, twin_settings, stop = WAYS[name]
    twin = open_twin(name, **twin_settings)
    with served(twin) as there:
        ports = dict(there.ports)
        word = settings.format(ports.pop(""), **ports)
        source: Any = open_source(f"{name}:127.0.0.1,{word}")
        source.start()
        parts = []
        while sum(map(len, parts)) < ROWS_N:
            chunk = source.read(1.0)
            assert chunk is not None
            parts.append(chunk.samples)
        source.stop()
        assert there.wait_for(stop)
    rows = np.concatenate(parts)
    centre = 32768 if name == "intan" else 0
    sent = (twin.signal(0, len(rows)) - centre) * source.spec.scale
    assert np.array_equal(rows, sent.astype(np.float32))
    assert source.counts.lost_samples == 0


def test_a_device_that_ends_its_call_is_lost_and_taken_up_when_it_calls_again() -> None:
    with served(open_twin("muovi")) as there:
        source: Any = open_source(f"muovi:127.0.0.1,port={there.ports['']}")
        source.start()
        source.read(1.0)
        source._device._port._port._sockets[""].shutdown(2)
        said: list[str] = []
        while len(said) < 2:
            chunk = source.read(0.05)
            said += [marker.text.partition(":")[0] for marker in chunk.markers]
        source.stop()
    assert said == ["source lost", "source back"]
    assert source.counts.reconnects == 1


def test_a_device_that_does_not_call_is_waited_for_no_longer_than_said() -> None:
    number = free_ports([""])[""]
    with pytest.raises(DeviceTimeout, match=f"No Muovi called port {number} within 0.05 s"):
        await_call(number, "Muovi", "127.0.0.1", 0.05)


def test_a_port_that_another_program_listens_at_is_refused(unused_port: int) -> None:
    with pytest.raises(DeviceRefused, match=r"cannot be listened at .* end the other program"):
        await_call(unused_port, "Muovi", "127.0.0.1", 0.05)


def test_a_device_that_goes_while_it_is_asked_is_lost() -> None:
    twin: Any = open_twin("delsys")
    connected, errors = threading.Event(), list[Exception]()

    def say_nothing(now_s: float, line: str = "") -> list[Said]:
        if line == "aux":  # it is dialled last
            connected.set()
        return []

    twin.greet = say_nothing
    with served(twin) as there:
        ports = dict(there.ports)
        settings = WAYS["delsys"][0].format(ports.pop(""), **ports)
        source = open_source(f"delsys:127.0.0.1,{settings}")

        def start() -> None:
            try:
                source.start()
            except DeviceLost as error:
                errors.append(error)

        thread = threading.Thread(target=start)
        thread.start()
        assert connected.wait(TIMEOUT_S)
    thread.join(TIMEOUT_S)
    assert "was closed" in str(errors[0])
