"""Which of the Bluetooth devices that are near is meant."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from acquisition import ble
from acquisition.emulators.myo import ADDRESS
from acquisition.myo import KIND
from acquisition.stream import DeviceRefused, DeviceTimeout

pytestmark = pytest.mark.edge
pytest.importorskip("bleak", reason="Bluetooth needs bleak: pip install '.[ble]'")


class Crowd:
    """What bleak's scanner tells of several devices."""

    def __init__(self, *names: str) -> None:
        self.discovered_devices_and_advertisement_data = {
            f"AA:0{n}": (
                SimpleNamespace(address=f"AA:0{n}", name=name),
                SimpleNamespace(
                    local_name=name,
                    rssi=-50 - n,
                    service_uuids=[] if name == "watch" else list(KIND.services),
                ),
            )
            for n, name in enumerate(names)
        }

    async def __aenter__(self) -> Crowd:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing runs."""


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    monkeypatch.setattr(ble, "SCAN_S", 0.1)
    monkeypatch.setattr(ble, "SETTLE_S", 0.0)

    def near(*names: str) -> None:
        monkeypatch.setattr("bleak.BleakScanner", lambda **_: Crowd(*names))

    return near


def test_the_one_device_of_its_kind_is_found_among_others(crowd: Callable[..., None]) -> None:
    crowd("watch", "left arm")
    assert asyncio.run(ble._find(KIND, "")).address == "AA:01"


def test_of_two_devices_of_a_kind_none_is_guessed(crowd: Callable[..., None]) -> None:
    crowd("left arm", "right arm")
    with pytest.raises(
        DeviceRefused, match=r"2 devices may be the Myo armband \(AA:00 and AA:01\)"
    ):
        asyncio.run(ble._find(KIND, ""))
    assert asyncio.run(ble._find(KIND, "right arm")).address == "AA:01"
    assert asyncio.run(ble._find(KIND, "aa:00")).name == "left arm"


def test_a_device_that_is_not_near_is_told_with_how_many_others_are(
    crowd: Callable[..., None],
) -> None:
    crowd("watch", "right arm")
    with pytest.raises(DeviceTimeout, match=r"No Myo armband mine was found .*\(2 other devices"):
        asyncio.run(ble._find(KIND, "mine"))


def test_the_devices_that_are_near_come_the_nearest_first(crowd: Callable[..., None]) -> None:
    crowd("near", "far")
    assert [info.name for info in ble.scan(0.0)] == ["near", "far"]


def test_the_same_device_is_sought_again_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    sought: list[str] = []

    def fake(kind: ble.Kind, where: str) -> Any:
        sought.append(where)
        return SimpleNamespace(address=ADDRESS)

    monkeypatch.setattr(ble, "BlePort", fake)
    door = ble.Door(KIND, "")
    door()
    door()
    assert sought == ["", ADDRESS]
