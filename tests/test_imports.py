"""What other programs recorded is read as they meant it; what is broken is counted and told."""

from __future__ import annotations

import json
import subprocess
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquisition.imports import IMPORTS, load_session
from acquisition.replay import open_replay
from acquisition.session import assemble
from acquisition.stream import Refused, Spec
from tests.peer_files import CYTON_UV, PEERS, emgworks_shared, libemg, openbci, uci_gestures

pytestmark = pytest.mark.edge

ROOT = Path(__file__).resolve().parents[1]
LIBEMG = ROOT / ".venv-libemg" / "bin" / "python"


def test_every_kind_has_an_example() -> None:
    assert {kind for kind, _, _ in PEERS.values()} == set(IMPORTS)


@pytest.mark.parametrize("example", PEERS)
def test_a_recording_of_a_peer_is_found_whole(example: str, tmp_path: Path) -> None:
    _, name, write = PEERS[example]
    peer = write(tmp_path / name)
    session = load_session(tmp_path / name, None if peer.says_rate else peer.rate_hz)
    assert session.spec.rate_hz == pytest.approx(peer.rate_hz, rel=1e-6)
    assert session.spec.unit == peer.unit
    np.testing.assert_allclose(session.samples, peer.samples, rtol=1e-6, atol=1e-5)
    assert session.samples.dtype == np.float32
    assert session.markers == peer.markers
    assert session.gaps == peer.gaps
    assert session.notes == peer.notes
    assert (session.motion and session.motion.spec.rate_hz) == (
        peer.motion_hz and pytest.approx(peer.motion_hz, rel=1e-5)
    )


@pytest.mark.parametrize("example", PEERS)
def test_a_recording_of_a_peer_replays_or_says_what_is_missing(
    example: str, tmp_path: Path
) -> None:
    _, name, write = PEERS[example]
    peer = write(tmp_path / name)
    if not peer.says_rate:
        with pytest.raises(Refused, match=r"does not say at what rate.*--rate HZ"):
            open_replay(str(tmp_path / name))
        return
    source = open_replay(str(tmp_path / name), fast=True)
    source.start()
    n = lost = 0
    while (chunk := source.read(0.0)) is not None:
        n, lost = n + len(chunk.samples), lost + chunk.lost
    assert (n, lost) == (len(peer.samples), sum(gap for _, gap in peer.gaps))


@pytest.mark.parametrize("example", [name for name, row in PEERS.items() if row[0] != "xdf"])
def test_another_rate_than_the_files_own_is_refused(example: str, tmp_path: Path) -> None:
    _, name, write = PEERS[example]
    peer = write(tmp_path / name)
    if peer.says_rate:
        with pytest.raises(Refused, match="leave --rate out"):
            load_session(tmp_path / name, peer.rate_hz * 2)
    else:
        assert load_session(tmp_path / name, 77.0).spec.rate_hz == 77.0


TEXTS = [
    name for name, (kind, _, _) in PEERS.items() if kind not in {"xdf", "myo_armband", "libemg"}
]


@pytest.mark.parametrize("example", TEXTS)
@given(seed=st.integers(0, 10**6), junk=st.text(max_size=30))
@settings(max_examples=12)
def test_broken_rows_never_break_the_reading(
    example: str, seed: int, junk: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    _, name, write = PEERS[example]
    path = tmp_path_factory.mktemp("p") / name
    peer = write(path)
    lines = path.read_text(encoding="utf-8").split("\n")
    rng = np.random.default_rng(seed)
    for i in rng.integers(len(lines) - 60, len(lines) - 12, 4):
        lines[i] = junk if rng.random() < 0.5 else lines[i][: rng.integers(0, len(lines[i]) + 1)]
    path.write_text("\n".join(lines), encoding="utf-8")
    try:
        session = load_session(path, None if peer.says_rate else peer.rate_hz)
    except Refused as error:
        pytest.fail(str(error))
    assert np.isfinite(session.samples).all()
    assert len(peer.samples) - 8 <= len(session.samples) <= len(peer.samples)


@pytest.mark.parametrize("example", TEXTS)
def test_a_file_without_rows_is_refused_in_one_sentence(example: str, tmp_path: Path) -> None:
    _, name, write = PEERS[example]
    write(tmp_path / name)
    lines = (tmp_path / name).read_text(encoding="utf-8").split("\n")
    header = [line for line in lines if line[:1].isalpha() or line[:1] in "%,"]
    if "shared" in example or "semicolon" in example or "tab" in example:
        header = lines[:1]
    (tmp_path / name).write_text("\n".join(header[: 8 if "discover" in example else None]) + "\n")
    with pytest.raises(Refused, match=r"a\.(txt|csv)") as refused:
        load_session(tmp_path / name, 1000.0)
    assert str(refused.value).count("\n") == 0


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"hello\n", "no recording of a known kind"),
        (b"\x7fELF\0\0\0", "no recording of a known kind"),
        (b"time,a,b\n1,2,3\n", "no recording of a known kind"),
        ("µ%%\udcff".encode("utf-8", "surrogateescape"), "no recording of a known kind"),
    ],
)
def test_a_foreign_file_is_refused_and_told_what_is_known(
    content: bytes, sentence: str, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(Refused, match=sentence):
        load_session(tmp_path / "a.txt", 100.0)


@given(st.binary(max_size=400))
def test_no_bytes_at_all_raise_anything_but_a_refusal(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("p") / "a.txt"
    for head in (b"", b"%OpenBCI\n", b"X[s],EMG 1\n", b"File Name: a\nengineering units: mV\n"):
        path.write_bytes(head + content)
        with suppress(Refused):
            load_session(path, 100.0)


@pytest.mark.parametrize("step", [1, 2])
@given(drop=st.sets(st.integers(20, 580), max_size=12), burst=st.integers(0, 400))
@settings(max_examples=25)
def test_openbci_losses_are_counted_by_the_index_and_whole_turns_by_the_time(
    step: int, drop: set[int], burst: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("p") / "a.txt"
    gone = tuple(sorted(drop | set(range(100, 100 + burst))))
    peer = openbci(path, step=step, drop=gone)
    session = load_session(path)
    assert session.gaps == peer.gaps
    assert session.lost == len(gone)
    np.testing.assert_allclose(session.samples, peer.samples, rtol=1e-6)


def test_openbci_rows_that_come_twice_are_left_out_and_told(tmp_path: Path) -> None:
    peer = openbci(tmp_path / "a.txt")
    lines = (tmp_path / "a.txt").read_text().split("\n")
    (tmp_path / "a.txt").write_text("\n".join([*lines[:50], lines[49], *lines[50:]]))
    session = load_session(tmp_path / "a.txt")
    assert len(session.samples) == len(peer.samples)
    assert session.gaps == ()
    assert session.notes == ("Rows that came twice, left out: 1.",)


def test_openbci_knows_a_cytons_count(tmp_path: Path) -> None:
    openbci(tmp_path / "a.txt")
    assert load_session(tmp_path / "a.txt").spec.scale == CYTON_UV
    assert load_session(tmp_path / "a.txt").wall_s == pytest.approx(1.7e9)


def test_a_daisy_that_changes_parity_is_told(tmp_path: Path) -> None:
    openbci(tmp_path / "a.txt", step=2)
    lines = (tmp_path / "a.txt").read_text().split("\n")
    moved = [
        f"{(int(float(line.split(',')[0])) + 1) % 256}.0,{line.partition(',')[2]}"
        if i > 300
        else line
        for i, line in enumerate(lines)
        if line
    ]
    (tmp_path / "a.txt").write_text("\n".join(moved))
    assert load_session(tmp_path / "a.txt").notes == (
        "Changes of the index between odd and even: 1.",
    )


def test_a_counter_that_is_none_tells_of_no_losses(tmp_path: Path) -> None:
    openbci(tmp_path / "a.txt")
    lines = (tmp_path / "a.txt").read_text().split("\n")
    still = [f"7.0,{line.partition(',')[2]}" if line[:1].isdigit() else line for line in lines]
    (tmp_path / "a.txt").write_text("\n".join(still))
    session = load_session(tmp_path / "a.txt")
    assert session.gaps == ()
    assert "losses are not known" in session.notes[0]


def test_a_jump_of_the_time_is_a_gap(tmp_path: Path) -> None:
    emgworks_shared(tmp_path / "a.csv")
    lines = (tmp_path / "a.csv").read_text().split("\n")
    (tmp_path / "a.csv").write_text("\n".join([*lines[:40], *lines[47:]]))
    session = load_session(tmp_path / "a.csv")
    assert session.gaps == ((39, 7),)
    assert session.spec.rate_hz == pytest.approx(2000.0)


def test_a_class_without_a_name_keeps_its_number(tmp_path: Path) -> None:
    uci_gestures(tmp_path / "a.txt")
    text = (tmp_path / "a.txt").read_text().replace("\t2\n", "\t9\n")
    (tmp_path / "a.txt").write_text(text)
    assert (30, "class_9") in load_session(tmp_path / "a.txt").markers


def test_libemg_rows_of_another_width_count_as_lost(tmp_path: Path) -> None:
    peer = libemg(tmp_path / "folder")
    file = tmp_path / "folder" / "C_0_R_0_emg.csv"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines[:5], "1,2,3", *lines[6:]]))
    (tmp_path / "folder" / "C_0_R_0_imu.csv").write_text("1,2\n")
    session = load_session(tmp_path / "folder", 200.0)
    assert session.gaps == ((5, 1),)
    assert len(session.samples) == len(peer.samples) - 1
    assert session.notes == (
        "Rows without numbers, counted as lost: 1.",
        "Files of other modalities, left out: 1.",
    )


def test_libemg_files_of_two_devices_are_refused(tmp_path: Path) -> None:
    libemg(tmp_path / "folder")
    (tmp_path / "folder" / "C_1_R_1_emg.csv").write_text("1,2,3\n")
    with pytest.raises(Refused, match=r"has 3 columns and C_0_R_0_emg\.csv has 8"):
        load_session(tmp_path / "folder", 200.0)


def test_a_row_that_is_missing_in_between_is_a_gap_and_one_at_the_ends_is_none() -> None:
    nan = float("nan")
    rows = np.array([[nan], [1.0], [nan], [nan], [2.0], [3.0], [nan]])
    session = assemble(Spec(10.0, ("a",)), rows, marks=[(0, "x"), (3, "y"), (6, "z")])
    assert session.samples[:, 0].tolist() == [1.0, 2.0, 3.0]
    assert session.gaps == ((1, 2),)
    assert session.markers == ((0, "x"), (1, "y"), (2, "z"))


def test_libemg_itself_reads_the_folder_as_we_do(tmp_path: Path) -> None:
    if not LIBEMG.exists():
        pytest.skip("LibEMG is not here; make bench-libemg installs it")
    libemg(tmp_path / "folder", details=False)
    program = f"""
import json
from libemg.data_handler import OfflineDataHandler, RegexFilter
handler = OfflineDataHandler()
filters = [
    RegexFilter("C_", "_R_", ["0", "1"], description="classes"),
    RegexFilter("_R_", "_emg.csv", ["0", "1"], description="reps"),
]
handler.get_data({str(tmp_path / "folder")!r}, filters, delimiter=",")
rows = zip(handler.reps, handler.classes, handler.data)
found = sorted([int(r[0, 0]), int(c[0, 0]), d.tolist()] for r, c, d in rows)
print("FOUND" + json.dumps(found))
"""
    run = subprocess.run([LIBEMG, "-c", program], capture_output=True, text=True, check=False)
    assert "FOUND" in run.stdout, run.stderr[-2000:]
    found = json.loads(run.stdout.partition("FOUND")[2].splitlines()[0])
    session = load_session(tmp_path / "folder", 200.0)
    assert [text for _, text in session.markers] == [f"class_{c}" for _, c, _ in found]
    np.testing.assert_array_equal(session.samples, np.concatenate([d for *_, d in found]))


def test_what_libemg_itself_saves_is_read(tmp_path: Path) -> None:
    if not LIBEMG.exists():
        pytest.skip("LibEMG is not here; make bench-libemg installs it")
    program = f"""
import types, numpy as np
from libemg._gui._data_collection_panel import DataCollectionPanel
newest_first = np.arange(40.0).reshape(5, 8)[::-1]
fake = types.SimpleNamespace(rep_buffer={{"emg": [newest_first]}})
DataCollectionPanel.save_data(fake, {str(tmp_path / "C_0_R_0.csv")!r})
"""
    run = subprocess.run([LIBEMG, "-c", program], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    session = load_session(tmp_path, 200.0)
    np.testing.assert_array_equal(session.samples, np.arange(40.0).reshape(5, 8))
