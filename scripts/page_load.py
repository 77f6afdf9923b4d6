"""What the page costs the control loop: nothing, five browsers (one of them slow), and its death.

scripts/page_load.py [--seconds S] [--rounds N] [--json FILE]

In one run of the loop the page comes and goes: closed, open, closed, open, killed (SIGKILL), each
for S seconds (12), in N rounds (3), plain and with the real-time set-up. A guest at the run's door
hears every decision, so that phases of one run are compared with each other. While a page starts is
a phase of its own. Differences are of the 99th percentile, with 95 % of a bootstrap over seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from flexor.messages import MESSAGE_MAX, Kind, unpack  # noqa: E402 - found from the root
from scripts import figures  # noqa: E402
from tests.page_rig import ask, paired, served, wait_for  # noqa: E402

OUT = ROOT / "docs" / "figures" / "page-load.json"
FLEXOR = (sys.executable, "-c", "from flexor.cli import main; main()")
RUN = ("run", "--arm", "--no-view", "--json", "-", "--hand", "simulated")
SOURCE = ("--source", "synthetic:armband")
SETUPS: dict[str, tuple[str, ...]] = {"plain": (), "real-time": ("--realtime",)}
CLOSED, STARTS, OPEN, KILLED = "closed", "starts", "5 browsers, 1 slow", "killed"
COUNTS = ("missed deadlines", "lost samples")
LOOKS_S = 0.1
SETTLE_S = 3.0
DRAWS_N = 2000
Blocks = list[list[float]]
"""Latencies, ms, second by second"""


@dataclass
class Heard:
    """What a guest at the run's door hears, by phase."""

    sock: socket.socket
    phase: str = ""
    latency_ms: dict[str, dict[int, list[float]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    """phase -> second -> from a decision's newest sample until its command was out"""
    counts: dict[str, int] = field(default_factory=dict)
    over: bool = False

    def listen(self) -> None:
        """Until the run ends."""
        self.sock.setblocking(True)
        while message := self.sock.recv(MESSAGE_MAX):
            kind, value = unpack(message)
            if kind is Kind.INTENT and self.phase:
                late_ms = 1e3 * (value.at_s - value.intent.clock_s)
                self.latency_ms[self.phase][int(value.at_s)].append(late_ms)
            elif kind is Kind.STATUS and "counts" in value:
                self.counts = value["counts"]
        self.over = True


def main() -> None:
    """Measures, writes the figures, and renders their page."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--seconds", type=float, default=12.0)
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--json", type=Path, default=OUT)
    asked = words.parse_args()
    load, rows = os.getloadavg()[0], []
    for setup, more in SETUPS.items():
        blocks: dict[str, Blocks] = defaultdict(list)
        counts: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(COUNTS, 0))
        for _ in range(asked.rounds):
            with tempfile.TemporaryDirectory() as folder:
                one_run(Path(folder), more, asked.seconds, blocks, counts)
        rows += table(setup, blocks, counts)
    command = f"scripts/page_load.py --seconds {asked.seconds:g} --rounds {asked.rounds}"
    on = f"{figures.machine()}, load {load:.1f} before, {os.getloadavg()[0]:.1f} after"
    record = {"command": command, "commit": figures.commit(), "machine": on}
    asked.json.write_text(json.dumps({**record, "figures": {"rows": rows}}, indent=2) + "\n")
    figures.render()
    for row in rows:
        print(row)


def one_run(
    folder: Path,
    more: Sequence[str],
    seconds: float,
    blocks: dict[str, Blocks],
    counts: dict[str, dict[str, int]],
) -> None:
    """One run of the loop with all phases; what was heard is added."""
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(folder)}
    run = subprocess.Popen([*FLEXOR, *RUN, *SOURCE, *more], env=environment, stdout=subprocess.PIPE)
    try:
        door = wait_for(lambda: next((folder / "flexor").glob("run-*.sock"), None), "a door", 30.0)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sock.connect(str(door))
        heard = Heard(sock)
        threading.Thread(target=heard.listen, daemon=True).start()
        wait_for(lambda: heard.counts.get("decisions", 0) > 100, "a hundred decisions", 30.0)
        time.sleep(SETTLE_S)
        for last in (False, True):
            _phases(folder, heard, counts, seconds, last=last)
    finally:
        run.terminate()
        run.communicate(timeout=20.0)
    for name, by_second in heard.latency_ms.items():
        blocks[name] += by_second.values()


def _phases(
    folder: Path, heard: Heard, counts: dict[str, dict[str, int]], seconds: float, *, last: bool
) -> None:
    """No page, a page that starts, its browsers; and in the end its death."""

    @contextmanager
    def phase(name: str) -> Iterator[None]:
        begun, heard.phase = dict(heard.counts), name
        yield
        heard.phase = ""
        for what in COUNTS:
            counts[name][what] += heard.counts[what] - begun[what]

    with phase(CLOSED):
        time.sleep(seconds)
    with ExitStack() as beside:
        with phase(STARTS):
            url, process = beside.enter_context(served(folder, ends=False))
            beside.enter_context(looked_at(url))
        with phase(OPEN):
            time.sleep(seconds)
        if last:
            with phase(KILLED):
                process.kill()
                time.sleep(seconds)


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


def table(
    setup: str, blocks: dict[str, Blocks], counts: dict[str, dict[str, int]]
) -> list[dict[str, Any]]:
    """One row for each phase of a set-up."""
    rows = []
    for name in (CLOSED, STARTS, OPEN, KILLED):
        mine = blocks[name]
        low, high = interval(mine, blocks[CLOSED])
        row: dict[str, Any] = {
            "setup": setup,
            "page": name,
            "decisions": sum(map(len, mine)),
            "latency_p50_ms": round(share(mine, 0.50), 3),
            "latency_p99_ms": round(share(mine, 0.99), 3),
            "p99_beside_closed_ms": f"{low:+.2f} .. {high:+.2f}" if name != CLOSED else "",
        }
        rows.append(row | {what.replace(" ", "_"): counts[name][what] for what in COUNTS})
    return rows


def share(blocks: Blocks, part: float) -> float:
    """The value below which so large a part of all latencies lies."""
    values = sorted(value for block in blocks for value in block)
    return values[round(part * (len(values) - 1))] if values else float("nan")


def interval(one: Blocks, other: Blocks) -> tuple[float, float]:
    """95 % of how much further the 99th percentile of one lies, seconds drawn again."""
    rng = random.Random(0)
    apart = sorted(
        share(rng.choices(one, k=len(one)), 0.99) - share(rng.choices(other, k=len(other)), 0.99)
        for _ in range(DRAWS_N)
    )
    return apart[round(0.025 * (DRAWS_N - 1))], apart[round(0.975 * (DRAWS_N - 1))]


if __name__ == "__main__":
    started_s = time.monotonic()
    main()
    print(f"{time.monotonic() - started_s:.0f} s")
