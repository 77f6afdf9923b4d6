"""LibEMG 2.0.3 and Flexor side by side, each on its own online path: latency, CPU, memory, start.

Runs in LibEMG's environment (`make bench-libemg`). LibEMG gets 8 channels at 200 Hz in Myo pairs
from a process that makes the same shared-memory calls as its own streamers, a 200 ms window, a
25 ms step, HTD features and LDA: the quickest of its pipelines. Flexor runs `flexor demo`, with
its simulated wearer and its simulated hand. One ruler measures both. Latency counts from the moment
at which the last sample of a window was taken; an armband sends pairs, so every second window
waits 5 ms for its packet on either side. CPU and memory are the sum over the process and all its
children, the simulated electrodes included.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import psutil

RATE_HZ, CHANNELS_N, PAIR_SAMPLES = 200, 8, 2
WINDOW_SAMPLES, STEP_SAMPLES = 40, 5
FEATURES = ["MAV", "ZC", "SSC", "WL"]
"""LibEMG's group HTD, which would otherwise be looked up in the measured process."""
BUFFER_SAMPLES = 1500
"""As LibEMG's Myo streamer has it."""
PORT = 12346
SKIP_S = 2.0
"""Left out at the start of a run: imports and first calls are told as the time to the first
decision, not as latency or CPU."""


def signal(seconds: int, seed: int = 0) -> np.ndarray:
    """(time, channel): noise whose gains say which of five gestures it is, 2 s each."""
    rng = np.random.default_rng(seed)
    gains = np.random.default_rng(1).uniform(5, 40, (5, CHANNELS_N))
    which = (np.arange(seconds * RATE_HZ) // (2 * RATE_HZ)) % len(gains)
    return rng.normal(size=(len(which), CHANNELS_N)) * gains[which]


def train(path: Path) -> None:
    """Fits LibEMG's LDA and saves it, as its users do."""
    from libemg.emg_predictor import EMGClassifier
    from libemg.feature_extractor import FeatureExtractor
    from libemg.utils import get_windows

    seconds = 60
    windows = get_windows(signal(seconds, seed=2), WINDOW_SAMPLES, STEP_SAMPLES)
    ends = np.arange(len(windows)) * STEP_SAMPLES + WINDOW_SAMPLES // 2
    features = FeatureExtractor().extract_features(FEATURES, windows, array=True)
    classifier = EMGClassifier("LDA")
    classifier.fit({"training_features": features, "training_labels": (ends // (2 * RATE_HZ)) % 5})
    classifier.save(str(path))


def stream(items: list[Any], seconds: int, log: Path) -> None:
    """Writes pairs of samples on time, and how many samples were there when."""
    from libemg.shared_memory_manager import SharedMemoryManager

    memory = SharedMemoryManager()
    for item in items:
        memory.create_variable(*item)
    pairs = signal(seconds).reshape(-1, PAIR_SAMPLES, CHANNELS_N)[:, ::-1]
    seen: list[tuple[int, float]] = []

    def count(x: np.ndarray) -> np.ndarray:
        seen.append((int(x.item()) + PAIR_SAMPLES, taken_s))
        return x + PAIR_SAMPLES

    begin_s = time.monotonic()
    for n, pair in enumerate(pairs):
        time.sleep(max(0.0, begin_s + n * PAIR_SAMPLES / RATE_HZ - time.monotonic()))
        taken_s = time.monotonic()
        memory.modify_variable("emg", lambda x, p=pair: np.vstack((p, x))[: x.shape[0], :])
        memory.modify_variable("emg_count", count)
    log.write_text(json.dumps(seen))
    memory.cleanup()


def peer(model: Path, log: Path, seconds: int) -> None:
    """LibEMG's online classifier, as its examples set it up."""
    from libemg.data_handler import OnlineDataHandler
    from libemg.emg_predictor import EMGClassifier, OnlineEMGClassifier

    lock = multiprocessing.Lock
    items = [
        ["emg", (BUFFER_SAMPLES, CHANNELS_N), np.double, lock()],
        ["emg_count", (1, 1), np.int32, lock()],
    ]
    streamer = multiprocessing.Process(target=stream, args=(items, seconds, log), daemon=True)
    streamer.start()
    online = OnlineEMGClassifier(
        EMGClassifier.from_file(str(model)),
        WINDOW_SAMPLES,
        STEP_SAMPLES,
        OnlineDataHandler(items),
        FEATURES,
        port=PORT,
    )
    online.run(block=False)
    streamer.join()
    online.stop_running()


def family(process: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return [process, *process.children(recursive=True)]
    return []


def use(process: psutil.Process) -> tuple[dict[int, float], float]:
    """(CPU seconds so far of each process of the family, PSS of all in MB)."""
    seconds, pss = {}, 0
    for member in family(process):
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            times = member.cpu_times()
            seconds[member.pid] = times.user + times.system
            pss += member.memory_full_info().pss
    return seconds, pss / 1e6


def cpu_percent(before: dict[int, float], after: dict[int, float], elapsed_s: float) -> float:
    used_s = sum(total - before.get(pid, 0.0) for pid, total in after.items())
    return 100 * used_s / elapsed_s


def run_libemg(seconds: int) -> dict[str, Any]:
    """What a consumer of its UDP messages sees."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(type=socket.SOCK_DGRAM) as sock:
        model, log = Path(folder, "lda.pkl"), Path(folder, "stream.json")
        again = [sys.executable, __file__, "--role"]
        subprocess.run([*again, "train", "--model", model], check=True, stdout=subprocess.DEVNULL)
        sock.bind(("127.0.0.1", PORT))
        sock.settimeout(30)
        start_s = time.monotonic()
        command = [*again, "peer", "--model", model, "--log", log, "--seconds", str(seconds + 8)]
        # LibEMG unlinks its shared memory twice, and Python warns of that at the end.
        quiet = {**os.environ, "PYTHONWARNINGS": "ignore"}
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=quiet) as child:
            heard = [hear(sock)]
            while heard[-1] - heard[0] < SKIP_S:
                heard.append(hear(sock))
            process = psutil.Process(child.pid)
            before, at_s = use(process)[0], time.monotonic()
            while heard[-1] - at_s < seconds:
                heard.append(hear(sock))
            after, pss_mb = use(process)
            elapsed_s = time.monotonic() - at_s
        seen = json.loads(log.read_text())
    return {
        "start_to_first_decision_s": heard[0] - start_s,
        "latency_ms": percentiles(latencies_ms(heard, seen, at_s)),
        "decision_rate_hz": sum(moment >= at_s for moment in heard) / elapsed_s,
        "cpu_percent": cpu_percent(before, after, elapsed_s),
        "pss_mb": pss_mb,
    }


def hear(sock: socket.socket) -> float:
    sock.recv(1024)
    return time.monotonic()


def latencies_ms(heard: list[float], seen: list[list[float]], from_s: float) -> list[float]:
    """Decision k rests on the samples up to window + k steps, counted from the last reset.

    A packet goes out when its second sample is taken.
    """
    reset = max(i for i, (count, _) in enumerate(seen) if count == PAIR_SAMPLES)
    taken = dict(map(tuple, seen[reset:]))
    out = []
    for k, moment in enumerate(heard):
        last = WINDOW_SAMPLES + k * STEP_SAMPLES
        if moment >= from_s:
            behind = -last % PAIR_SAMPLES
            out.append(1000 * (moment - taken[last + behind] + behind / RATE_HZ))
    return out


def run_flexor(flexor: str, seconds: int) -> dict[str, Any]:
    """What `flexor demo` measures of itself, and CPU and memory by the same ruler as the peer."""
    command = [flexor, "demo", "--seconds", str(seconds), "--json", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        process = psutil.Process(child.pid)
        time.sleep(SKIP_S)
        before, at_s = use(process)[0], time.monotonic()
        time.sleep(seconds - 2 * SKIP_S)
        after, pss_mb = use(process)
        elapsed_s = time.monotonic() - at_s
        out = child.communicate()[0]
    if child.returncode not in (0, 1):  # 1: the demo ran, and missed one of its bars
        raise SystemExit(f"flexor demo ended with exit code {child.returncode}.")
    told = json.loads(out[out.index("{") :])
    return {
        "start_to_first_decision_s": told["first_decision_s"],
        "latency_ms": told["latency_ms"],
        "decision_rate_hz": told["decision_rate_hz"],
        "cpu_percent": cpu_percent(before, after, elapsed_s),
        "pss_mb": pss_mb,
    }


def percentiles(values: list[float]) -> dict[str, float]:
    p50, p99 = np.percentile(values, [50, 99])
    return {"p50": float(p50), "p99": float(p99), "max": max(values)}


def machine() -> dict[str, Any]:
    models = {
        line.split(":")[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    }
    return {
        "cpu": ", ".join(sorted(models)) or platform.machine(),
        "cores_n": os.cpu_count(),
        "load_before": os.getloadavg()[0],
        "python": platform.python_version(),
        "libemg": version("libemg"),
        "numpy": version("numpy"),
    }


def table(peer_says: dict[str, Any], flexor_says: dict[str, Any]) -> str:
    rows = [
        ("sample to output, p50 (ms)", lambda r: r["latency_ms"]["p50"]),
        ("sample to output, p99 (ms)", lambda r: r["latency_ms"]["p99"]),
        ("sample to output, max (ms)", lambda r: r["latency_ms"]["max"]),
        ("decisions per second", lambda r: r["decision_rate_hz"]),
        ("CPU (% of one core)", lambda r: r["cpu_percent"]),
        ("memory, PSS (MB)", lambda r: r["pss_mb"]),
        ("start to first decision (s)", lambda r: r["start_to_first_decision_s"]),
    ]
    lines = [f"{'':30}{'LibEMG':>12}{'Flexor':>12}"]
    lines += [f"{name:30}{get(peer_says):12.2f}{get(flexor_says):12.2f}" for name, get in rows]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--flexor", help="the flexor command")
    parser.add_argument("--json", type=Path, help="where to write the result")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--role", choices=["train", "peer"], help=argparse.SUPPRESS)
    parser.add_argument("--model", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--log", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.role == "train":
        return train(asked.model)
    if asked.role == "peer":
        return peer(asked.model, asked.log, asked.seconds)
    result: dict[str, Any] = {"machine": machine(), "libemg": run_libemg(asked.seconds)}
    if asked.flexor:
        result["flexor"] = run_flexor(asked.flexor, asked.seconds)
        print(table(result["libemg"], result["flexor"]))
    if asked.json:
        rounded = json.loads(json.dumps(result), parse_float=lambda text: round(float(text), 3))
        asked.json.write_text(json.dumps(rounded, indent=2) + "\n")
    elif not asked.flexor:
        print(json.dumps(result, indent=2))
    return None


if __name__ == "__main__":
    main()
