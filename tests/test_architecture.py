"""What must stay true of the whole, whoever adds to it."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from importlinter.cli import lint_imports
from packaging.requirements import Requirement

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
EDGE = ("acquisition", "preprocessing", "models", "firmware_bridge")
PACKAGES = (*EDGE, "training", "flexor")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())

VENDORS = {
    "serial": PACKAGES,
    "brainflow": PACKAGES,
    "mindrove": PACKAGES,
    "pylsl": PACKAGES,
    "edfio": PACKAGES,
    "onnxruntime": EDGE,
    "ai_edge_litert": EDGE,
    "tflite_runtime": EDGE,
    "bleak": PACKAGES,
    "can": PACKAGES,
    "h5py": PACKAGES,
    "wfdb": PACKAGES,
    "openpyxl": PACKAGES,
    "mne": PACKAGES,
    "gpiozero": PACKAGES,
    "ray": PACKAGES,
    "optuna": PACKAGES,
    "threadpoolctl": PACKAGES,
}
"""Vendor library -> the packages in which exactly one file imports it. The quantizer of
onnxruntime is another matter than its runtime, so training may import that again."""

DOORS = {
    "preprocessing": {"acquisition": {"acquisition.stream", "acquisition.tables"}},
    "firmware_bridge": {
        "acquisition": {
            "acquisition.stream",
            "acquisition.tables",
            "acquisition.serial_port",
            "acquisition.words",
            "acquisition.ble",
            "acquisition.emulators.gatt",
            "acquisition.emulators.trouble",
            "acquisition.emulators.twin",
        },
        "models": {"models.intent"},
    },
}
"""Package -> another package -> the modules of it that it may know."""

LONG: dict[str, str] = {
    "tests/test_simulator.py": "one table of physiology, row by row, on the same virtual people",
    "tests/test_synthetic.py": "one source: its pace, its faults and its sameness belong together",
}
"""File over 300 lines -> why it is better whole."""

MAX_LINES_N = 300


def files(*packages: str) -> list[Path]:
    return sorted(path for package in packages for path in (ROOT / package).rglob("*.py"))


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_modules(path: Path) -> set[str]:
    """Whatever the file imports, at its top or later."""
    names: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module in PACKAGES:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                names.add(first.value)
    return names


def imported(path: Path) -> set[str]:
    """The top-level names of those."""
    return {name.partition(".")[0] for name in imported_modules(path)}


def tables() -> Iterator[tuple[str, str]]:
    """(module, name) of every table name -> (module, class) in the packages."""
    for path in files(*PACKAGES):
        for node in parsed(path).body:
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                wanted = "dict[str, tuple[str, str]]"
                if ast.unparse(node.annotation) == wanted and node.target.id.isupper():
                    yield name_of(path), node.target.id


def loaded_after(program: str) -> set[str]:
    """Modules that a fresh interpreter holds after the program."""
    run = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport sys\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": "default"},
    )
    assert run.returncode == 0, run.stderr
    return set(run.stdout.split())


def test_the_import_contracts_hold() -> None:
    config = str(ROOT / "pyproject.toml")
    assert lint_imports(config_filename=config, no_cache=True, no_logo=True) == 0


@pytest.mark.parametrize("package", DOORS)
def test_a_package_knows_only_the_doors_of_those_below(package: str) -> None:
    for path in files(package):
        for below, doors in DOORS[package].items():
            known = {name for name in imported_modules(path) if name.startswith(f"{below}.")}
            assert known <= doors, name_of(path)


@pytest.mark.parametrize("package", PACKAGES)
def test_each_top_level_name_has_one_owner(package: str) -> None:
    assert set(packages_distributions()[package]) == {"flexor"}


def test_the_edge_and_the_commands_import_no_torch_and_no_scipy_signal() -> None:
    modules = [name_of(path) for path in files(*EDGE, "flexor") if path.name != "__main__.py"]
    loaded = loaded_after("\n".join(f"import {module}" for module in modules))
    assert set(modules) <= loaded
    assert {"torch", "lightning", "onnx", "training"} & loaded == set()
    assert "scipy.signal" not in loaded


@pytest.mark.parametrize("library", VENDORS)
def test_each_vendor_library_is_imported_in_exactly_one_file(library: str) -> None:
    users = [name_of(path) for path in files(*VENDORS[library]) if library in imported(path)]
    assert len(users) == 1, users


def test_every_table_points_to_things_that_exist() -> None:
    found = set(tables())
    assert {name for _, name in found} >= {"SOURCES", "STAGES"}
    missing = []
    for module, table in found:
        for kind, (target, attribute) in getattr(importlib.import_module(module), table).items():
            try:
                getattr(importlib.import_module(target), attribute)
            except (ImportError, AttributeError) as error:
                missing.append(f"{table}[{kind!r}]: {error}")
    assert not missing


def test_files_are_short_or_say_why_not() -> None:
    long = {
        str(path.relative_to(ROOT))
        for path in [*files(*PACKAGES), *files("tests")]
        if len(path.read_text().splitlines()) > MAX_LINES_N
    }
    assert long == set(LONG)


def test_only_the_commands_print() -> None:
    printing = [
        f"{name_of(path)}:{node.lineno}"
        for path in files(*EDGE, "training")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "print"
    ]
    assert not printing


def test_no_module_has_a_name_that_says_nothing() -> None:
    empty = {"utils", "util", "helpers", "common", "misc", "manager", "base"}
    assert not [path for path in files(*PACKAGES) if path.stem in empty]


def test_every_test_that_the_edge_can_run_is_marked_for_it() -> None:
    """`make arm64` runs what is marked `edge`; a file that needs the edge alone must be."""
    workstation = {"training", "flexor", "torch", "lightning", "onnx"}
    if imported(ROOT / "tests" / "toys.py") & workstation:
        workstation.add("tests")
    edge_only = {
        path.name
        for path in (ROOT / "tests").glob("test_*.py")
        if imported(path) & set(EDGE) and not imported(path) & workstation
    }
    marked = {
        path.name
        for path in (ROOT / "tests").glob("test_*.py")
        if re.search(r"^pytestmark.*mark\.edge", path.read_text(), re.M)
    }
    assert edge_only <= marked, "say pytestmark = pytest.mark.edge at their top"


@pytest.mark.parametrize(
    ("lock", "extras"),
    [("edge", []), ("dev", ["tflite", "test", "training", "dev"]), ("tflite", ["convert"])],
)
def test_the_locks_hold_what_the_project_asks_for(lock: str, extras: list[str]) -> None:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    assert "://" not in text, "a lock names no host"
    pins = [Requirement(row.rstrip("\\ ")) for row in text.splitlines() if "==" in row[:60]]
    held = {pin.name: pin for pin in pins if pin.marker is None or pin.marker.evaluate()}
    project = PROJECT["project"]
    asked = [*project["dependencies"]]
    for extra in extras:
        asked += project["optional-dependencies"][extra]
    for wanted in map(Requirement, asked):
        if wanted.name in {"torch", "flexor"} or (wanted.marker and not wanted.marker.evaluate()):
            continue
        assert wanted.name in held, f"{lock}.txt lacks {wanted}; make lock writes it anew"
        version = str(held[wanted.name].specifier).removeprefix("==")
        assert wanted.specifier.contains(version), f"{lock}.txt holds {version} for {wanted}"


def test_torch_has_one_version() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    asked = {row for extra in extras.values() for row in extra if row.startswith("torch=")}
    locked = {row["version"] for row in PROJECT["tool"]["uv"]["dependency-metadata"]}
    assert asked == {f"torch=={version}" for version in locked}
