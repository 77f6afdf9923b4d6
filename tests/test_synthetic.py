"""The simulated arm as a source: the same for the same numbers, on time, and able to fail."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquisition.simulator.anatomy import GESTURES
from acquisition.simulator.arms import ARMBAND, ARMS, SLEEVE16
from acquisition.simulator.faults import Fault
from acquisition.simulator.record import record
from acquisition.simulator.script import Prompt, Script, cycle_script, demo_script
from acquisition.simulator.simulation import Simulation
from acquisition.sources import open_source
from acquisition.stream import Chunk, DeviceLost, DeviceRefused, Refused
from acquisition.synthetic import Synthetic, open_synthetic

pytestmark = pytest.mark.edge

SHORT = Script((Prompt("rest", 0.0, 0.3), Prompt("hand_close", 0.6, 0.7)))


@dataclass
class FakeClock:
    now: float = 1000.0
    slept: int = 0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.slept += 1
        self.now += seconds


def fake(argument: str = "", **options) -> tuple[Synthetic, FakeClock]:
    clock = FakeClock()
    return open_synthetic(argument, clock=clock, sleep=clock.sleep, **options), clock


def play(source: Synthetic, timeout_s: float = 1.0) -> list[Chunk]:
    source.start()
    chunks = list(iter(lambda: source.read(timeout_s), None))
    source.stop()
    return chunks


def joined(chunks: list[Chunk]) -> np.ndarray:
    return np.concatenate([c.samples for c in chunks])


# What it is


def test_the_empty_argument_is_the_armband_of_the_myo():
    spec = open_source("synthetic").spec
    assert spec == open_source("synthetic:armband").spec
    assert (spec.rate_hz, spec.unit, spec.scale, spec.full_scale) == (200.0, "raw", 1.0, 127.0)
    assert spec.channels == tuple(f"emg{i}" for i in range(1, 9))


def test_the_sleeve_has_sixteen_channels_in_microvolts_at_two_kilohertz():
    spec = open_synthetic("sleeve16").spec
    assert (spec.rate_hz, spec.unit, len(spec.channels)) == (2000.0, "uV", 16)
    assert spec.full_scale == pytest.approx(32767 * 0.195)


def test_an_unknown_arm_is_refused_with_the_nearest_name():
    with pytest.raises(Refused, match=r'no simulated arm "armbnad".*Did you mean "armband"'):
        open_synthetic("armbnad")


def test_impossible_settings_are_refused():
    with pytest.raises(Refused, match=r"user .* -1"):
        open_synthetic(user=-1)
    with pytest.raises(Refused, match="not for 0"):
        open_synthetic(seconds=0)
    with pytest.raises(Refused, match=r'"hand_clos".*Did you mean "hand_close"'):
        Prompt("hand_clos", 0.5, 1.0)
    with pytest.raises(Refused, match=r"not 1\.5"):
        Prompt("hand_close", 1.5, 1.0)
    with pytest.raises(Refused, match=r'no fault "unplugg".*Did you mean "unplug"'):
        Fault("unplugg", 1.0)
    with pytest.raises(Refused, match="channels 0 to 7"):
        open_synthetic(faults=[Fault("flat", 0.0, channels=(8,))])


# The same for the same numbers


@settings(max_examples=12, deadline=None)
@given(
    name=st.sampled_from(sorted(ARMS)),
    sizes=st.lists(st.integers(0, 90), min_size=1, max_size=8),
    numbers=st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)),
)
def test_samples_and_prompts_do_not_depend_on_the_chunks(name, sizes, numbers):
    user, session, seed = numbers
    arm = replace(ARMS[name], user=user, session=session, seed=seed)
    script = Script((Prompt("rest", 0.0, 0.05), Prompt("hand_open", 0.7, 0.1)))
    faults = (Fault("lift_off", 0.1, 0.1, (1,)), Fault("rotation", 0.2))
    whole = Simulation(arm, script, faults).take(sum(sizes))
    parts = Simulation(arm, script, faults)
    at, samples, markers = 0, [], []
    for size in sizes:
        taken = parts.take(size)
        samples.append(taken.samples)
        markers += [(at + m.sample_n, m.text) for m in taken.markers]
        at += size
    assert np.array_equal(np.concatenate(samples), whole.samples)
    assert markers == [(m.sample_n, m.text) for m in whole.markers]


def test_real_time_fast_and_recorded_give_the_same_samples():
    options = {"seconds": 1.5, "seed": 3, "user": 2, "session": 1, "script": SHORT}
    live = joined(play(fake(**options)[0]))
    fast = joined(play(open_synthetic(fast=True, **options)))
    arm = replace(ARMBAND, seed=3, user=2, session=1)
    assert np.array_equal(live, fast)
    assert np.array_equal(live, record(arm, SHORT, 1.5).samples)
    assert live.dtype == np.float32


@pytest.mark.parametrize("number", ["user", "session", "seed"])
def test_another_user_session_or_seed_gives_another_signal(number):
    one = record(ARMBAND, SHORT)
    other = record(replace(ARMBAND, **{number: 1}), SHORT)
    assert not np.array_equal(one.samples, other.samples)


# On time


def test_chunks_come_as_their_last_sample_falls_due_and_tell_when_they_began():
    source, clock = fake(seconds=0.5)
    source.start()
    began = clock.now
    for i in range(50):
        chunk = source.read(1.0)
        assert len(chunk.samples) == 2
        assert chunk.clock_s == began + 2 * i / 200
        assert clock.now == pytest.approx(began + (2 * i + 1) / 200)
    assert source.read(1.0) is None


def test_a_late_reader_gets_what_is_due_at_once_and_the_schedule_stays():
    source, clock = fake()
    source.start()
    began = clock.now
    clock.now += 0.1
    late = [source.read(1.0) for _ in range(10)]
    assert clock.slept == 0
    assert late[-1].clock_s == pytest.approx(began + 0.09)
    source.read(1.0)
    assert clock.now == pytest.approx(began + 0.105)


def test_a_read_gives_an_empty_chunk_when_nothing_comes_in_time():
    source, clock = fake()
    source.start()
    began = clock.now
    chunk = source.read(0.002)
    assert chunk.samples.shape == (0, 8)
    assert clock.now == pytest.approx(began + 0.002)
    assert len(source.read(0.01).samples) == 2


def test_fast_chunks_never_wait_and_keep_the_same_clocks():
    source, clock = fake("sleeve16", fast=True, seconds=0.2)
    began = clock.now
    chunks = play(source)
    assert clock.slept == 0
    assert [c.clock_s for c in chunks] == [began + 20 * i / 2000 for i in range(20)]


def test_reading_ends_at_the_end_before_the_start_and_after_the_stop():
    source = open_synthetic(fast=True)
    assert source.read(0.0) is None
    source.start()
    assert source.read(0.0) is not None
    source.stop()
    source.stop()
    assert source.read(0.0) is None


# Prompts


def test_the_demo_begins_with_two_seconds_of_rest_and_asks_for_every_gesture():
    prompts = demo_script().prompts
    assert prompts[0] == Prompt("rest", 0.0, 2.0)
    assert {p.gesture for p in prompts} == set(GESTURES)
    for before, after in pairwise(prompts):
        assert "rest" in {before.gesture, after.gesture}


def test_each_change_of_prompt_is_marked_at_its_sample_and_the_script_begins_again():
    chunks = play(open_synthetic(fast=True, seconds=2.1, script=SHORT))
    at, found = 0, []
    for chunk in chunks:
        found += [(at + m.sample_n, m.text) for m in chunk.markers]
        at += len(chunk.samples)
    assert found == [
        (0, "rest"), (60, "hand_close"), (200, "rest"), (260, "hand_close"), (400, "rest"),
    ]  # fmt: skip


def test_labels_follow_the_markers_and_a_script_that_ends_ends_in_rest():
    script = cycle_script(1, 0.1)
    recorded = record(ARMBAND, script, script.seconds + 0.1)
    assert recorded.labels.tolist() == [g for g in [*range(7), 0] for _ in range(20)]


def test_the_wearer_follows_the_prompt_with_a_delay():
    script = Script((Prompt("rest", 0.0, 1.0), Prompt("wrist_extension", 0.6, 1.0)))
    level = np.abs(record(ARMBAND, script).samples).mean(axis=1)
    rest, reacting, held = level[100:200].mean(), level[200:220].mean(), level[320:].mean()
    assert reacting < 1.5 * rest
    assert held > 4 * rest


# Faults


def test_lost_chunks_are_missing_and_counted_and_their_prompts_are_not():
    options = {"fast": True, "seconds": 4.0, "script": SHORT}
    whole = joined(play(open_synthetic(**options)))
    chunks = play(open_synthetic(**options, faults=[Fault("loss", 1.0, 2.0, size=0.3)]))
    first_s, at, found = chunks[0].clock_s, 0, []
    for chunk in chunks:
        at += chunk.lost
        found += [m.text for m in chunk.markers]
        assert chunk.clock_s == pytest.approx(first_s + at / 200)
        assert np.array_equal(chunk.samples, whole[at : at + len(chunk.samples)])
        at += len(chunk.samples)
    lost_n = sum(c.lost for c in chunks)
    assert at == 800
    assert 0.2 < lost_n / 400 < 0.4
    assert found == ["rest", "hand_close"] * 4


def test_a_link_that_loses_everything_still_lets_the_reader_go():
    source, _ = fake(fast=True, faults=[Fault("loss", 0.0, size=1.0)])
    source.start()
    assert len(source.read(0.1).samples) == 0


def test_an_unplugged_device_is_lost_and_can_be_started_when_it_is_back():
    source, clock = fake(faults=[Fault("unplug", 0.5, 1.0)])
    source.start()
    began = clock.now
    with pytest.raises(DeviceLost, match=r"armband was unplugged after 0\.5 s"):
        list(iter(lambda: source.read(1.0), None))
    assert clock.now == pytest.approx(began + 0.5)
    with pytest.raises(DeviceLost):
        source.read(1.0)
    source.stop()
    with pytest.raises(DeviceRefused, match=r"there again 1\.0 s from now"):
        source.start()
    clock.now += 1.2
    source.start()
    assert source.read(1.0).clock_s == pytest.approx(began + 1.7, abs=0.005)


def test_a_fast_source_skips_the_time_without_its_device():
    source, clock = fake(fast=True, faults=[Fault("unplug", 0.504, 1.0)])
    source.start()
    with pytest.raises(DeviceLost):
        list(iter(lambda: source.read(1.0), None))
    source.start()
    assert source.read(1.0).clock_s == pytest.approx(clock.now + 1.505)


def test_a_device_that_is_gone_for_good_is_refused():
    source, _ = fake(fast=True, faults=[Fault("unplug", 0.0)])
    with pytest.raises(DeviceRefused, match="for good"):
        source.start()


def test_a_stall_hands_over_nothing_and_then_everything():
    source, clock = fake(faults=[Fault("stall", 0.1, 0.5)])
    source.start()
    began = clock.now
    for _ in range(10):
        source.read(1.0)
    assert len(source.read(0.1).samples) == 0
    assert source.read(1.0).clock_s == pytest.approx(began + 0.1)
    assert clock.now == pytest.approx(began + 0.6)
    slept = clock.slept
    for _ in range(49):
        assert source.read(0.0).lost == 0
    assert clock.slept == slept


HELD = Script((Prompt("hand_open", 0.6, 10.0),))


def struck(kind: str, arm=SLEEVE16, **options) -> tuple[np.ndarray, np.ndarray]:
    """(without, with) the fault from second 1 to 2 of a held gesture, only that second."""
    part = slice(round(arm.rate_hz), round(2 * arm.rate_hz))
    fault = Fault(kind, 1.0, 1.0, **options)
    healthy, faulty = record(arm, HELD, 2.0).samples, record(arm, HELD, 2.0, [fault]).samples
    assert np.array_equal(healthy[: part.start], faulty[: part.start])
    return healthy[part], faulty[part]


def power(samples: np.ndarray, from_hz: float, to_hz: float, rate_hz: float = 2000.0) -> np.ndarray:
    spectrum = np.abs(np.fft.rfft(samples - samples.mean(0), axis=0)) ** 2 / len(samples)
    frequency = np.fft.rfftfreq(len(samples), 1 / rate_hz)
    return spectrum[(frequency >= from_hz) & (frequency <= to_hz)].sum(axis=0)


def test_a_flat_a_saturated_and_a_nan_channel_are_what_they_say():
    faults = [Fault("flat", 0.5, 0.5, (3,)), Fault("saturate", 0.5, 0.5, (0,))]
    faults += [Fault("nan", 0.5, 0.25, (5,)), Fault("nan", 1.0)]
    healthy = record(ARMBAND, HELD, 1.2).samples
    faulty = record(ARMBAND, HELD, 1.2, faults).samples
    assert (faulty[100:200, 3] == 0).all()
    assert (faulty[100:200, 0] == 127).all()
    assert np.isnan(faulty[100:150, 5]).all()
    assert np.isnan(faulty[200:]).all()
    untouched = [1, 2, 4, 6, 7]
    assert np.array_equal(faulty[:200, untouched], healthy[:200, untouched])


def test_bridged_electrodes_read_the_same():
    healthy, faulty = struck("bridge", ARMBAND, channels=(1, 2))
    assert abs(np.corrcoef(healthy.T)[1, 2]) < 0.8
    assert np.corrcoef(faulty[20:].T)[1, 2] > 0.99


def test_a_lifted_electrode_loses_the_muscle_and_gains_noise_and_line():
    strongest = int(record(SLEEVE16, HELD, 2.0).samples[1000:].std(axis=0).argmax())
    healthy, faulty = struck("lift_off", SLEEVE16, channels=(strongest,))
    line = power(faulty, 49, 51)[strongest]
    assert line > 50 * power(healthy, 49, 51).mean()
    beside = (strongest + 1) % 16
    assert abs(np.corrcoef(faulty.T)[strongest, beside]) < 0.15


def test_stronger_line_interference_is_a_line_and_not_a_level():
    healthy, faulty = struck("line", SLEEVE16)
    added = power(faulty - healthy, 0, 1000)
    assert (power(faulty - healthy, 49, 51) > 0.8 * added).all()
    assert (power(faulty - healthy, 99, 101) > 0.02 * added).all()


def test_the_sixty_hertz_line_is_at_sixty_hertz():
    arm = replace(SLEEVE16, noise=replace(SLEEVE16.noise, line_hz=60.0, line_uv=50.0))
    rest = record(arm, Script((Prompt("rest", 0.0, 2.0),))).samples[1000:]
    assert (power(rest, 59, 61) > 20 * power(rest, 49, 51)).all()


def test_a_motion_artefact_is_slow_and_ends():
    noisy = replace(SLEEVE16, noise=replace(SLEEVE16.noise, artefact_uv=1000.0))
    healthy, faulty = struck("artefact", noisy)
    bump = faulty - healthy
    assert np.abs(bump).max() > 100
    assert power(bump, 0, 60).sum() > 0.95 * power(bump, 0, 1000).sum()
    assert np.abs(bump[-200:]).max() < 0.05 * np.abs(bump).max()
    between_blocks = [Fault("artefact", 0.09999, 0.5)]
    assert not np.array_equal(
        record(noisy, HELD, 0.3).samples, record(noisy, HELD, 0.3, between_blocks).samples
    )


def test_turning_the_electrodes_by_one_pair_moves_the_picture_by_one_channel():
    rms = record(ARMBAND, HELD, 3.0).samples[200:].std(axis=0)
    turned = record(replace(ARMBAND, rotation_deg=45.0), HELD, 3.0).samples[200:].std(axis=0)
    assert np.corrcoef(np.roll(rms, 1), turned)[0, 1] > 0.98
    assert np.corrcoef(rms, turned)[0, 1] < 0.9
    slipped = struck("rotation", ARMBAND, size=45.0)[1].std(axis=0)
    assert np.corrcoef(np.roll(rms, 1), slipped)[0, 1] > 0.95


# Light


def test_the_armband_starts_in_a_few_times_what_numpy_takes_and_needs_numpy_alone():
    code = (
        "import sys, time; began = time.process_time(); import numpy;"
        "loaded = time.process_time();"
        "from acquisition.synthetic import open_synthetic;"
        "source = open_synthetic('armband', fast=True); source.start(); source.read(1.0);"
        "ratio = (time.process_time() - loaded) / (loaded - began);"
        "print(ratio, 'scipy' in sys.modules, 'torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    ratio, scipy, torch = done.stdout.split()
    assert (scipy, torch) == ("False", "False")
    assert float(ratio) < 4
