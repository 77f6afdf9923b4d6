"""What the page makes of a run's words: places of electrodes, latency, jitter, what was asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.command import Command, Mode
from flexor.dashboard.electrode_layout import GRIDS, layout
from flexor.dashboard.hub import Hub
from flexor.dashboard.live_view import (
    BINS_MS,
    BUDGET_MS,
    JITTER_BINS_MS,
    asked,
    histogram,
    jitter,
    over_budget,
)
from flexor.messages import CommandMessage, Kind


@given(
    name=st.sampled_from(["synthetic", "myo", *(name for name, _ in GRIDS)]),
    channels_n=st.integers(1, 408),
)
def test_every_channel_has_one_place_of_its_own(name: str, channels_n: int) -> None:
    told = layout(f"{name}:anything", channels_n)
    if told["kind"] == "ring":
        return
    seen = [g["first"] + k for g in told["grids"] for k in range(g["n"])]
    assert seen == list(range(channels_n))
    for grid in told["grids"]:
        assert grid["n"] + grid["skipped"] <= grid["rows"] * grid["columns"]


@pytest.mark.parametrize(
    ("word", "channels_n", "rows", "columns", "grids_n"),
    [
        ("lsl", 64, 8, 8, 1),
        ("emager:/dev/ttyACM0", 64, 4, 16, 1),
        ("quattrocento", 64, 13, 5, 1),
        ("quattrocento", 384, 13, 5, 6),
        ("muovi", 32, 8, 4, 1),
    ],
)
def test_grids_are_known_by_device_and_number(
    word: str, channels_n: int, rows: int, columns: int, grids_n: int
) -> None:
    grids = layout(word, channels_n)["grids"]
    assert [(g["rows"], g["columns"]) for g in grids] == [(rows, columns)] * grids_n


@pytest.mark.parametrize("channels_n", [1, 4, 8, 16])
def test_few_electrodes_are_a_ring(channels_n: int) -> None:
    assert layout("myo", channels_n) == {"kind": "ring"}


def test_latency_is_counted_against_the_budget() -> None:
    assert set(BUDGET_MS) <= set(BINS_MS)
    values = [50.0] * 90 + [110.0] * 8 + [400.0] * 2
    told = histogram(values, BINS_MS) | over_budget(values)
    assert told["over"] == [0.1, 0.02]
    assert sum(told["counts"]) == 100
    assert told["counts"][-1] == 2
    assert told["counts"][BINS_MS.index(125.0)] == 8
    assert histogram([], BINS_MS)["counts"] == [0] * (len(BINS_MS) + 1)
    assert over_budget([])["over"] == [0.0, 0.0]


def test_jitter_is_the_distance_from_the_median() -> None:
    assert jitter([10.0, 12.0, 9.0]) == [0.0, 2.0, 1.0]
    assert jitter([]) == []
    assert histogram(jitter([10.0, 12.0, 9.0]), JITTER_BINS_MS)["max"] == 2.0


def told(mode: Mode, joints: tuple[float, ...], at_s: float = 10.0) -> Hub:
    hub = Hub(alive=True)
    bounds = [{"name": "knee", "low_deg": 0.0, "high_deg": 100.0}]
    hub.note(Kind.STATUS, {"about": {"joints": bounds}})
    hub.note(Kind.STATUS, {"clock_s": 10.1, "joints": [["knee", 90.0, 0.0]]})
    hub.note(Kind.COMMAND, CommandMessage(at_s, Command(mode, joints, at_s - 0.01, 1)))
    return hub


def test_what_is_asked_is_a_place_ahead_within_the_range_and_none_for_torque() -> None:
    assert asked(told(Mode.POSITION, (70.0,))) == {
        "mode": "position",
        "joints": [70.0],
        "deg": [70.0],
    }
    speed = asked(told(Mode.VELOCITY, (120.0,)))
    assert speed is not None
    assert speed["deg"] == [100.0]
    torque = asked(told(Mode.TORQUE, (6.0,)))
    assert torque is not None
    assert (torque["joints"], torque["deg"]) == ([6.0], [])


def test_an_old_command_asks_for_nothing() -> None:
    assert asked(told(Mode.VELOCITY, (120.0,), at_s=9.0)) is None
    assert asked(Hub()) is None
