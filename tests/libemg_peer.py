"""Runs in LibEMG's environment: one of its clients reads a device, and says what it got as JSON.

The client's file is imported without the package around it, which brings a second of imports and
windows that are not wanted here.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
import types
from multiprocessing import Lock
from pathlib import Path
from typing import Any

import numpy as np


def client(name: str) -> Any:
    spec = importlib.util.find_spec("libemg")
    assert spec is not None
    assert spec.origin is not None
    for package, folder in (("libemg", ""), ("libemg._streamers", "_streamers")):
        module = types.ModuleType(package)
        module.__path__ = [str(Path(spec.origin).parent / folder)]
        sys.modules[package] = module
    return importlib.import_module(f"libemg._streamers.{name}")


def delsys(ports: dict[str, int], n: int) -> list[Any]:
    items = [["emg", (n, 16), np.double, Lock()], ["emg_count", (1, 1), np.int32, Lock()]]
    streamer = client("_delsys_streamer").DelsysEMGStreamer(
        items,
        recv_ip="127.0.0.1",
        cmd_port=ports[""],
        data_port=ports["emg"],
        aux_port=ports["aux"],
        channel_list=list(range(16)),
    )
    rows: list[Any] = []

    def take(row: Any) -> None:
        rows.extend(row.tolist())
        if len(rows) >= n:
            streamer.signal.set()

    streamer.add_emg_handler(take)
    streamer.run()
    return rows


def muovi(ports: dict[str, int], n: int) -> list[Any]:
    device = client("_OTB_Muovi").OTBMuovi("127.0.0.1", ports[""])
    device.create_bin_command(1)
    device.initialize()
    device.start()
    rows = [device.read() for _ in range(n)]
    device.stop()
    return rows


def sessantaquattro(ports: dict[str, int], n: int) -> list[Any]:
    device = client("_OTB_SessantaquattroPlus").OTBSessantaquattroPlus("127.0.0.1", ports[""])
    device.initialize()
    device.start()
    rows = []
    for _ in range(n):
        raw = device.read()
        rows.append(device.bytes_to_integers(raw, 72, 2, output_milli_volts=False))
    device.stop()
    return rows


def syncstation(ports: dict[str, int], n: int) -> list[Any]:
    device = client("_OTB_Syncstation").OTBSyncstation("127.0.0.1", ports[""])
    device.initialize()
    device.start()
    size_n, rows = device.number_of_channels * 2, []
    for _ in range(n):
        raw = device.sq_socket.recv(size_n)
        rows.append(device.bytes_to_integers(raw, device.number_of_channels, 2, False))
    device.sq_socket.close()
    return rows


if __name__ == "__main__":
    kind, where, count = sys.argv[1:]
    got = globals()[kind](json.loads(where), int(count))
    sys.stdout.write("\n" + json.dumps(np.asarray(got).tolist()) + "\n")
