"""The same work for many tasks: here, in several processes, or over a Ray cluster.

A task is plain data, and the work a function of it alone that a fresh process can import; so it
does not matter where a task is done, nor how often it is begun. Threads are pinned to one
everywhere: the order of a sum is part of its result.
"""

from __future__ import annotations

import hashlib
import os
import platform
import socket
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from acquisition.stream import FlexorError, Refused

T = TypeVar("T")
R = TypeVar("R")
Progress = Callable[[int, int], None]
ATTEMPTS_N = 3
"""Times that a task may be begun: a node can die twice under it, and a task that ends whatever
process it runs in cannot go on doing so for ever."""
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Read by the libraries when they are first loaded; Ray sets the first by itself."""
DIAL_S = 5.0
"""As long as a cluster may take to pick up; one that is there does so in milliseconds."""
CODE = ("acquisition", "preprocessing", "models", "training")
NUMBERS = ("numpy", "scipy", "torch", "onnxruntime")
"""Libraries of which another version gives other last digits."""


@dataclass(frozen=True)
class Where:
    """Where tasks are done. Refuses two places at once."""

    processes_n: int = 1
    """1: here, one after the other"""
    ray: str = ""
    """address of a Ray cluster, or "auto" for the one that this machine is part of"""

    def __post_init__(self) -> None:
        if self.processes_n < 1:
            raise Refused(f"There must be one process at least, not {self.processes_n}.")
        if self.processes_n > 1 and self.ray:
            raise Refused("Tasks go to a Ray cluster or to processes of this machine; say one.")


HERE = Where()


@dataclass(frozen=True)
class Failed:
    """What stands in a result's place where its task failed."""

    sentence: str


@dataclass(frozen=True)
class Mapped(Generic[R]):
    """What came of the tasks."""

    results: tuple[R | Failed, ...]
    """in the order of the tasks"""
    lost_n: int = 0
    """Times that a task was lost with its process or node, and begun anew."""

    def whole(self) -> tuple[R, ...]:
        """The results. Refuses, in the words of the first, where a task failed."""
        for result in self.results:
            if isinstance(result, Failed):
                raise Refused(result.sentence)
        return cast("tuple[R, ...]", self.results)


Outcome = tuple[int, Any, int]
"""(number of the task, result or Failed, times that it was lost before)"""


def map_tasks(
    work: Callable[[T], R],
    tasks: Sequence[T],
    where: Where = HERE,
    progress: Progress | None = None,
) -> Mapped[R]:
    """What `work` gives for each task, equal wherever it is done on processors of one kind.

    A task that refuses or breaks down is told in its place, and the others go on. One that is
    lost with its process or node is begun up to ATTEMPTS_N times. Refuses a cluster that cannot
    be reached; a node with another version of this program or its libraries refuses its tasks.
    work: a function of a module, or functools.partial of one.
    """
    results: dict[int, R | Failed] = {}
    lost_n = 0
    if where.ray:
        outcomes = _on_ray(work, tasks, where.ray)
    elif where.processes_n > 1 and len(tasks) > 1:
        outcomes = _in_processes(work, tasks, min(where.processes_n, len(tasks)))
    else:
        outcomes = ((i, _attempt(work, task), 0) for i, task in enumerate(tasks))
    for number, result, lost in outcomes:
        results[number] = result
        lost_n += lost
        if progress:
            progress(len(results), len(tasks))
    return Mapped(tuple(results[i] for i in range(len(tasks))), lost_n)


@contextmanager
def one_thread() -> Iterator[None]:
    """Whatever sums does so with one thread: what is loaded, and what is loaded inside."""
    from threadpoolctl import threadpool_limits

    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    torch = sys.modules.get("torch")
    threads_n = torch.get_num_threads() if torch else 0
    if torch:
        torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        if torch:
            torch.set_num_threads(threads_n)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value


@cache
def same_numbers() -> str:
    """A digest of what must be equal on two machines for equal results."""
    import training

    root = Path(training.__file__).parents[1]
    digest = hashlib.sha256(platform.python_version().encode())
    for library in NUMBERS:
        try:
            digest.update(f"{library} {version(library).partition('+')[0]}\0".encode())
        except PackageNotFoundError:
            digest.update(f"{library} -\0".encode())
    for path in sorted(path for package in CODE for path in (root / package).rglob("*.py")):
        digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _attempt(work: Callable[[Any], Any], task: Any) -> Any:
    try:
        with one_thread():
            return work(task)
    except FlexorError as error:
        return Failed(str(error))
    except Exception as error:
        return Failed(f"The work broke down on {task!r:.200} ({type(error).__name__}: {error}).")


def _given_up(task: Any, what: str) -> Failed:
    return Failed(f"{what} died {ATTEMPTS_N} times under {task!r:.200}; look at its memory.")


# Processes of this machine. One pipe each, so that a process that dies takes its own task alone.


def _serve(pipe: Any, work: Callable[[Any], Any]) -> None:
    os.environ.update(dict.fromkeys(THREADS, "1"))
    while (task := pipe.recv()) is not None:
        pipe.send(_attempt(work, task[0]))


def _in_processes(
    work: Callable[[T], R], tasks: Sequence[T], processes_n: int
) -> Iterator[Outcome]:
    from multiprocessing import connection, get_context

    spawn = get_context("spawn")  # torch does not survive a fork
    waiting, lost = deque(range(len(tasks))), [0] * len(tasks)
    busy: dict[Any, tuple[Any, int]] = {}
    idle: list[tuple[Any, Any]] = []
    try:
        while waiting or busy:
            while waiting and len(busy) < processes_n:
                process, pipe = idle.pop() if idle else _begun(spawn, work)
                busy[pipe] = process, waiting.popleft()
                pipe.send((tasks[busy[pipe][1]],))
            for pipe in cast("list[Any]", connection.wait(list(busy))):
                process, number = busy.pop(pipe)
                try:
                    yield number, pipe.recv(), lost[number]
                    idle.append((process, pipe))
                except (EOFError, OSError):
                    process.join()
                    lost[number] += 1
                    if lost[number] < ATTEMPTS_N:
                        waiting.append(number)
                    else:
                        said = _given_up(tasks[number], "Its process")
                        yield number, said, lost[number] - 1
    finally:
        for process, pipe in idle:
            pipe.send(None)
            process.join(DIAL_S)
        for process in [p for p, _ in idle] + [p for p, _ in busy.values()]:
            process.terminate()
            process.join()


def _begun(spawn: Any, work: Callable[[Any], Any]) -> tuple[Any, Any]:
    pipe, theirs = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(theirs, work), daemon=True)
    process.start()
    theirs.close()  # so that its death is heard as the end of the pipe
    return process, pipe


# A Ray cluster.


def _elsewhere(work: Callable[[Any], Any], task: Any, ours: str) -> Any:
    if same_numbers() != ours:
        return Failed(
            f"The node {platform.node()} has another Flexor, Python or numerical library than the "
            "computer that asks, so its results could differ; install the same on both."
        )
    return _attempt(work, task)


def _on_ray(work: Callable[[T], R], tasks: Sequence[T], address: str) -> Iterator[Outcome]:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray
    from ray.exceptions import RayError, RayTaskError

    _connect(ray, address)
    try:
        # Ray's own retries are not counted, so they are off, and the loop below does them.
        remote = ray.remote(num_cpus=1, max_retries=0)(_elsewhere)
        held, ours, lost = ray.put(work), same_numbers(), [0] * len(tasks)
        running = {remote.remote(held, task, ours): i for i, task in enumerate(tasks)}
        while running:
            (done,), _ = ray.wait(list(running), num_returns=1)
            number = running.pop(done)
            try:
                yield number, ray.get(done), lost[number]
            except RayTaskError as error:
                said = str(error).strip().splitlines()[-1]
                yield number, Failed(f"Ray could not do {tasks[number]!r:.200}: {said}"), 0
            except RayError:
                lost[number] += 1
                if lost[number] < ATTEMPTS_N:
                    running[remote.remote(held, tasks[number], ours)] = number
                else:
                    yield number, _given_up(tasks[number], "Its node"), lost[number] - 1
    finally:
        ray.shutdown()


def _connect(ray: Any, address: str) -> None:
    try:
        if address != "auto":  # Ray itself goes on asking an address for a minute and more
            host, _, port = address.removeprefix("ray://").rpartition(":")
            socket.create_connection((host, int(port)), DIAL_S).close()
        ray.init(address, log_to_driver=False, logging_level="ERROR")
    except (OSError, RuntimeError, ValueError) as error:
        raise Refused(
            f'No Ray cluster answers at "{address}" ({str(error).splitlines()[0]}); start one '
            "with ray start --head, or leave --ray out."
        ) from None
