"""How often noise or damage is taken for a frame by both decoders; writes its figures and the page.

scripts/link_robustness.py [BYTES [FRAMES]]      (60 million and 40 million; needs gcc)
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import figures

from firmware_bridge import link
from firmware_bridge.firmware_build import FOLDER, compile_c, sources

OUT = Path(__file__).resolve().parents[1] / "docs" / "figures" / "link-robustness.json"
PIECE_N = 65_536


def main() -> None:
    """Runs both decoders over the same amount of noise, and the C one over damaged setpoints."""
    bytes_n, frames_n = (int(n) for n in [*sys.argv[1:], "60000000", "40000000"][:2])
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "robustness"
        compile_c("gcc", ["-O2"], [*sources(), FOLDER / "fuzz" / "robustness.c"], program)
        for crc_n in (2, 4):
            told = said(program, "random", bytes_n, crc_n)
            rows.append(row("random bytes, C", crc_n, told["bytes"], told))
            rows.append(row("random bytes, Python", crc_n, bytes_n, python(bytes_n, crc_n)))
        for crc_n in (2, 4):
            told = said(program, "flips", frames_n, crc_n)
            rows.append(row("setpoints with 1 to 4 turned bits, C", crc_n, frames_n, told))
    record = {"command": "make firmware-fuzz", "commit": figures.commit()}
    text = json.dumps({**record, "machine": figures.machine(), "figures": {"rows": rows}}, indent=2)
    OUT.write_text(text + "\n")
    figures.render()
    for figure in rows:
        print(figure)
    if any(figure["accepted"] for figure in rows if "random" in str(figure["what"])):
        sys.exit("link_robustness: noise was taken for a frame.")


def said(program: Path, *words: object) -> dict[str, int]:
    """What the C program counted."""
    run = [str(program), *map(str, words)]
    result = subprocess.run(run, check=True, capture_output=True, text=True)
    counted: dict[str, int] = json.loads(result.stdout)
    return counted


def row(what: str, crc_n: int, n: int, told: dict[str, int]) -> dict[str, object]:
    """A row of the page; `executed` is what a hand would have acted on."""
    return {
        "what": what,
        "crc_bits": 8 * crc_n,
        "n": n,
        "crc_passed": told["crc_passed"],
        "accepted": told["accepted"],
        "executed": told.get("executed", 0),
    }


def python(bytes_n: int, crc_n: int) -> dict[str, int]:
    """Random bytes into the decoder in Python, in the middle of a session."""
    state, noise, accepted = link.Deframer(0xBEEF, 0, crc_n), random.Random(60_000_000), 0
    for _ in range(-(-bytes_n // PIECE_N)):
        accepted += len(link.receive(state, noise.randbytes(PIECE_N)))
    passed = state.ok + state.wrong_version + state.wrong_length + state.wrong_session + state.stale
    return {"crc_passed": passed, "accepted": accepted}


if __name__ == "__main__":
    main()
