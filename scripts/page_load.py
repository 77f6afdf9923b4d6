"""What the page costs the control loop: nothing, five browsers (one of them slow), and its death.

scripts/page_load.py [SECONDS]         (20 s for each run; runs in turns, so that a busy machine
                                        is busy for all)
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import Any

import figures

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from tests.page_rig import ask, paired, served  # noqa: E402 - found from the root

OUT = ROOT / "docs" / "figures" / "page-load.json"
FLEXOR = (sys.executable, "-c", "from flexor.cli import main; main()")
RUN = ("run", "--arm", "--no-view", "--realtime", "--json", "-", "--hand", "simulated")
SOURCE = ("--source", "synthetic:armband")
ROUNDS = 3
LOOKS_S = 0.1


def main() -> None:
    """Measures, and renders the page of figures."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    reports: dict[str, list[dict[str, Any]]] = {name: [] for name in BESIDE}
    for _ in range(ROUNDS):
        for name, beside in BESIDE.items():
            with tempfile.TemporaryDirectory() as folder:
                reports[name].append(run(Path(folder), beside, seconds))
    rows = [row(name, found) for name, found in reports.items()]
    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    record = {"command": f"scripts/page_load.py ({load})", "commit": figures.commit()}
    text = json.dumps({**record, "machine": figures.machine(), "figures": {"rows": rows}}, indent=2)
    OUT.write_text(text + "\n")
    figures.render()
    for figure in rows:
        print(figure)


def run(folder: Path, beside: Any, seconds: float) -> dict[str, Any]:
    """The report of a run of so many seconds, with something beside it."""
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(folder)}
    process = subprocess.Popen(
        [*FLEXOR, *RUN, *SOURCE, "--seconds", f"{seconds:g}"],
        env=environment,
        stdout=subprocess.PIPE,
    )
    with beside(folder, seconds):
        out, _ = process.communicate(timeout=seconds + 60)
    found: dict[str, Any] = json.loads(out)
    return found


@contextmanager
def nothing(_folder: Path, _seconds: float) -> Iterator[None]:
    """No page."""
    yield


@contextmanager
def five(folder: Path, _seconds: float) -> Iterator[None]:
    """Five browsers look ten times a second; one of them takes its answers byte by byte."""
    with served(folder, end_runs=False) as (url, _), looked_at(url):
        yield


@contextmanager
def killed(folder: Path, seconds: float) -> Iterator[None]:
    """The same, and the page's process is killed in the middle."""
    with served(folder, end_runs=False) as (url, process), looked_at(url):
        timer = threading.Timer(seconds / 2, process.send_signal, (signal.SIGKILL,))
        timer.start()
        yield
        timer.join()


BESIDE = {"no page": nothing, "5 browsers, 1 slow": five, "page killed": killed}


@contextmanager
def looked_at(url: str) -> Iterator[None]:
    """Browsers before the page, until it is over."""
    over = threading.Event()
    looks = [*[look] * 4, look_slowly]
    threads = [threading.Thread(target=work, args=(url, paired(url), over)) for work in looks]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def look(url: str, cookie: str, over: threading.Event) -> None:
    """A browser that draws what it is told."""
    since = 0
    while not over.wait(LOOKS_S):
        with suppress(OSError, ValueError):
            _, _, body = ask(url, f"/live?since={since}&spectrum=1", cookie=cookie)
            since = json.loads(body).get("n", 0)


def look_slowly(url: str, cookie: str, over: threading.Event) -> None:
    """A browser that asks for much and takes ten bytes a second."""
    host, _, port = url.removeprefix("http://").partition(":")
    words = f"GET /live?since=0&spectrum=1 HTTP/1.1\r\nhost: {host}:{port}\r\n"
    request = f"{words}cookie: flexor_session={cookie}\r\n\r\n".encode()
    with suppress(OSError), socket.create_connection((host, int(port)), timeout=1.0) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        while not over.wait(LOOKS_S):
            sock.sendall(request)
            sock.recv(1)


def row(name: str, reports: list[dict[str, Any]]) -> dict[str, Any]:
    """A row of the page: medians of the runs, sums of what was counted."""
    return {
        "beside the loop": name,
        "latency_p50_ms": median(r["latency_ms"]["p50"] for r in reports),
        "latency_p99_ms": median(r["latency_ms"]["p99"] for r in reports),
        "jitter_p99_ms": median(r["jitter_ms"]["p99"] for r in reports),
        "commands": sum(r["commands"] for r in reports),
        "missed_deadlines": sum(r["missed_deadlines"] for r in reports),
        "lost_samples": sum(r["lost_samples"] + r["dropped_samples"] for r in reports),
    }


if __name__ == "__main__":
    started_s = time.monotonic()
    main()
    print(f"{time.monotonic() - started_s:.0f} s")
