"""What tools say of the firmware: sanitizers, static analysis, coverage, and other compilers."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from firmware_bridge.firmware_build import C_FLAGS, FOLDER, compile_c, sources

pytestmark = pytest.mark.edge

ROOT = Path(__file__).resolve().parents[1]
CORE = [str(path) for path in sorted((FOLDER / "src").glob("*.c"))]
HOST = [str(path) for path in sorted((FOLDER / "host").glob("*.c"))]
SANITIZED = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


def tool(name: str, package: str = "") -> str:
    if shutil.which(name) is None:
        pytest.skip(f"no {name} here: apt-get install {package or name}")
    return name


def run(*words: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.mark.slow
def test_nothing_that_is_said_to_it_breaks_a_limit_or_a_rule_of_c(tmp_path: Path) -> None:
    fuzz = [*sources(), FOLDER / "fuzz" / "fuzz.c"]
    compile_c(tool("gcc"), SANITIZED, fuzz, tmp_path / "fuzz")
    told = json.loads(run(str(tmp_path / "fuzz"), "4", "7").stdout)
    assert told["scripts"] > 100
    assert told["answers"] > told["scripts"]


@pytest.mark.slow
def test_libfuzzer_finds_nothing_either(tmp_path: Path) -> None:
    clang, fuzz = tool("clang"), str(FOLDER / "fuzz" / "fuzz.c")
    flags = ["-std=c99", "-g", "-O1", "-DLIBFUZZER", "-fsanitize=fuzzer,address,undefined"]
    out = str(tmp_path / "fuzz")
    run(clang, *flags, f"-I{FOLDER / 'src'}", *CORE, fuzz, "-o", out)
    run(out, "-max_total_time=5", "-max_len=600", f"-artifact_prefix={tmp_path}/")


def test_noise_is_never_taken_for_a_frame_and_damage_hardly_ever(tmp_path: Path) -> None:
    program = tmp_path / "robustness"
    robust = [*sources(), FOLDER / "fuzz" / "robustness.c"]
    compile_c(tool("gcc"), ["-O2"], robust, program)
    for crc_n in ("2", "4"):
        noise = json.loads(run(str(program), "random", "4000000", crc_n).stdout)
        assert (noise["accepted"], noise["candidates"] > 10) == (0, True)
        flips = json.loads(run(str(program), "flips", "200000", crc_n).stdout)
        assert flips["executed"] <= 1


def test_the_published_figures_say_that_no_noise_was_taken_for_a_frame() -> None:
    record = json.loads((ROOT / "docs" / "figures" / "link-robustness.json").read_text())
    rows = record["figures"]["rows"]
    noise = [row for row in rows if "random" in row["what"]]
    assert len(noise) == 4
    assert all(row["n"] >= 60_000_000 and row["accepted"] == 0 for row in noise)
    assert all(row["executed"] <= row["n"] * 1e-6 for row in rows)


@pytest.mark.slow
def test_every_line_and_branch_of_the_core_is_tested() -> None:
    tool("gcov", "gcc")
    tool("gcc")
    done = run(sys.executable, str(ROOT / "scripts" / "firmware_coverage.py"))
    assert "100 % of the lines and branches" in done.stdout


@pytest.mark.slow
def test_gcc_finds_nothing_by_analysis(tmp_path: Path) -> None:
    for source in [*CORE, *HOST]:
        include = f"-I{FOLDER / 'src'}"
        out = str(tmp_path / "analysed.o")
        flags = ["-O2", "-fanalyzer", "-D_GNU_SOURCE"]
        run(tool("gcc"), *C_FLAGS, *flags, include, "-c", source, "-o", out)


def test_the_core_is_right_where_an_int_has_16_bits(tmp_path: Path) -> None:
    for source in CORE:
        flags = ["-mmcu=atmega328p", "-Os", f"-I{FOLDER / 'src'}", "-c", source]
        run(tool("avr-gcc", "gcc-avr avr-libc"), *C_FLAGS, *flags, "-o", str(tmp_path / "avr.o"))


def test_clang_finds_nothing_by_analysis() -> None:
    clang, include = tool("clang"), f"-I{FOLDER / 'src'}"
    for source in CORE:
        flags = ["--analyzer-output", "text", "-Xclang", "-analyzer-werror", "-o", "/dev/null"]
        run(clang, "--analyze", *flags, include, source)


def test_cppcheck_finds_nothing() -> None:
    checks = "--enable=warning,style,performance,portability"
    quiet = ["--quiet", "--inline-suppr", "--suppress=missingIncludeSystem", "--error-exitcode=1"]
    run(tool("cppcheck"), "--std=c99", checks, *quiet, f"-I{FOLDER / 'src'}", *CORE)


def test_the_headers_are_fit_for_cpp_and_the_sketch_for_an_arduino(tmp_path: Path) -> None:
    """Not compiled for a board here: the two headers of Arduino's are stood in for."""
    (tmp_path / "Arduino.h").write_text(
        "#pragma once\n#include <stddef.h>\n#include <stdint.h>\n"
        "unsigned long micros(); void pinMode(int, int); int digitalRead(int);\n"
        "#define INPUT_PULLUP 2\n#define LOW 0\n#define A0 14\n"
        "struct Port { void begin(long); int available(); int read(); int availableForWrite();\n"
        "  size_t write(const uint8_t *, size_t); };\nextern Port Serial;\n"
    )
    (tmp_path / "Servo.h").write_text(
        "#pragma once\nstruct Servo { int attach(int, int, int); void writeMicroseconds(int);\n"
        "  void detach(); bool attached(); };\n"
    )
    sketch = FOLDER / "examples" / "servo" / "servo.ino"
    flags = ["-std=c++11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c++"]
    include = [f"-I{FOLDER / 'src'}", f"-I{tmp_path}", "-include", "Arduino.h"]
    run(tool("g++"), *flags, *include, str(sketch))


@pytest.mark.parametrize("name", ["library.json", "library.properties"])
def test_the_library_says_the_version_that_the_core_says(name: str) -> None:
    header = (FOLDER / "src" / "flexor_hand.h").read_text()
    version = header.partition("FLX_FIRMWARE ")[2].partition("\n")[0].strip('"')
    text = (FOLDER / name).read_text()
    if name.endswith("json"):
        assert json.loads(text)["version"] == version
    else:
        assert f"\nversion={version}\n" in text
