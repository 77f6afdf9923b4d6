"""Boards that print columns: what is a line, what is lost, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquisition.arduino import Columns, layout_of, open_arduino
from acquisition.emulators.arduino import ArduinoTwin
from acquisition.emulators.twin import Said
from acquisition.emulators.virtual import VirtualClock, VirtualPort
from acquisition.framed import Framed
from acquisition.lines import LINE_MAX_N, LineFrames, columns, values
from acquisition.port import Arrival
from acquisition.stream import Chunk, Counts, Device, DeviceRefused, DeviceTimeout, Refused

pytestmark = pytest.mark.edge


def read(data: bytes, columns_n: int) -> tuple[list[list[float]], Counts]:
    counts = Counts()
    framer = LineFrames(columns_n, counts)
    return values(framer.feed(b"\n" + data)).tolist(), counts


@pytest.mark.parametrize("text", ["1,2,3", "1;2;3", "1\t2\t3", " 1 2  3 ", "1.0, 2.0, 3e0\r"])
def test_columns_may_be_separated_in_any_usual_way(text: str) -> None:
    rows, counts = read(f"{text}\n".encode(), 3)
    assert rows == [[1.0, 2.0, 3.0]]
    assert counts.damaged_frames == 0


@pytest.mark.parametrize(
    "text",
    [
        "1,2",
        "1,2,3,4",
        "1,x,3",
        "nan,1,2",
        "1,inf,2",
        "1,1e999,2",
        "1.2.3,4,5",
        "--1,2,3",
        "1_0,2,3",
    ],
)
def test_a_line_that_is_none_of_three_numbers_is_dropped_and_counted(text: str) -> None:
    rows, counts = read(f"7,8,9\n{text}\n4,5,6\n".encode(), 3)
    assert rows == [[7.0, 8.0, 9.0], [4.0, 5.0, 6.0]]
    assert counts.damaged_frames == 1


def test_the_first_line_is_a_part_and_is_never_used() -> None:
    framer = LineFrames(2, Counts())
    assert values(framer.feed(b"12,34\n56,78\n")).tolist() == [[56.0, 78.0]]


def test_an_endless_line_is_dropped_and_costs_no_memory() -> None:
    counts = Counts()
    framer = LineFrames(1, counts)
    framer.feed(b"\n")
    for _ in range(100):
        assert not len(framer.feed(b"1" * 1000))
    assert len(framer._rest) <= LINE_MAX_N
    assert values(framer.feed(b"1\n5\n6\n")).tolist() == [[5.0], [6.0]]
    assert counts.resyncs == 1
    assert counts.garbage_bytes >= 99_000


@given(
    st.lists(st.tuples(st.integers(-(2**31), 2**31), st.integers(0, 4095)), min_size=1),
    st.lists(st.integers(1, 30), max_size=30),
)
def test_lines_come_back_however_the_bytes_are_cut(
    rows: list[tuple[int, int]], pieces: list[int]
) -> None:
    data = b"half\n" + b"".join(b"%d,%d\r\n" % row for row in rows)
    framer, at, got = LineFrames(2, Counts()), 0, []
    for piece in [*pieces, len(data)]:
        got += values(framer.feed(data[at : at + piece])).tolist()
        at += piece
    assert got == [list(map(float, row)) for row in rows]


@pytest.mark.parametrize(("text", "n"), [(b"1,2", 2), (b"", 0), (b"ready", 0), (b"1 2 3\r", 3)])
def test_columns_are_counted(text: bytes, n: int) -> None:
    assert columns(text) == n


def chunks_of(held: Columns, lines: list[str]) -> list[Chunk]:
    spec = open_arduino(f"x,channels={held.channels_n}").spec
    parser = Framed(layout_of(held), spec, Counts())
    text = "\n" + "".join(f"{line}\n" for line in lines)
    return parser.feed(Arrival(text.encode(), 1.0))


def test_a_board_whose_microseconds_wrap_loses_nothing() -> None:
    times = [(2**32 - 4000 + 2000 * i) % 2**32 for i in range(6)]
    chunks = chunks_of(Columns(1, 500.0, "time_us"), [f"{at},{i}" for i, at in enumerate(times)])
    assert [chunk.lost for chunk in chunks] == [0]
    assert chunks[0].samples.ravel().tolist() == [0, 1, 2, 3, 4, 5]


def test_a_hole_in_the_microseconds_is_lost_samples() -> None:
    times = [0, 2004, 3998, 10_001, 12_000, 14_000]
    chunks = chunks_of(Columns(1, 500.0, "time_us"), [f"{at},{at}" for at in times])
    assert [chunk.lost for chunk in chunks] == [0, 2]


def test_a_counter_of_any_width_shows_what_is_lost() -> None:
    for wrap in (256, 65_536, 2**32):
        numbers = [(wrap - 2 + i) % wrap for i in range(8) if i != 4]
        chunks = chunks_of(Columns(1, 500.0, "counter"), [f"{n},1" for n in numbers])
        assert [chunk.lost for chunk in chunks] == [0, 1]


class Prints(ArduinoTwin):
    """A board whose program prints something else."""

    def __init__(self, text: bytes) -> None:
        super().__init__(Columns(1, 500.0, "value"), 10)
        self._text = text

    def greet(self, now_s: float, line: str = "") -> list[Said]:
        super().greet(now_s)
        return []

    def due(self, now_s: float) -> list[Said]:
        return [Said(self._text) for _ in super().due(now_s)]


def opened(text: bytes, argument: str) -> Device:
    clock = VirtualClock()
    return open_arduino(
        argument, port=lambda: VirtualPort(Prints(text), clock), clock=clock, sleep=clock.sleep
    )


def test_another_number_of_columns_is_refused_with_both_numbers() -> None:
    with pytest.raises(DeviceRefused, match="prints 3 columns, and 4 channels were expected"):
        opened(b"1,2,3\n", "virtual,channels=4").start()
    with pytest.raises(DeviceRefused, match="2 channels behind a counter column were expected"):
        opened(b"1,2\n", "virtual,channels=2,first=counter").start()


def test_a_board_that_prints_words_is_refused() -> None:
    with pytest.raises(DeviceRefused, match="no columns of numbers: set baud="):
        opened(b"Temperature: 21 C\n", "virtual").start()


def test_a_silent_port_is_refused() -> None:
    with pytest.raises(DeviceTimeout, match="check that the board's program prints"):
        opened(b"", "virtual").start()


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(Refused, match="first is one of value, counter, time_us, not index"):
        open_arduino("x,first=index")
    with pytest.raises(Refused, match="one channel at least"):
        open_arduino("x,channels=0")


def test_numbers_are_raw_until_the_sensors_gain_is_given() -> None:
    assert open_arduino("x,channels=2").spec.unit == "raw"
    spec = open_arduino("x,channels=2,bits=12,vref=3.3,gain=200").spec
    assert spec.unit == "uV"
    assert spec.scale == pytest.approx(3.3e6 / 4095 / 200)
    np.testing.assert_allclose(spec.full_scale, 3.3e6 / 200)


def test_without_a_counter_a_long_gap_is_seen_and_a_slow_clock_is_none() -> None:
    clock = VirtualClock()
    layout, counts = layout_of(Columns(1, 500.0, "value")), Counts()
    parser = Framed(layout, open_arduino("x").spec, counts)
    parser.feed(Arrival(b"\n", clock()))
    for i in range(5000):
        clock.sleep(0.002 * 1.004)  # a resonator that is 0.4 % slow
        if 2500 <= i < 2525:
            continue
        parser.feed(Arrival(b"%d\n" % i, clock()))
    assert counts.lost_samples == pytest.approx(25, abs=1)
