"""A data set, read and preprocessed once: memory-mapped ever after.

An entry is a folder named by what it was made of: the fingerprint of the data, the selection, the
stages with all their settings, and the code that reads and works them. Whatever changes, changes
the name; nothing is ever told apart by its age. An entry is made beside its place and moved there
whole, and one that is not as long, or not as it was when it was written, is made anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from itertools import groupby
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused, Samples, Spec
from preprocessing.stage import Chain, chain_to_json
from training.datasets import (
    DATASETS,
    EVERYTHING,
    LeftOut,
    Reading,
    Segment,
    Selection,
    iterate,
)
from training.fingerprints import cache_folder, fingerprint
from training.targets import Targets

SCHEMA = 1
INDEX, SAMPLES, TARGETS = "index.json", "samples.bin", "targets.bin"
PROBES_N, PROBE_BYTES = 32, 4096
"""Places of a file that are compared when it is opened: it is not read whole for that."""
NOTHING = Chain(())


def cached(
    word: str, want: Selection = EVERYTHING, chain: Chain = NOTHING, folder: Path | None = None
) -> Reading:
    """What `read_dataset` gives, behind `chain`, from the disk: samples are read-only maps.

    The chain runs over each recording as it would live: its state goes on from one segment to the
    next where the files say that nothing lies between, or nothing of what does, and starts anew
    at a gap, a recording or a session. So it sees labelled and unlabelled samples alike only where
    both are wanted. Refuses a chain that does not give a row for each sample.
    """
    name, _, place = word.partition(":")
    home = (folder or cache_folder() / "segments") / _key(name, Path(place), want, chain)
    found = _opened(home)
    return found if found is not None else _made(word, want, chain, home)


def _key(name: str, root: Path, want: Selection, chain: Chain) -> str:
    parts = {
        "schema": SCHEMA,
        "name": name,
        # The simulator has no files: its code below is its data, and its path its arm.
        "data": str(root) if name == "synthetic" else fingerprint(root, name),
        "rate": str(root).rpartition("@")[2] if name == "libemg" else "",
        "want": asdict(want),
        "chain": chain_to_json(chain),
        "code": code_version(name, chain),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def code_version(name: str, chain: Chain) -> str:
    """A digest over the source of whatever makes the samples: the reader with its neighbours, and
    the modules of the stages."""
    module, _ = DATASETS[name]
    modules = {"training.cache", "training.datasets", "training.targets", module}
    modules |= {type(stage).__module__ for stage in chain.stages} | {"preprocessing.stage"}
    digest = hashlib.sha256()
    for path in sorted({_source(module) for module in modules} | _neighbours(module)):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _source(module: str) -> Path:
    __import__(module)
    return Path(cast("str", sys.modules[module].__file__))


def _neighbours(module: str) -> set[Path]:
    """What a reader may import: the readers and the files' own readers below them; or the
    simulator."""
    import acquisition

    below = Path(acquisition.__file__).parent
    if not module.startswith("training.readers."):
        return set((below / "simulator").glob("*.py")) | {below / "synthetic.py"}
    return set(_source(module).parent.glob("*.py")) | set(below.glob("*_files.py"))


def _made(word: str, want: Selection, chain: Chain, home: Path) -> Reading:
    """Reads, works and writes, one session in memory at a time."""
    part = home.with_name(f"{home.name}.{os.getpid()}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        rows: list[dict[str, Any]] = []
        specs: dict[Spec, int] = {}
        left_out: list[LeftOut] = []
        with (part / SAMPLES).open("wb") as samples, (part / TARGETS).open("wb") as targets:
            for segment in _worked(_kept(iterate(word, want), left_out), chain):
                rows.append(_row(segment, samples.tell(), targets.tell()))
                rows[-1]["spec"] = specs.setdefault(segment.spec, len(specs))
                samples.write(np.ascontiguousarray(segment.samples, "<f4").tobytes())
                if segment.targets is not None:
                    values = np.ascontiguousarray(segment.targets.values, "<f4")
                    targets.write(values.tobytes())
            for file in (samples, targets):
                file.flush()
                os.fsync(file.fileno())
        if not rows:
            raise Refused(f'"{word}" has no segment of what is wanted ({want}).')
        index = {
            "files": {name: _state(part / name) for name in (SAMPLES, TARGETS)},
            "specs": [spec.to_json() for spec in specs],
            "segments": rows,
            "left_out": [asdict(item) for item in left_out],
        }
        text = json.dumps(index)
        digest = hashlib.sha256(text.encode()).hexdigest()
        with (part / INDEX).open("wb") as out:
            out.write(f"{digest}\n{text}".encode())
            out.flush()
            os.fsync(out.fileno())
        _moved(part, home)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    found = _opened(home)
    if found is None:
        raise Refused(f"{home} was written and cannot be read again; look at the disk.")
    return found


def _moved(part: Path, home: Path) -> None:
    """Puts an entry into its place, whole; another process may have been quicker."""
    for _ in range(2):
        try:
            part.rename(home)
            return
        except OSError:
            if _opened(home) is not None:
                return
            shutil.rmtree(home, ignore_errors=True)


def _kept(items: Iterable[Segment | LeftOut], left_out: list[LeftOut]) -> Iterator[Segment]:
    for item in items:
        if isinstance(item, LeftOut):
            left_out.append(item)
        else:
            yield item


def _worked(segments: Iterable[Segment], chain: Chain) -> Iterator[Segment]:
    """The segments behind the chain, in their order."""
    if not chain.stages:
        yield from segments
        return
    for _, parts in groupby(segments, key=lambda s: (s.user, s.session)):
        before: Segment | None = None
        state: Any = None
        after: Spec | None = None
        for part in parts:
            if before is None or not _goes_on(before, part):
                state, after = chain.start(part.spec)
            y, state = chain.step(part.samples, state)
            if y.ndim != 2 or len(y) != len(part.samples) or after is None:
                raise Refused(
                    f"The stages give {y.shape} for {part.samples.shape} samples; only stages "
                    "that give a row for each sample can be kept, so leave the windows out."
                )
            before = part
            yield replace(part, samples=y, spec=after)


def _goes_on(before: Segment, after: Segment) -> bool:
    if before.spec != after.spec:
        return False
    if before.begin is None or after.begin is None:
        return before.begin is None and after.begin is None
    ends = before.begin + len(before.samples)
    return before.recording == after.recording and after.begin == ends


def _row(segment: Segment, at: int, targets_at: int) -> dict[str, Any]:
    row = {
        name: getattr(segment, name)
        for name in ("user", "session", "cycle", "gesture", "order", "recording", "begin", "group")
    }
    row |= {"marks": segment.marks, "at": at, "n": len(segment.samples)}
    if segment.targets is not None:
        row["targets"] = {"at": targets_at, "names": segment.targets.names}
        row["targets"] |= {"units": segment.targets.units, "rate_hz": segment.targets.rate_hz}
    return row


def _opened(home: Path) -> Reading | None:
    """The entry; None where there is none, or a torn one."""
    try:
        digest, _, text = (home / INDEX).read_text(encoding="utf-8").partition("\n")
        if hashlib.sha256(text.encode()).hexdigest() != digest:
            return None
        index = json.loads(text)
        if any(_state(home / name) != state for name, state in index["files"].items()):
            return None
        maps = {name: _map(home / name) for name in (SAMPLES, TARGETS)}
        specs = [Spec.from_json(value) for value in index["specs"]]
        segments = tuple(_segment(row, maps, specs) for row in index["segments"])
        return Reading(segments, tuple(LeftOut(**row) for row in index["left_out"]))
    except (OSError, ValueError, KeyError, IndexError):
        return None


def _map(path: Path) -> NDArray[np.float32]:
    if not path.stat().st_size:
        return np.empty(0, np.float32)
    return np.memmap(path, "<f4", "r")


def _segment(
    row: dict[str, Any], maps: dict[str, NDArray[np.float32]], specs: list[Spec]
) -> Segment:
    spec = specs[row["spec"]]
    said, targets = row.get("targets"), None
    if said is not None:
        names, units = tuple(said["names"]), tuple(said["units"])
        values = _cut(maps[TARGETS], said["at"], row["n"], len(names))
        targets = Targets(values, names, units, said["rate_hz"])
    about = {k: row[k] for k in ("order", "recording", "begin", "group")}
    samples = _cut(maps[SAMPLES], row["at"], row["n"], len(spec.channels))
    marks = tuple((int(at), str(word)) for at, word in row["marks"])
    names_of = (row["user"], row["session"], row["cycle"], row["gesture"])
    return Segment(*names_of, samples, spec, targets=targets, marks=marks, **about)


def _cut(whole: NDArray[np.float32], at: int, n: int, width: int) -> Samples:
    first = at // whole.itemsize
    return whole[first : first + n * width].reshape(n, width)


def _state(path: Path) -> list[Any]:
    """[bytes, digest of places spread over the file]: what a torn or worn file does not match."""
    size = path.stat().st_size
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for at in np.linspace(0, max(0, size - PROBE_BYTES), PROBES_N).astype(int).tolist():
            file.seek(at)
            digest.update(file.read(PROBE_BYTES))
    return [size, digest.hexdigest()]
