"""Work that is done somewhere, for tests of the fan-out. Fresh processes import it."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from acquisition.stream import Refused


@dataclass(frozen=True)
class Sum:
    seed: int
    n: int = 200_000
    kill: str = ""
    """a file that is made before the process ends itself, if it is not there"""
    always: bool = False


def summed(task: Sum) -> float:
    """A sum in float32 of which the last digits depend on its order."""
    if task.seed < 0:
        raise Refused(f"The seed {task.seed} is below 0.")
    if task.seed > 10_000:
        raise ValueError("large")
    if task.kill and (task.always or not Path(task.kill).exists()):
        Path(task.kill).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    x = np.random.default_rng(task.seed).standard_normal((200, task.n // 200), np.float32)
    return float((x @ x.T).sum())


@dataclass(frozen=True)
class Slow:
    seed: int
    folder: str
    """where each begin leaves a file"""
    seconds: float


def slowly(task: Slow) -> float:
    (Path(task.folder) / f"{task.seed}-{os.getppid()}-{os.getpid()}").touch()
    time.sleep(task.seconds)
    return summed(Sum(task.seed))


def threads_seen(_: int) -> list[int]:
    """Threads that numpy's library and torch would sum with."""
    import torch
    from threadpoolctl import threadpool_info

    return [torch.get_num_threads(), *(int(pool["num_threads"]) for pool in threadpool_info())]
