"""Damage to a signal, what an artifact loses by it, and that each figure can fail."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from acquisition.myo_files import MYO_SPEC
from acquisition.session import Session
from acquisition.stream import Refused
from flexor.benchmark import ARTIFACTS
from flexor.robustness import hear
from models.artifact import Artifact, open_artifact
from models.score import Decided
from training.datasets import Segment, Selection, read_dataset
from training.evaluate import decisions
from training.robustness import (
    UNKNOWN,
    Heard,
    damages,
    line,
    lose_packets,
    lost_electrodes,
    rest_level,
    rest_shares,
    shares,
    stream_of,
    told_apart,
    unknown_shares,
    unknown_stream,
)

RNG = np.random.default_rng(3)
GESTURES = ("rest", "hand_close", "hand_open")


def parts(n: int = 600, cycle: int = 1) -> list[Segment]:
    levels = (1.0, 8.0, 12.0)
    return [
        Segment("u", "s", cycle, g, (RNG.normal(size=(n, 8)) * v).astype(np.float32), MYO_SPEC)
        for g, v in zip(GESTURES, levels, strict=True)
    ]


@pytest.fixture(scope="module")
def demo() -> Artifact:
    return open_artifact(ARTIFACTS / "demo.onnx")


def told(artifact: Artifact, stream: Session, right: float = 1.0, refused: float = 0.0) -> Heard:
    """What an artifact would say that is right in so many of ten windows."""
    edges = [at for at, _ in stream.markers]
    decided, rejected = [], []
    length = artifact.contract.windows.length_samples
    for i, n in enumerate(range(length - 1, len(stream.samples), 5)):
        word = stream.markers[int(np.searchsorted(edges, n, side="right")) - 1][1]
        wrong = (i % 10) >= round(10 * right)
        decided.append(Decided(n, "hand_open" if wrong and word != "hand_open" else word))
        rejected.append((i % 10) < round(10 * refused))
    return Heard(tuple(decided), tuple(rejected))


def test_an_undamaged_stream_is_heard_as_the_decoder_hears_it(demo: Artifact) -> None:
    want = Selection(users=("wearer0",), sessions=("seed1001",), cycles=(0,))
    whole = read_dataset("synthetic:armband", want).whole()[:4]
    stream, _ = stream_of([replace(p, samples=p.samples[:300]) for p in whole])
    assert list(hear(demo, stream).decided) == decisions(demo, stream)


@pytest.fixture(scope="module")
def use() -> tuple[list[Segment], list[Segment]]:
    """(use that is not scored, two seconds of each gesture that are) of the demo's wearer."""
    want = Selection(users=("wearer0",), sessions=("seed1001",), cycles=(2, 3))
    whole = read_dataset("synthetic:armband", want).whole()
    parts = [replace(p, samples=p.samples[-400:]) for p in whole]
    return [p for p in parts if p.cycle == 2], [p for p in parts if p.cycle == 3]


def test_each_protection_keeps_its_damage_within_three_points(demo: Artifact, use: Any) -> None:
    """Without the guessing, the training for it or the renaming, far more is lost."""
    stream, begin = stream_of(use[1], use[0])
    costs: dict[str, list[float]] = {}
    for one in damages(stream, begin, "rest"):
        if one.damage in ("none", "lost electrode", "turned band"):
            heard = hear(demo, one.stream)
            right = shares(demo, heard, one.stream, one.begin)["right"]
            costs.setdefault(f"{one.damage} {one.amount:g}", []).append(right)
    assert costs["none 5"][0] - np.mean(costs["lost electrode 1"]) <= 0.03
    assert costs["none 0"][0] - min(costs["turned band 1"]) <= 0.03


def test_a_preface_shows_each_gesture_once_and_is_not_scored(demo: Artifact) -> None:
    stream, begin = stream_of(parts(), parts(cycle=0))
    assert begin == 3 * 140
    assert [word for _, word in stream.markers[:3]] == list(GESTURES)
    heard = told(demo, stream)
    wrong = tuple(
        Decided(d.sample_n, "hand_open") if d.sample_n < begin else d for d in heard.decided
    )
    assert shares(demo, replace(heard, decided=wrong), stream, begin)["right"] == 1.0
    assert shares(demo, replace(heard, decided=wrong), stream, 0)["right"] < 1.0


def test_use_before_the_score_may_not_be_what_is_scored() -> None:
    with pytest.raises(Refused, match="take another cycle"):
        stream_of(parts(), parts())


def test_shares_count_what_is_wrong_moves_rest_is_rejected_and_is_missing(demo: Artifact) -> None:
    stream, begin = stream_of(parts())
    whole = shares(demo, told(demo, stream), stream, begin)
    assert (whole["right"], whole["moved"], whole["rejected"]) == (1.0, 0.0, 0.0)
    worse = shares(demo, told(demo, stream, right=0.7, refused=0.2), stream, begin)
    assert 0.75 < worse["right"] < 0.85  # hand_open stays right
    assert worse["moved"] == pytest.approx(0.3, abs=0.05)
    assert worse["rejected"] == pytest.approx(0.2, abs=0.02)
    heard = told(demo, stream)
    half = Heard(heard.decided[::2], heard.rejected[::2])
    assert shares(demo, half, stream, begin)["decided"] == pytest.approx(0.5, abs=0.05)


def test_an_electrode_is_lost_from_a_moment_on_and_the_others_stay() -> None:
    x = RNG.normal(size=(50, 8)).astype(np.float32)
    y = lost_electrodes(x, (2,), 20)
    assert (y[:20] == x[:20]).all()
    assert np.ptp(y[20:, 2]) == 0
    assert (np.delete(y, 2, axis=1) == np.delete(x, 2, axis=1)).all()


@pytest.mark.parametrize("share", [0.05, 0.2])
def test_lost_packets_leave_gaps_that_add_up_and_markers_in_place(share: float) -> None:
    stream, _ = stream_of(parts(2000))
    kept = lose_packets(stream, share, np.random.default_rng(0))
    assert len(kept.samples) + kept.lost == len(stream.samples)
    assert kept.lost / len(stream.samples) == pytest.approx(share, rel=0.25)
    for (at, word), (before, same) in zip(kept.markers, stream.markers, strict=True):
        assert word == same
        assert 0 <= kept.position(at) - before <= 20


def test_the_line_has_the_strength_and_the_frequency_that_are_said() -> None:
    wave = line(2000, 8, 200.0, np.random.default_rng(0))
    assert np.sqrt((wave**2).mean()) == pytest.approx(1.0, rel=0.15)
    power = np.abs(np.fft.rfft(wave[:, 0])) ** 2
    assert np.fft.rfftfreq(2000, 1 / 200)[power.argmax()] == 50.0


def test_noise_is_measured_by_rest_and_clipped_as_the_armband_does() -> None:
    stream, begin = stream_of(parts(), parts(cycle=0))
    assert rest_level(stream, "rest") == pytest.approx(1.0, rel=0.05)
    with pytest.raises(Refused, match="no rest"):
        rest_level(replace(stream, markers=((0, "hand_close"),)), "rest")
    for one in damages(stream, begin, "rest"):
        assert np.abs(one.stream.samples).max() <= (MYO_SPEC.full_scale or np.inf)
        assert one.begin >= begin


def test_each_electrode_is_lost_once_alone_and_with_a_neighbour_and_the_band_turned() -> None:
    stream, begin = stream_of(parts())
    made = [(one.damage, one.amount) for one in damages(stream, begin, "rest")]
    assert made.count(("lost electrode", 1)) == 8
    assert made.count(("lost electrode", 2)) == 4
    assert made.count(("turned band", 1)) == 2


def test_unknown_movements_are_no_known_ones_and_rest_stays_rest(demo: Artifact) -> None:
    known = parts()
    stream = unknown_stream(known, "rest")
    assert [word for _, word in stream.markers] == ["rest", UNKNOWN, UNKNOWN]
    assert (stream.samples[:600] == known[0].samples).all()
    assert not (stream.samples[600:1200] == known[1].samples).all(axis=1).any()
    plain = told(demo, stream)
    assert unknown_shares(demo, plain, stream)["rejected"] == 0.0
    some = unknown_shares(demo, told(demo, stream, refused=0.5), stream)
    assert some["rejected"] == pytest.approx(0.5, abs=0.05)


def test_known_movements_that_are_refused_count_where_a_window_holds_one_of_them(
    demo: Artifact,
) -> None:
    """As unknown ones do: a window across a change is neither."""
    stream, begin = stream_of(parts())
    length = demo.contract.windows.length_samples
    plain = told(demo, stream)
    edges = np.array([at for at, _ in stream.markers[1:]])
    across = tuple(
        bool(((d.sample_n >= edges) & (d.sample_n < edges + length - 1)).any())
        for d in plain.decided
    )
    heard = replace(plain, rejected=across)
    found = shares(demo, heard, stream, begin)
    assert found["known_rejected"] == 0.0
    assert found["rejected"] > 0.02
    some = shares(demo, told(demo, stream, refused=0.5), stream, begin)
    assert some["known_rejected"] == pytest.approx(0.5, abs=0.05)


def test_rest_is_scored_by_its_own_windows_and_told_with_its_length(demo: Artifact) -> None:
    stream, _ = stream_of(parts())
    found = rest_shares(demo, told(demo, stream, right=0.7), stream)
    assert found["rest_s"] == 3.0
    assert found["moved"] == pytest.approx(0.3, abs=0.05)
    quiet = rest_shares(demo, told(demo, stream, right=0.7, refused=1.0), stream)
    assert quiet["moved"] == 0.0


def test_how_well_unknown_windows_are_told_from_known_ones_is_a_share_of_pairs(
    demo: Artifact,
) -> None:
    known, _ = stream_of(parts())
    strange = unknown_stream(parts(), "rest")
    mine, theirs = told(demo, known), told(demo, strange)

    def apart(low: float, high: float) -> float | None:
        ours = replace(mine, strangeness=(low,) * len(mine.decided))
        others = replace(theirs, strangeness=(high,) * len(theirs.decided))
        return told_apart(demo, (ours, known), (others, strange))

    assert (apart(1.0, 2.0), apart(1.0, 1.0), apart(2.0, 1.0)) == (1.0, 0.5, 0.0)
    assert told_apart(demo, (mine, known), (theirs, strange)) is None
