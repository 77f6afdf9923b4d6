"""The Lab Streaming Layer: a stranger's stream is read by us, and ours by a stranger.

pylsl, used here as anyone would, is the stranger.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acquisition.emulators.lsl import NAME, lsl_twin
from acquisition.emulators.serve import serve
from acquisition.emulators.trouble import Injected, Trouble
from acquisition.framed import Framed
from acquisition.lsl import Stream, layout_of, open_lsl, spec_of, streams, the_stream
from acquisition.lsl_library import liblsl, library
from acquisition.port import Arrival
from acquisition.stream import Chunk, Counts, Device, DeviceRefused, Refused

pytestmark = [pytest.mark.edge, pytest.mark.slow]


def said(**changed: Any) -> Stream:
    return Stream(**{**Stream("a", "EMG", "id", "here", 2, 500.0).__dict__, **changed})


@pytest.mark.parametrize(
    ("units", "unit", "scale"),
    [
        (("microvolts", "uV"), "raw", 1.0),
        (("microvolts", "microvolts"), "uV", 1.0),
        (("mV", "mV"), "uV", 1e3),
        (("V", "V"), "uV", 1e6),
        (("µV", "µV"), "uV", 1.0),
        (("counts", "counts"), "raw", 1.0),
        ((), "raw", 1.0),
    ],
)
def test_a_stream_is_in_microvolts_where_all_its_channels_say_one_voltage(
    units: tuple[str, ...], unit: str, scale: float
) -> None:
    spec = spec_of(said(units=units))
    assert (spec.unit, spec.scale) == (unit, scale)


def test_channels_have_their_own_names_where_those_are_distinct() -> None:
    assert spec_of(said(labels=("biceps", "triceps"))).channels == ("biceps", "triceps")
    assert spec_of(said(labels=("emg", "emg"))).channels == ("emg1", "emg2")
    assert spec_of(said()).channels == ("emg1", "emg2")


def test_streams_of_words_and_irregular_ones_are_refused() -> None:
    with pytest.raises(DeviceRefused, match="has no fixed rate"):
        spec_of(said(rate_hz=0.0))
    with pytest.raises(DeviceRefused, match="is made of words"):
        spec_of(said(numeric=False))


def test_a_gap_in_the_stamps_is_lost_samples() -> None:
    spec, counts = spec_of(said()), Counts()
    parser = Framed(layout_of(spec), spec, counts)
    for i in range(400):
        if not 200 <= i < 230:
            rows = np.full((5, 2), i, "<f4")
            parser.feed(Arrival(rows.tobytes(), 10.0 + i * 5 / 500))
    assert counts.lost_samples == 150


def test_two_names_for_one_stream_are_refused() -> None:
    with pytest.raises(Refused, match="has one name"):
        open_lsl("a,name=b", stream=said())


def test_the_library_of_mne_lsl_serves_where_pylsl_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("pylsl", "mne_lsl"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("raise ImportError('not to be imported')")
    library = tmp_path / "mne_lsl" / "lsl" / "lib" / "liblsl.so.1.17.7"
    library.parent.mkdir(parents=True)
    library.touch()
    monkeypatch.delenv("PYLSL_LIB", raising=False)
    monkeypatch.delitem(sys.modules, "pylsl", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    assert liblsl() == str(library)
    monkeypatch.setenv("PYLSL_LIB", "mine.so")
    assert liblsl() == "mine.so"


@pytest.fixture
def pylsl() -> Any:
    pytest.importorskip("pylsl", reason="pylsl, the peer, is not installed")
    try:
        return library()
    except DeviceRefused as error:
        pytest.skip(str(error))


def foreign(pylsl: Any, name: str, unit: str = "millivolts", source_id: str = "s") -> Any:
    """An outlet as another program makes it."""
    info = pylsl.StreamInfo(name, "EMG", 3, 500.0, pylsl.cf_double64, source_id)
    info.set_channel_labels(["a", "b", "c"])
    info.set_channel_units(unit)
    return pylsl.StreamOutlet(info)


def gathered(device: Device, n: int) -> list[Chunk]:
    chunks, until_s = [], time.monotonic() + 10.0
    while sum(len(c.samples) for c in chunks) < n and time.monotonic() < until_s:
        chunk = device.read(0.2)
        assert chunk is not None
        if len(chunk.samples) or chunk.markers:
            chunks.append(chunk)
    return chunks


def test_a_strangers_stream_is_read_exactly_with_its_clock(pylsl: Any) -> None:
    outlet = foreign(pylsl, "stranger")
    device = open_lsl("name=stranger")
    assert device.spec.channels == ("a", "b", "c")
    assert (device.spec.unit, device.spec.scale, device.spec.rate_hz) == ("uV", 1e3, 500.0)
    device.start()
    rows = np.arange(300.0).reshape(100, 3)
    begun_s = time.monotonic()
    outlet.push_chunk(rows, begun_s + 99 / 500)
    chunks = gathered(device, 100)
    device.stop()
    np.testing.assert_array_equal(np.concatenate([c.samples for c in chunks]), rows * 1e3)
    assert chunks[0].clock_s == pytest.approx(begun_s, abs=0.005)
    assert device.counts.lost_samples == 0
    del outlet


def test_a_stream_that_ends_is_told_and_taken_up_when_it_is_back(pylsl: Any) -> None:
    outlet = foreign(pylsl, "comes and goes")
    device = open_lsl("name=comes and goes")
    device.start()
    outlet.push_chunk(np.ones((50, 3)))
    gathered(device, 50)
    del outlet
    told, until_s = [], time.monotonic() + 10.0
    while not told and time.monotonic() < until_s:
        chunk = device.read(0.2)
        assert chunk is not None
        told += [marker.text for marker in chunk.markers]
    assert told[0].lower().startswith('source lost: the lsl stream "comes and goes"')
    again = foreign(pylsl, "comes and goes")
    while device.counts.reconnects == 0 and time.monotonic() < until_s + 20.0:
        device.read(0.2)
    again.push_chunk(np.ones((50, 3)))
    back = gathered(device, 50)
    device.stop()
    assert back[0].markers[-1].text.startswith("source back")
    assert back[0].lost > 0


def test_several_streams_that_fit_are_refused_by_name(pylsl: Any) -> None:
    kept = [foreign(pylsl, "twice", source_id="x"), foreign(pylsl, "twice", source_id="y")]
    with pytest.raises(DeviceRefused, match=r'2 LSL streams fit: "twice".*source_id='):
        the_stream({"name": "twice"})
    assert the_stream({"name": "twice", "source_id": "y"}).source_id == "y"
    assert {"twice"} <= {stream.name for stream in streams()}
    del kept


def test_a_stream_that_is_not_there_is_refused_with_those_that_are(pylsl: Any) -> None:
    kept = foreign(pylsl, "the only one")
    with pytest.raises(DeviceRefused, match=r'name=another was found.*"the only one"'):
        open_lsl("name=another")
    del kept


@contextmanager
def sent(trouble: Trouble) -> Iterator[Injected]:
    """The twin's stream, in real time."""
    stop, there, done = threading.Event(), threading.Event(), Injected()
    thread = threading.Thread(
        target=serve, args=(lsl_twin(), "", trouble, done, stop, lambda _: there.set())
    )
    thread.start()
    assert there.wait(10.0)
    try:
        yield done
    finally:
        stop.set()
        thread.join(5.0)


def test_the_twin_is_a_stream_like_any_other(pylsl: Any) -> None:
    with sent(Trouble()):
        device = open_lsl(NAME)
        device.start()
        chunks = gathered(device, 1000)
        device.stop()
    rows = np.concatenate([c.samples for c in chunks])
    assert device.spec == lsl_twin().spec
    signal = lsl_twin().signal(0, 30_000).astype(np.float32)
    first_n = int((signal == rows[0]).all(axis=1).argmax())
    np.testing.assert_array_equal(rows, signal[first_n : first_n + len(rows)])
    assert json.dumps(device.spec.to_json())
