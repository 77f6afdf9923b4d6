"""Builds the reference firmware: where its sources are, for which targets, and with which tools.

The sources stand beside the packages, in the checkout as in an installation.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from acquisition.stream import Refused
from acquisition.tables import refuse_unknown

FOLDER = Path(__file__).resolve().parents[1] / "firmware"
C_FLAGS = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-Wconversion", "-pedantic")
BUILD_S = 120.0


class Target(NamedTuple):
    """Something that the firmware runs on."""

    compiler: str
    package: str
    """Debian's, which brings the compiler."""
    folder: str
    """What it has beside firmware/src; only the files named after the target, where there are."""
    flags: tuple[str, ...]
    emulator: tuple[str, ...] = ()
    """Words that start it; the image follows. Empty where the image runs by itself."""


def _cortex_m3(machine: str, flash: str, ram: str) -> Target:
    script = FOLDER / "cortex_m3" / "link.ld"
    size = (f"-Wl,--defsym=FLASH_SIZE={flash}", f"-Wl,--defsym=RAM_SIZE={ram}")
    bare = ("-ffreestanding", "-nostdlib", "-nostartfiles", "-Wl,--build-id=none")
    return Target(
        "arm-none-eabi-gcc",
        "gcc-arm-none-eabi",
        "cortex_m3",
        ("-mcpu=cortex-m3", "-mthumb", "-Os", *bare, *size, "-T", str(script)),
        ("qemu-system-arm", "-M", machine, "-nographic", "-monitor", "none", "-serial", "pty"),
    )


TARGETS: dict[str, Target] = {
    "host": Target("gcc", "gcc", "host", ("-O2", "-D_GNU_SOURCE")),
    "lm3s6965evb": _cortex_m3("lm3s6965evb", "256K", "64K"),
    "mps2-an385": _cortex_m3("mps2-an385", "4096K", "64K"),
}


def sources() -> list[Path]:
    """The portable core. Refuses an installation without it."""
    found = sorted((FOLDER / "src").glob("*.c"))
    if not found:
        raise Refused(f"There is no firmware in {FOLDER}: install Flexor anew, or from its source.")
    return found


def sources_of(name: str) -> list[Path]:
    """The core and what the target adds: boards are files that are named after their target."""
    folder = FOLDER / TARGETS[name].folder
    boards = {f"board_{target.replace('-', '_')}.c" for target in TARGETS}
    own = f"board_{name.replace('-', '_')}.c"
    added = [p for p in sorted(folder.glob("*.c")) if p.name == own or p.name not in boards]
    return [*sources(), *added]


def build(name: str, out: Path | None = None) -> Path:
    """The image for a target, built if it is not there yet; in `out`, or in the user's cache.

    Refuses an unknown target, a missing compiler and sources that do not compile.
    """
    refuse_unknown(name, TARGETS, "target")
    target = TARGETS[name]
    files = sources_of(name)
    need(target.compiler, target.package)
    folder = out or _cache() / _digest(name, files)
    image = folder / f"flexor-{name}{'' if name == 'host' else '.elf'}"
    if out is None and image.exists():
        return image
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as made:
        # Moved into place when it is whole: another process may build the same meanwhile.
        part = Path(made) / image.name
        compile_c(target.compiler, [*target.flags], files, part)
        part.replace(image)
    return image


def compile_c(compiler: str, flags: list[str], files: list[Path], out: Path) -> None:
    """One call of the compiler. Refuses what it refuses."""
    words = [compiler, *C_FLAGS, f"-I{FOLDER / 'src'}", *flags, *map(str, files), "-o", str(out)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=BUILD_S, check=False)
    if done.returncode != 0:
        errors = [line for line in done.stderr.splitlines() if "error" in line] or [done.stderr]
        raise Refused(f"{compiler} does not compile the firmware: {errors[0].strip()}")


def need(tool: str, package: str) -> str:
    """The tool's path. Refuses where it is missing, with the package that brings it."""
    found = shutil.which(tool)
    if found is None:
        raise Refused(f"This needs {tool}, which is not here: apt-get install {package}.")
    return found


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "flexor" / "firmware"


def _digest(name: str, files: list[Path]) -> str:
    target = TARGETS[name]
    digest = sha256(repr((name, C_FLAGS, target.compiler, target.flags)).encode())
    headers = [*files[0].parent.glob("*.h"), *files[-1].parent.glob("*.h")]
    for path in [*files, *sorted(headers), *sorted(FOLDER.glob("cortex_m3/*.ld"))]:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]
