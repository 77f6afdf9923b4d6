"""Faults 22 to 27: disks, files, artifacts and ports."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import tempfile
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest.mock import patch

from acquisition.recording import read_recording
from acquisition.stream import Refused, Spec
from firmware_bridge.control import control
from firmware_bridge.hands import HAND6, open_hand
from firmware_bridge.safety_state import Phase
from flexor.fault_bench import MOVING_S, VirtualRun
from flexor.fault_models import MALICE
from flexor.fault_process import START_S, await_process, motion, undisturbed
from flexor.fault_stream import moving
from flexor.fault_table import Outcome
from flexor.feed import spawn
from flexor.listen import listen
from flexor.profile import DEMO_ARTIFACT, GripSettings, Profile, read_profile
from flexor.recorder import start_recorder
from models.artifact import open_artifact, open_or_last_good
from models.decoder import open_decoder
from models.whole_file import replace_file

READ_ONLY = Path("/sys/flexor.xdf")
"""Nobody can make a file there, as on a read-only card."""
CUTS_N, FLIPS_N = 40, 200
PRIME = 7919
"""Steps through a file that meet each part of it."""
TOLD_S = 0.5
"""After the beginning of the recording: by then its end is told, however busy the machine is."""
HOSTILE_S = 1.0
"""A hostile file is refused within this: it must not hang or swell."""
KNOCK = """
import grp, os, sys
sys.path.insert(0, sys.argv[2])
from acquisition.serial_port import open_raw, serial_ports
from acquisition.stream import Refused
serial_ports()
if os.getuid() == 0:
    os.setuid(65534)
try:
    open_raw(sys.argv[1], 115200)
except Refused as refusal:
    print(refusal)
"""


def disk_full() -> Outcome:
    """22: the kernel has no space for the recording (/dev/full), or the card is read-only."""
    full = os.open("/dev/full", os.O_WRONLY)
    run = moving()
    words = ("/dev/full", (str(full), "0"))
    feed = spawn("flexor.recorder", run.source.spec, *words, pass_fds=(full,))
    os.close(full)
    run.loop.feeds = [feed]

    def told() -> bool:
        listen(run.loop, run.now_s)
        return run.said("recording stopped")

    def wait() -> None:
        if abs(run.second - MOVING_S - TOLD_S) < 1e-4:  # the recorder lives in real time
            await_process(told)

    ok = motion(run, wait) == undisturbed()
    ok &= run.said("The disk is full: the recording stopped")
    feed.close()
    try:
        start_recorder(READ_ONLY, run.source.spec)
        ok, refused = False, ""
    except Refused as refusal:
        refused = str(refusal)
    return Outcome(ok, None, f"{run.told(MOVING_S)} {refused}")


class PowerCut(Exception):
    """The power went: nothing after this happened."""


def _cut_at(step: int) -> Callable[..., None]:
    """Counts calls that reach the disk, and cuts the power before one of them."""
    seen = [0]

    def called(*_: object) -> None:
        seen[0] += 1
        if seen[0] > step:
            raise PowerCut

    return called


def power_cut() -> Outcome:
    """23: the power goes at every step of writing a profile, and anywhere in a recording."""
    old, new = b'source = "replay:a.xdf"\n', b'source = "replay:b.xdf"\nline_hz = 60.0\n'
    ok, whole = True, set()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "wearer.toml"
        for step in range(3):
            path.write_bytes(old)
            with patch("os.fsync", _cut_at(step)), suppress(PowerCut):
                replace_file(path, new)
            ok &= path.read_bytes() in (old, new)
            whole.add(read_profile(path).source)
        recorded = Path(folder) / "whole.xdf"
        run = moving()
        feed = start_recorder(recorded, run.source.spec)
        run.loop.feeds = [feed]
        motion(run)
        feed.close(START_S)
        data, cut = recorded.read_bytes(), Path(folder) / "cut.xdf"
        kept = []
        for i in range(1, CUTS_N + 1):
            cut.write_bytes(data[: len(data) * i // CUTS_N])
            try:
                chunks = read_recording(cut).chunks
            except Refused as refusal:  # cut before anything of ours was in it
                ok &= i == 1 and bool(str(refusal))
                continue
            kept.append(sum(len(chunk.samples) for chunk in chunks))
    ok &= whole == {"replay:a.xdf", "replay:b.xdf"}
    ok &= kept == sorted(kept) and kept[-1] > 150 and len(set(kept)) > CUTS_N // 2
    said = f"{kept[len(kept) // 2]} samples of {kept[-1]} can be read from half of the recording."
    return Outcome(ok, None, said)


def damaged_model() -> Outcome:
    """24: the artifact is cut, or one of its bits has changed."""
    data = DEMO_ARTIFACT.read_bytes()
    ok, said = True, ""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "damaged.onnx"
        for damaged in _damaged(data):
            path.write_bytes(damaged)
            said = refused(lambda: open_artifact(path))
            ok &= bool(said)
        kept = open_or_last_good(path, DEMO_ARTIFACT)
        ok &= kept.digest == open_artifact(DEMO_ARTIFACT).digest
        ok &= bool(refused(lambda: open_or_last_good(path)))
        ok &= bool(refused(lambda: open_or_last_good(path, path)))
    run = VirtualRun(c=True, artifact=kept).until(MOVING_S)
    return Outcome(ok and run.moving, None, f"{said} {kept.instead}")


def _damaged(data: bytes) -> Iterator[bytes]:
    for i in range(CUTS_N):
        yield data[: len(data) * i // CUTS_N]
    for i in range(FLIPS_N):
        at = i * PRIME % len(data)
        yield data[:at] + bytes([data[at] ^ 1 << i % 8]) + data[at + 1 :]


def refused(attempt: Callable[[], object]) -> str:
    """The sentence with which it is refused; "" if it is not."""
    try:
        attempt()
    except Refused as refusal:
        return str(refusal)
    return ""


def other_model() -> Outcome:
    """25: an artifact for another rate, other channels, another unit or other gestures."""
    artifact = open_artifact(DEMO_ARTIFACT)
    contract = artifact.contract
    spec = contract.spec
    swapped = (spec.channels[1], spec.channels[0], *spec.channels[2:])
    others = {
        "Hz": replace(spec, rate_hz=2 * spec.rate_hz),
        "in that order": replace(spec, channels=swapped),
        "channels": Spec(spec.rate_hz, spec.channels[:4], spec.unit, spec.scale, spec.full_scale),
        "per count": replace(spec, unit="uV", scale=0.5),
    }
    said = {words: refused(partial(open_decoder, artifact, it)) for words, it in others.items()}
    ok = all(words in text for words, text in said.items())
    profile = Profile(grips=(GripSettings("pinch", {"thumb": 1.0}),))
    grips = profile.control_grips(contract.labels, contract.rest)
    wrong = refused(lambda: control(grips, HAND6, contract.labels, 1 / contract.hop_s))
    ok &= "pinch" in wrong and not refused(lambda: open_decoder(artifact, spec))
    return Outcome(ok, None, " ".join([*said.values(), wrong]))


def malicious_model() -> Outcome:
    """26: files that would run code, read other files, or swell; none is opened."""
    ok, said = True, []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for suffix, make in MALICE:
            path = folder / f"model{suffix}"
            path.unlink(missing_ok=True)
            make(path, folder)
            begun_s = time.thread_time()
            why = refused(partial(open_artifact, path))
            ok &= bool(why) and time.thread_time() - begun_s < HOSTILE_S
            said.append(why)
        ok &= not (folder / "ran").exists()
    return Outcome(ok, None, " ".join(dict.fromkeys(said)))


def wrong_port() -> Outcome:
    """27: the port is taken, not permitted, or goes in the middle of a motion and comes back."""
    ends = pty.openpty()
    tty.setraw(ends[1])
    port = os.ttyname(ends[1])
    with open_hand(f"serial:{port}"):
        busy = refused(lambda: open_hand(f"serial:{port}"))
    Path(port).chmod(0)
    root = str(Path(__file__).resolve().parents[1])
    words = [sys.executable, "-c", KNOCK, port, root]
    denied = subprocess.run(words, capture_output=True, text=True, check=False).stdout
    for end in ends:
        os.close(end)
    ok = f"process {os.getpid()}" in busy and "You may not open" in denied

    run = moving()
    ok &= run.moving
    run.line.gone = True
    safe_s = run.rest_s()
    stood = run.mcu.position_udeg
    run.until(MOVING_S + 1.0)
    run.line.gone = False
    run.until(MOVING_S + 3.0)
    ok &= run.counts.reconnects > 0 and run.loop.gate_state.phase is Phase.DISARMED
    ok &= run.mcu.position_udeg == stood
    said = run.told(MOVING_S)

    run = moving()
    run.port.cut = True
    safe_s = max(safe_s, run.rest_s())
    ok &= run.loop.stopping
    return Outcome(ok, 1e3 * safe_s, f"{busy} {denied.strip()} {said} {run.told(MOVING_S)}")
