"""A Modbus server of other people's making (pymodbus), on this machine, for our frames."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from firmware_bridge.modbus import RTU, Framing


@contextmanager
def pymodbus_unit(framing: Framing, unit: int, blocks: list[tuple[int, int]]) -> Iterator[Any]:
    """A function that sends a frame to the server and gives its answer. `blocks` of registers,
    (first, how many), are 0 at first. Serial frames travel over TCP as well."""
    reason = "pymodbus is not installed"
    server = pytest.importorskip("pymodbus.server", reason=reason)
    simulator = pytest.importorskip("pymodbus.simulator", reason=reason)
    kinds = pytest.importorskip("pymodbus.framer", reason=reason).FramerType
    ready = threading.Event()
    inside: list[Any] = []

    async def serve() -> None:
        kind = simulator.DataType.REGISTERS
        data = [simulator.SimData(a, count=n, values=0, datatype=kind) for a, n in blocks]
        tcp = server.ModbusTcpServer(
            simulator.SimDevice(id=unit, simdata=data),
            framer=kinds.RTU if framing is RTU else kinds.SOCKET,
            address=("127.0.0.1", 0),
        )
        await tcp.serve_forever(background=True)
        done = asyncio.Event()
        port = tcp.transport.sockets[0].getsockname()[1]
        inside.extend((asyncio.get_running_loop(), done, port))
        ready.set()
        await done.wait()
        await tcp.shutdown()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(10.0)
    loop, done, port = inside
    with socket.create_connection(("127.0.0.1", port), 5.0) as connection:

        def ask(frame: bytes, answer_n: int) -> bytes:
            connection.sendall(frame)
            answer = b""
            while len(answer) < answer_n:
                answer += connection.recv(300)
            return answer

        yield ask
    loop.call_soon_threadsafe(done.set)
    thread.join(10.0)
