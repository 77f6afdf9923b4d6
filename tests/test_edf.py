"""What EDF+ and BDF+ hold is what was recorded: others read it back, count for count."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquisition.edf_files import write_edf
from acquisition.edf_grid import RATE_ERROR, grid, records, rounded
from acquisition.session import Session
from acquisition.stream import Refused, Spec

pytestmark = pytest.mark.edge
edfio = pytest.importorskip("edfio", reason="EDF needs edfio of flexor[files]")

CYTON_UV = 4.5e6 / (2**23 - 1) / 24
SCALES = (1.0, 0.195, CYTON_UV, 0.286, 1.5e-3, 12.5)


def session(
    counts: Any, rate_hz: float = 200.0, scale: float = 1.0, unit: str = "raw", **rest: Any
) -> Session:
    x = (np.asarray(counts, np.float64) * scale).astype(np.float32)
    names = tuple(f"emg{i + 1}" for i in range(x.shape[1]))
    markers = rest.pop("markers", ())
    return Session(Spec(rate_hz, names, unit, scale), x, markers, **rest)


def motion(n: int, rate_hz: float = 50.0, **rest: Any) -> Session:
    spec = Spec(rate_hz, ("accel_x_g", "gyro_z_deg_s"), "named", 1.0)
    x = np.stack([np.linspace(-1, 1, n), np.linspace(-250, 250, n)], axis=1)
    return Session(spec, x.astype(np.float32), (), **rest)


def read(path: Path) -> Any:
    return edfio.read_edf(path) if path.suffix == ".edf" else edfio.read_bdf(path)


def read_mne(path: Path) -> Any:
    mne = pytest.importorskip("mne", reason="MNE, which reads back what we write, is not here")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reader = mne.io.read_raw_edf if path.suffix == ".edf" else mne.io.read_raw_bdf
        return reader(path, preload=True, verbose="error")


@given(
    kind=st.sampled_from(["edf", "bdf"]),
    scale=st.sampled_from(SCALES),
    seed=st.integers(0, 1000),
    most=st.integers(1, 2**15 - 1),
    lowest=st.booleans(),
)
@settings(max_examples=60)
def test_device_counts_survive_exactly(
    tmp_path_factory: pytest.TempPathFactory,
    kind: str,
    scale: float,
    seed: int,
    most: int,
    lowest: bool,
) -> None:
    counts = np.random.default_rng(seed).integers(-most, most + 1, (37, 3))
    if lowest:
        counts[5, 1] = -(2**15)
    path = tmp_path_factory.mktemp("e") / f"a.{kind}"
    write_edf(path, session(counts, scale=scale, unit="uV"), kind)
    for i, signal in enumerate(read(path).signals):
        np.testing.assert_array_equal(signal.digital[:37], counts[:, i])
        np.testing.assert_array_equal(np.rint(signal.data[:37] / scale), counts[:, i])
        assert signal.physical_dimension == "uV"


@pytest.mark.parametrize("scale", SCALES)
def test_the_header_says_the_size_of_a_count_to_a_millionth(scale: float) -> None:
    found = grid(np.array([-100.0, 0.0, 70.0]) * scale, scale, "bdf")
    assert found is not None
    gain = (found.physical_highest - found.physical_lowest) / (found.highest - found.lowest)
    assert abs(gain / scale - 1) < 1e-6
    for field in (found.physical_highest, found.physical_lowest):
        assert len(f"{field:.8g}") <= 8 or len(str(field)) <= 8


def test_24_bit_counts_survive_in_bdf_and_are_refused_by_edf(tmp_path: Path) -> None:
    counts = np.array([[0], [1], [-1], [2**22], [-(2**22)], [123457]])
    whole = session(counts, 250.0, CYTON_UV, "uV")
    write_edf(tmp_path / "a.bdf", whole, "bdf")
    np.testing.assert_array_equal(read(tmp_path / "a.bdf").signals[0].digital[:6], counts[:, 0])
    with pytest.raises(Refused, match=r"counts up to 4194304.*write \.bdf"):
        write_edf(tmp_path / "a.edf", whole, "edf")
    assert not (tmp_path / "a.edf").exists()


def test_values_that_are_no_counts_are_rounded_to_the_finest_step_and_told(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(200, 1))
    notes = write_edf(tmp_path / "a.edf", session(x, unit="uV"), "edf")
    assert any("rounded" in note for note in notes)
    back = read(tmp_path / "a.edf").signals[0].data
    assert np.abs(back - x[:, 0]).max() <= np.abs(x).max() / 32767 * 0.51


@given(st.floats(1e-6, 1e6), st.sampled_from(["edf", "bdf"]))
def test_a_rounded_channel_fits_its_header_whatever_its_size(top: float, kind: str) -> None:
    values = np.array([-top, top / 3, top])
    found = rounded(values, kind)
    assert np.abs(found.counts).max() <= found.highest
    assert len(str(found.physical_lowest).removesuffix(".0")) <= 8 or found.physical_highest < 1e-4
    np.testing.assert_allclose(found.counts * found.step, values, atol=found.step * 0.51)


def test_raw_counts_have_no_unit_and_the_notes_say_so(tmp_path: Path) -> None:
    notes = write_edf(tmp_path / "a.edf", session(np.arange(400).reshape(200, 2)), "edf")
    assert any("no known scale" in note for note in notes)
    assert read(tmp_path / "a.edf").signals[0].physical_dimension == ""


@pytest.mark.parametrize("kind", ["edf", "bdf"])
def test_lost_samples_hold_the_value_before_and_are_annotated_for_mne(
    tmp_path: Path, kind: str
) -> None:
    counts = np.arange(1, 501).reshape(500, 1)
    whole = session(counts, gaps=((200, 50), (300, 10)), markers=((0, "rest"), (200, "close")))
    path = tmp_path / f"a.{kind}"
    notes = write_edf(path, whole, kind)
    assert any("60 lost samples in 2 gaps" in note for note in notes)
    raw = read_mne(path)
    x = raw.get_data()[0][:560]
    np.testing.assert_allclose(x[:200], np.arange(1, 201), atol=1e-6)
    np.testing.assert_allclose(x[200:250], 200, atol=1e-6)
    np.testing.assert_allclose(x[250:350], np.arange(201, 301), atol=1e-6)
    np.testing.assert_allclose(x[350:360], 300, atol=1e-6)
    found = [(a["onset"], a["duration"], a["description"]) for a in raw.annotations]
    assert (1.0, 0.25, "BAD_lost") in found
    assert (1.75, 0.05, "BAD_lost") in found
    assert (1.0, 0.0, "lost 50 samples") in found
    assert (0.0, 0.0, "rest") in found
    assert (1.25, 0.0, "close") in found
    assert raw.info["sfreq"] == 200.0


def test_mne_reads_microvolts_as_volts(tmp_path: Path) -> None:
    counts = np.random.default_rng(1).integers(-30000, 30000, (400, 4))
    write_edf(tmp_path / "a.edf", session(counts, 2000.0, 0.195, "uV"), "edf")
    raw = read_mne(tmp_path / "a.edf")
    assert raw.ch_names == ["emg1", "emg2", "emg3", "emg4"]
    np.testing.assert_allclose(raw.get_data().T * 1e6, counts * 0.195, rtol=1e-5, atol=1e-3)


def test_motion_has_signals_of_its_own_at_its_own_rate(tmp_path: Path) -> None:
    still = np.zeros((400, 2))
    write_edf(tmp_path / "a.edf", session(still, motion=motion(100, begin_s=0.1)), "edf")
    signals = read(tmp_path / "a.edf").signals
    assert [signal.label for signal in signals] == ["emg1", "emg2", "accel_x_g", "gyro_z_deg_s"]
    assert [signal.sampling_frequency for signal in signals] == [200, 200, 50, 50]
    assert [s.physical_dimension for s in signals[2:]] == ["g", "deg/s"]
    np.testing.assert_allclose(signals[2].data[5:105], np.linspace(-1, 1, 100), atol=1e-4)
    np.testing.assert_allclose(signals[2].data[:5], -1.0, atol=1e-4)


RATES = (200.0, 1000.0, 1925.926, 52000 / 27, 1259.259, 125.0, 2148.1481, 497.3, 0.5, 31250.0)


@pytest.mark.parametrize("rate_hz", RATES)
@pytest.mark.parametrize("samples_n", [1, 7, 2020, 61_643])
def test_any_rate_is_written_to_a_millionth(tmp_path: Path, rate_hz: float, samples_n: int) -> None:
    counts = np.arange(samples_n).reshape(-1, 1) % 1000
    write_edf(tmp_path / "a.bdf", session(counts, rate_hz), "bdf")
    file = read(tmp_path / "a.bdf")
    assert abs(file.signals[0].sampling_frequency / rate_hz - 1) <= RATE_ERROR
    np.testing.assert_array_equal(file.signals[0].digital[:samples_n], counts[:, 0])
    assert len(file.signals[0].digital) - samples_n <= 21 * max(2, 1.1 * rate_hz)


@pytest.mark.parametrize(
    ("rates_hz", "seconds"), [((200.0, 50.0), 1.0), ((1259.2593, 148.1481), None)]
)
def test_one_record_serves_two_rates(rates_hz: tuple[float, float], seconds: float | None) -> None:
    plan = records(rates_hz, (16, 12), 200)
    for n, rate_hz in zip(plan.samples, rates_hz, strict=True):
        assert abs(n / plan.seconds / rate_hz - 1) <= RATE_ERROR
    assert seconds is None or plan.seconds == seconds


def test_rates_that_share_no_record_are_refused_in_a_sentence(tmp_path: Path) -> None:
    odd = session(np.zeros((40, 1)), 20.0, motion=motion(60, 31.4159265))
    with pytest.raises(Refused, match=r"20 and 31\.4159 Hz.*write \.csv or \.xdf"):
        write_edf(tmp_path / "a.edf", odd, "edf")


def test_what_fills_the_last_record_is_annotated(tmp_path: Path) -> None:
    counts = np.arange(2111).reshape(-1, 1)  # a prime, and longer than any record
    notes = write_edf(tmp_path / "a.edf", session(counts), "edf")
    file = read(tmp_path / "a.edf")
    fill_n = len(file.signals[0].digital) - 2111
    assert fill_n > 0
    assert any(f"filled up by {fill_n} samples" in note for note in notes)
    padding = next(a for a in file.annotations if a.text == "BAD_padding")
    assert padding.onset == pytest.approx(2111 / 200)
    assert padding.duration == pytest.approx(fill_n / 200)


def test_a_length_that_records_divide_is_kept_to_the_sample(tmp_path: Path) -> None:
    write_edf(tmp_path / "a.edf", session(np.zeros((2020, 8))), "edf")
    assert len(read(tmp_path / "a.edf").signals[0].digital) == 2020


def test_values_that_are_no_numbers_hold_the_value_before(tmp_path: Path) -> None:
    counts = np.arange(1.0, 201.0).reshape(-1, 1)
    counts[50:60] = np.nan
    counts[0] = np.inf
    write_edf(tmp_path / "a.edf", session(counts), "edf")
    x = read(tmp_path / "a.edf").signals[0].digital
    assert x[0] == 0
    assert (x[50:60] == 50).all()
    assert x[60] == 61


def test_a_gap_that_would_be_most_of_the_file_is_refused(tmp_path: Path) -> None:
    holed = session(np.zeros((100, 1)), gaps=((50, 2**31 - 1),))
    with pytest.raises(Refused, match="2147483647 samples are lost and 100 are there"):
        write_edf(tmp_path / "a.edf", holed, "edf")


def test_the_start_is_the_walls_and_names_that_an_edf_cannot_hold_are_kept_apart(
    tmp_path: Path,
) -> None:
    names = ("flexor carpi radialis µ", "flexor carpi ulnaris", "flexor carpi radialis ü")
    x = np.zeros((10, 3), np.float32)
    whole = Session(Spec(10.0, names, "uV"), x, ((0, "a\x14b"),), wall_s=1.7e9)
    write_edf(tmp_path / "a.edf", whole, "edf")
    file = read(tmp_path / "a.edf")
    assert len(set(file.labels)) == 3
    assert str(file.startdatetime) == "2023-11-14 22:13:20"
    assert [a.text for a in file.annotations] == ["a b"]


def test_a_machine_without_edfio_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "edfio", None)
    with pytest.raises(Refused, match=r"install flexor\[files\]"):
        write_edf(tmp_path / "a.edf", session(np.zeros((10, 1))), "edf")
    assert not (tmp_path / "a.edf").exists()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a.edf").write_text("precious")
    with pytest.raises(Refused, match="exists"):
        write_edf(tmp_path / "a.edf", session(np.zeros((10, 1))), "edf")
    assert (tmp_path / "a.edf").read_text() == "precious"
