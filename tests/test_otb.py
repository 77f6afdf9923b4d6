"""The amplifiers of OT Bioelettronica: commands, frames, the ramp that keeps them in step."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from acquisition import muovi, quattrocento, sessantaquattro, syncstation
from acquisition.emulators.otb import OtbTwin
from acquisition.emulators.trouble import Trouble
from acquisition.emulators.twin import Transport, Twin, open_twin
from acquisition.emulators.virtual import VirtualClock, VirtualPort
from acquisition.framed import Framed
from acquisition.otb import (
    PROBE_UV,
    Words,
    crc8,
    layout_of,
    motion_spec_of,
    probe_words,
    spec_of,
)
from acquisition.port import Arrival
from acquisition.sources import open_source
from acquisition.stream import Chunk, Counts, Device, DeviceRefused, DeviceTimeout, Refused

pytestmark = pytest.mark.edge

VECTORS = {
    (v["protocol"], v["what"].split(":")[0].split("(")[0].strip()): v
    for v in json.loads((Path(__file__).parent / "protocol_vectors.json").read_text())
    if v["protocol"].startswith("otb_")
}
MUOVI = probe_words(32)
FRAME = bytes.fromhex(
    VECTORS["otb_muovi", "one 16-bit frame"]["hex"],
)


def vector(protocol: str, what: str) -> bytes:
    return bytes.fromhex(VECTORS[f"otb_{protocol}", what]["hex"])


def test_the_commands_are_those_of_the_makers_scripts() -> None:
    start = "start command"
    assert sessantaquattro.start_word(64, 2000) == vector("sessantaquattro+", start)
    stop = "stop = start word with bit0"
    assert sessantaquattro.start_word(64, 2000, go=False) == vector("sessantaquattro+", stop)
    assert sessantaquattro.start_word(64, 500) == vector("sessantaquattro", start)
    for name in ("muovi", "muovi+", "quattro+"):
        assert muovi.command("emg", go=True) == vector(name, start)
    devices = "start two sessantaquattro/muovi+"
    assert syncstation.start_command((5, 6)) == vector("syncstation", devices)
    assert quattrocento.command(408, 2048, go=False) == vector("quattrocento", "stop")


def test_a_muovi_is_stopped_with_08_and_not_started_again() -> None:
    assert muovi.command("emg", go=False) == b"\x08"


def test_the_quattrocento_is_started_as_in_the_makers_script_but_for_its_trigger() -> None:
    started = quattrocento.command(408, 10240)
    script = vector("quattrocento", "same with trigger bit5 high")
    assert started[0] == script[0] & ~0x20 == 0xDF
    assert started[1:39] == script[1:39]
    assert started[39] == 0xF1


def test_the_checksum_is_the_makers() -> None:
    check = VECTORS["otb_crc8", "CRC-8/MAXIM"]
    assert crc8(check["fields"]["input"].encode()) == int(check["hex"], 16)
    assert crc8(vector("quattrocento", "same with trigger bit5 high")[:39]) == 0


def test_a_muovis_frame_gives_its_microvolts_turn_and_ramp() -> None:
    fields = VECTORS["otb_muovi", "one 16-bit frame"]["fields"]
    frames = np.frombuffer(FRAME, np.uint8).reshape(1, -1)
    layout = layout_of(MUOVI, spec_of(MUOVI, 2000.0))
    assert layout.counters is not None
    assert layout.motion is not None
    microvolts = layout.samples(frames)[0]
    assert microvolts.tolist() == pytest.approx([PROBE_UV * n for n in fields["raw"][:32]])
    assert microvolts[:5] / 1000 == pytest.approx(fields["emg_mV_first5"], rel=1e-3)
    assert layout.counters(frames)[0] == fields["ramp"]
    assert layout.motion(frames)[0].tolist() == [1.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("words", "total_n"),
    [
        (sessantaquattro.words_of("plus", 64, "monopolar", 16), 72),
        (sessantaquattro.words_of("plus", 16, "bipolar", 16), 16),
        (sessantaquattro.words_of("old", 64, "differential", 16), 68),
        (sessantaquattro.words_of("old", 8, "bipolar", 16), 8),
        (muovi.words_of("muovi", "emg"), 38),
        (muovi.words_of("muovi_plus", "eeg"), 70),
        (syncstation.words_of((5, 6)), 146),
        (syncstation.words_of((15,)), 16),
        (quattrocento.words_of(120), 120),
    ],
)
def test_a_frame_has_as_many_words_as_the_maker_says(words: Words, total_n: int) -> None:
    assert words.total_n == total_n


class Bench:
    """A source on a twin, in virtual time."""

    def __init__(self, word: str, twin: Twin | None = None, trouble: Trouble | None = None) -> None:
        self.clock = VirtualClock()
        self.twin = twin or open_twin(word.partition(":")[0])
        self.trouble, self.ports = trouble, list[VirtualPort]()
        self.source: Device = open_source(
            word, port=self._port, clock=self.clock, sleep=self.clock.sleep
        )

    def _port(self) -> VirtualPort:
        self.ports.append(VirtualPort(self.twin, self.clock, self.trouble, 0.01))
        return self.ports[-1]

    def run(self, seconds: float) -> list[Chunk]:
        end_s, chunks = self.clock() + seconds, []
        while self.clock() < end_s:
            chunk = self.source.read(0.05)
            assert chunk is not None
            chunks.append(chunk)
        return chunks


@pytest.mark.parametrize(
    ("word", "rate_hz", "channels_n"),
    [
        ("sessantaquattro:virtual,rate=4000", 4000, 64),
        ("muovi:virtual", 2000, 32),
        ("quattrocento:virtual", 2048, 384),
    ],
)
def test_at_full_size_every_lost_frame_is_counted(word: str, rate_hz: int, channels_n: int) -> None:
    bench = Bench(word, trouble=Trouble(lose=0.01, duplicate=0.001, split=True, seed=2))
    bench.source.start()
    chunks = bench.run(5.0)
    bench.ports[0].trouble = Trouble()
    chunks += bench.run(0.1)
    bench.source.stop()
    assert len(bench.source.spec.channels) == channels_n
    assert bench.source.spec.rate_hz == rate_hz
    first = min(set(range(64)) - bench.ports[0].injected.missing)
    lost = sum(chunk.lost for chunk in chunks)
    assert lost == len({n for n in bench.ports[0].injected.missing if n > first})
    at = first
    for i, chunk in enumerate(chunks):
        at += chunk.lost * (i > 0)
        sent = (bench.twin.signal(at, len(chunk.samples)) * bench.source.spec.scale).astype("f4")
        assert np.array_equal(chunk.samples, sent)
        at += len(chunk.samples)
    assert bench.source.counts.resyncs == 0


def test_the_trigger_gives_a_marker_where_it_rises() -> None:
    bench = Bench("muovi:virtual", open_twin("muovi", trigger_every_s=0.5))
    bench.source.start()
    at, marked = 0, []
    for chunk in bench.run(1.2):
        marked += [(at + marker.sample_n, marker.text) for marker in chunk.markers]
        at += len(chunk.samples)
    bench.source.stop()
    assert marked == [(800, "trigger"), (1800, "trigger")]


def test_the_orientation_comes_evenly_as_a_second_stream() -> None:
    bench = Bench("sessantaquattro:virtual,channels=8,rate=1000")
    bench.source.start()
    bench.run(3.0)
    chunks = bench.source.take_motion()
    bench.source.stop()
    assert bench.source.motion_spec is not None
    assert bench.source.motion_spec.rate_hz == 62.5
    assert bench.source.motion_spec.channels == ("quat_w", "quat_x", "quat_y", "quat_z")
    rows = np.concatenate([chunk.samples for chunk in chunks])
    assert len(rows) == pytest.approx(3.0 * 62.5, abs=3)
    assert sum(chunk.lost for chunk in chunks) == 0
    assert (rows == (1, 0, 0, 0)).all()


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("sessantaquattro:rate=3000", "rate is one of 500, 1000, 2000, 4000, not 3000"),
        ("sessantaquattro:channels=12", "channels is one of 8, 16, 32, 64"),
        ("sessantaquattro:mode=test", "mode is one of monopolar, bipolar, differential"),
        ("sessantaquattro:bits=12", "bits is one of 16, 24"),
        ("sessantaquattro:model=new", "model is one of plus, old"),
        ("muovi:signal=ecg", "signal is one of emg, eeg"),
        ("syncstation:devices=0+1", 'not "0\\+1"'),
        ("syncstation:devices=one", "numbers of the lamps"),
        ("syncstation:devices=1+7", "mixes probes of two scales"),
        ("quattrocento:channels=64", "channels is one of 120, 216, 312, 408"),
        ("quattrocento:rate=2000", "rate is one of 512, 2048"),
        ("otb_light:rate=1000", "rate is one of 512, 2048"),
    ],
)
def test_a_setting_that_the_device_does_not_have_is_refused(word: str, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        open_source(word)


@pytest.mark.parametrize(
    ("word", "other", "sentence"),
    [
        (
            "muovi:virtual",
            lambda: open_twin("muovi_plus"),
            "70 channels in a frame, and 38 were expected: it is a muovi_plus",
        ),
        (
            "sessantaquattro:virtual",
            lambda: open_twin("sessantaquattro", model="old"),
            "68 channels .* 72 were expected: it is a sessantaquattro with model=old",
        ),
        ("muovi:virtual", lambda: open_twin("sessantaquattro"), "was told to start and sent"),
        ("otb_light:virtual", lambda: open_twin("cyton"), "OTBioLab Light .* did not answer"),
        ("otb_light:virtual", lambda: open_twin("delsys"), "is another program"),
        ("quattrocento:virtual", lambda: open_twin("delsys"), "does not count its samples"),
    ],
)
def test_a_device_that_is_another_is_refused(
    word: str, other: Callable[[], Twin], sentence: str
) -> None:
    bench = Bench(word, other())
    with pytest.raises((DeviceRefused, DeviceTimeout), match=sentence):
        bench.source.start()
    assert bench.ports[0].closed


def test_the_first_call_is_awaited_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    waits_s: list[float] = []

    def nobody(_number: int, what: str, _host: str, timeout_s: float) -> None:
        waits_s.append(timeout_s)
        raise DeviceTimeout(f"No {what} called.")

    monkeypatch.setattr("acquisition.otb.await_call", nobody)
    source = open_source("muovi")
    for _ in range(3):
        with pytest.raises(DeviceTimeout):
            source.start()
    assert waits_s == [10.0, 1.8, 1.8]


def test_a_command_with_a_wrong_checksum_is_not_obeyed() -> None:
    for name, command in (
        ("quattrocento", quattrocento.command(408, 2048)),
        ("syncstation", syncstation.start_command((1,))),
    ):
        twin = open_twin(name)
        twin.hear(command[:-1] + bytes([command[-1] ^ 1]), 0.0)
        assert twin.next_s == np.inf
        twin.hear(command, 0.0)
        assert twin.next_s < 1.0


def test_a_twin_says_the_spec_of_the_source_with_the_same_settings() -> None:
    for name, settings in (
        ("sessantaquattro", {"channels": 16, "rate": 500, "bits": 24}),
        ("sessantaquattro", {"model": "old", "mode": "bipolar"}),
        ("muovi", {}),
        ("muovi_plus", {}),
        ("syncstation", {"devices": 7}),
        ("quattrocento", {"channels": 216, "rate": 512}),
        ("otb_light", {"rate": 5120}),
    ):
        words = ",".join(f"{key}={value}" for key, value in settings.items())
        assert open_twin(name, **settings).spec == open_source(f"{name}:{words}").spec


@pytest.mark.parametrize(
    ("words", "rate_hz"),
    [
        (sessantaquattro.words_of("plus", 64, "monopolar", 16), 4000),
        (quattrocento.words_of(408), 2048),
    ],
)
def test_one_core_parses_the_fullest_streams_in_a_fifth_of_its_time(
    words: Words, rate_hz: int
) -> None:
    twin = OtbTwin(Transport("call", {}), words, float(rate_hz), lambda _: (None, 0))
    second = twin.frames(0, rate_hz).tobytes()
    size_n = len(second) // 100 + 1
    pieces = [second[at : at + size_n] for at in range(0, len(second), size_n)]
    spec, counts = spec_of(words, float(rate_hz)), Counts()
    parser = Framed(layout_of(words, spec), spec, counts, motion_spec_of(words))
    begun_s = time.process_time()
    chunks = [c for i, piece in enumerate(pieces) for c in parser.feed(Arrival(piece, 0.01 * i))]
    assert time.process_time() - begun_s < 0.2
    assert sum(len(chunk.samples) for chunk in chunks) == rate_hz
