"""Work that is done elsewhere gives what it gives here, whatever dies meanwhile."""

from __future__ import annotations

import importlib.util
import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from acquisition.stream import Refused
from tests.fan_out_work import Slow, Sum, slowly, summed, threads_seen
from training import fan_out
from training.fan_out import ATTEMPTS_N, HERE, Failed, Where, map_tasks, one_thread, same_numbers

TWO = Where(processes_n=2)
SHARED_MEMORY_BYTES = 80_000_000
"""Of each node; Ray takes no less than 75 MB."""


def test_processes_give_what_is_given_here_in_the_order_of_the_tasks() -> None:
    tasks = [Sum(i) for i in range(6)]
    told: list[tuple[int, int]] = []
    there = map_tasks(summed, tasks, TWO, lambda done, of: told.append((done, of)))
    assert there.whole() == map_tasks(summed, tasks).whole() == tuple(map(summed, tasks))
    assert told == [(i, 6) for i in range(1, 7)]
    assert there.lost_n == 0


def test_a_task_that_fails_is_told_in_its_place_and_the_others_go_on() -> None:
    tasks = [Sum(1), Sum(-1), Sum(20_000), Sum(2)]
    for where in (HERE, TWO):
        mapped = map_tasks(summed, tasks, where)
        first, refused, broken, last = mapped.results
        assert (first, last) == (summed(tasks[0]), summed(tasks[3]))
        assert refused == Failed("The seed -1 is below 0.")
        assert isinstance(broken, Failed)
        assert "ValueError: large" in broken.sentence
        with pytest.raises(Refused, match="The seed -1 is below 0"):
            mapped.whole()


def test_a_task_that_is_lost_with_its_process_is_done_again_and_counted(tmp_path: Path) -> None:
    tasks = [Sum(1), Sum(2, kill=str(tmp_path / "killed")), Sum(3)]
    mapped = map_tasks(summed, tasks, TWO)
    assert mapped.whole() == tuple(summed(Sum(i)) for i in (1, 2, 3))
    assert mapped.lost_n == 1


def test_a_task_that_kills_every_process_is_given_up_and_takes_no_other_along(
    tmp_path: Path,
) -> None:
    tasks = [Sum(1), Sum(2, kill=str(tmp_path / "killed"), always=True), Sum(3)]
    mapped = map_tasks(summed, tasks, TWO)
    assert mapped.results[::2] == (summed(Sum(1)), summed(Sum(3)))
    assert isinstance(mapped.results[1], Failed)
    assert f"died {ATTEMPTS_N} times" in mapped.results[1].sentence
    assert mapped.lost_n == ATTEMPTS_N - 1


def test_everything_sums_with_one_thread_and_afterwards_as_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import torch

    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with one_thread():
            assert set(threads_seen(0)) == {1}
            assert os.environ["MKL_NUM_THREADS"] == "1"
        assert threads_seen(0)[0] == 2
        assert os.environ["OMP_NUM_THREADS"] == "2"
        assert "MKL_NUM_THREADS" not in os.environ
        assert set(map_tasks(threads_seen, [0, 1], TWO).whole()[1]) == {1}
    finally:
        torch.set_num_threads(before)


def test_no_task_gives_no_result() -> None:
    assert map_tasks(summed, [], TWO).results == ()


def test_impossible_places_are_refused() -> None:
    with pytest.raises(Refused, match="one process at least, not 0"):
        Where(processes_n=0)
    with pytest.raises(Refused, match="say one"):
        Where(processes_n=2, ray="auto")


def test_a_node_with_another_program_refuses_its_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fan_out._elsewhere(summed, Sum(1), same_numbers()) == summed(Sum(1))
    told = fan_out._elsewhere(summed, Sum(1), "another")
    assert isinstance(told, Failed)
    assert "install the same on both" in told.sentence
    ours = same_numbers()
    monkeypatch.setattr(fan_out, "version", lambda _: "0")
    assert same_numbers.__wrapped__() != ours


needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="ray is not installed; flexor[cluster] has it"
)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Two nodes on the loopback, one task at a time on each."""
    free = shutil.disk_usage("/dev/shm").free if Path("/dev/shm").is_dir() else 0
    if free < 3 * SHARED_MEMORY_BYTES:
        pytest.skip(f"/dev/shm has {free >> 20} MB free, too little for two nodes of Ray")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")
    from ray.cluster_utils import Cluster

    node = {
        "num_cpus": 1,
        "object_store_memory": SHARED_MEMORY_BYTES,
        "include_dashboard": False,
        "node_ip_address": "127.0.0.2",  # Ray takes 127.0.0.1 for the address of the network
    }
    made = Cluster(initialize_head=True, head_node_args=node)
    try:
        made.second = made.add_node(**node)
        yield made
    finally:
        made.shutdown()


@needs_ray
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_cluster_of_which_a_node_is_killed_gives_what_is_given_here(
    cluster: Any, tmp_path: Path
) -> None:
    """Slow by its nature: two nodes of Ray take 10 to 20 s to come up on a busy machine."""
    tasks = [*(Slow(i, str(tmp_path), 0.5) for i in range(6)), Slow(-1, str(tmp_path), 0.0)]
    raylet = cluster.second.all_processes["raylet"][0].process.pid
    killed: list[str] = []

    def kill() -> None:
        end = time.monotonic() + 50
        while not killed and time.monotonic() < end:
            killed.extend(path.name for path in tmp_path.glob(f"*-{raylet}-*"))
            time.sleep(0.02)
        if killed:
            cluster.remove_node(cluster.second, allow_graceful=False)

    killer = threading.Thread(target=kill)
    killer.start()
    there = map_tasks(slowly, tasks, Where(ray=cluster.address))
    killer.join()
    assert killed, "no task ran on the second node"
    assert there.lost_n >= 1
    assert len(list(tmp_path.iterdir())) == len(tasks) + there.lost_n
    assert there.results[:6] == tuple(summed(Sum(i)) for i in range(6))
    assert there.results[6] == Failed("The seed -1 is below 0.")


@needs_ray
def test_a_cluster_that_is_not_there_is_refused_at_once(unused_port: int) -> None:
    for address in (f"127.0.0.1:{unused_port}", f"ray://127.0.0.1:{unused_port}", "nowhere"):
        with pytest.raises(Refused, match=f'No Ray cluster answers at "{address}"'):
            map_tasks(summed, [Sum(1)], Where(ray=address))
