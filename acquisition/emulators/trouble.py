"""What can befall frames between a device and us, and a count of what did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from acquisition.emulators.twin import Said
from acquisition.stream import Refused


@dataclass(frozen=True)
class Trouble:
    """Chances, each per frame but `corrupt`, which is per byte."""

    lose: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    """a frame changes places with the next"""
    corrupt: float = 0.0
    """a byte gets another value"""
    delay_s: float = 0.0
    """each read comes later by up to this; the order stays"""
    split: bool = False
    """reads end anywhere within frames, where the transport knows no messages"""
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("lose", "duplicate", "reorder", "corrupt"):
            if not 0 <= getattr(self, name) <= 1:
                raise Refused(f"{name} is a chance from 0 to 1, not {getattr(self, name)}.")


@dataclass
class Injected:
    """What was done to the frames."""

    frames: int = 0
    lost: int = 0
    duplicated: int = 0
    reordered: int = 0
    corrupted_bytes: int = 0
    broken: int = 0
    """frames whose framing or counter was hit: they cannot arrive"""
    missing: set[int] = field(default_factory=set)
    """first samples of all frames that were lost or broken"""
    kept: list[Said] = field(default_factory=list)
    """waits to be sent behind the next"""


def pass_on(
    said: Sequence[Said],
    trouble: Trouble,
    done: Injected,
    random: np.random.Generator,
    vital: bytes,
) -> list[Said]:
    """What arrives of what was said; `done` counts. `vital` is the twin's mask."""
    out: list[Said] = []
    for one in said:
        if one.sample_n < 0:
            out.append(one)
            continue
        done.frames += 1
        if trouble.lose and random.random() < trouble.lose:
            done.lost += 1
            done.missing.add(one.sample_n)
            continue
        arriving = _corrupted(one, trouble, done, random, vital) if trouble.corrupt else one
        if trouble.reorder and not done.kept and random.random() < trouble.reorder:
            done.reordered += 1
            done.kept.append(arriving)
            continue
        out.append(arriving)
        if trouble.duplicate and random.random() < trouble.duplicate:
            done.duplicated += 1
            out.append(arriving)
        out += done.kept
        done.kept.clear()
    return out


def _corrupted(
    said: Said, trouble: Trouble, done: Injected, random: np.random.Generator, vital: bytes
) -> Said:
    hits_n = int(random.binomial(len(said.data), trouble.corrupt))
    if not hits_n:
        return said
    changed = bytearray(said.data)
    for at in random.choice(len(changed), hits_n, replace=False).tolist():
        changed[at] ^= int(random.integers(1, 256))
    done.corrupted_bytes += hits_n
    if any((a ^ b) & mask for a, b, mask in zip(said.data, changed, vital, strict=True)):
        done.broken += 1
        done.missing.add(said.sample_n)
    return said._replace(data=bytes(changed))
