"""The bytes of a .tflite file: its contract, its graph's digest and what is refused in it.

The contract rides in a zip behind the flat buffer, which is TensorFlow Lite's own way to carry
associated files; every runtime reads the front and leaves the rest alone.
"""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile
import zlib

from acquisition.stream import Refused

CONTRACT = "contract.json"
IDENTIFIER = b"TFL3"
MAX_CONTRACT_BYTES = 4_000_000
MODEL_OPERATORS = 1
"""field of Model in schema.fbs: operator_codes"""
OPERATOR_CUSTOM = 1
"""field of OperatorCode in schema.fbs: custom_code"""

_DAMAGE = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, EOFError, OSError,
    KeyError, ValueError, RuntimeError,
)  # fmt: skip
"""What zipfile raises of a damaged file, NotImplementedError (a RuntimeError) included."""


def read(data: bytes) -> tuple[bytes, str, bytes]:
    """(contract, SHA-256 of the flat buffer, flat buffer)."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if names != [CONTRACT]:
                raise Refused(f"The artifact carries {names}, and only {CONTRACT} belongs there.")
            info = archive.infolist()[0]
            if info.file_size > MAX_CONTRACT_BYTES:
                raise Refused("The artifact's contract is larger than any real one.")
            contract = archive.read(info)
            graph = data[: info.header_offset]
    except _DAMAGE:
        raise Refused(
            "The artifact carries no readable contract; it is cut or was not exported by Flexor."
        ) from None
    return contract, digest(graph), graph


def digest(graph: bytes) -> str:
    """SHA-256 of a bare flat buffer."""
    return hashlib.sha256(graph).hexdigest()


def with_contract(graph: bytes, contract: bytes) -> bytes:
    """The flat buffer with the contract behind it; equal inputs give equal bytes."""
    tail = io.BytesIO()
    tail.write(graph)
    with zipfile.ZipFile(tail, "a", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo(CONTRACT, (1980, 1, 1, 0, 0, 0))
        archive.writestr(entry, contract, zipfile.ZIP_DEFLATED)
    return tail.getvalue()


def check(graph: bytes) -> None:
    """Refuses what is no TensorFlow Lite graph, and custom operators."""
    if graph[4:8] != IDENTIFIER:
        raise Refused("The artifact is damaged: it is not a readable TensorFlow Lite file.")
    try:
        model = struct.unpack_from("<I", graph, 0)[0]
        codes = _vector(graph, model, MODEL_OPERATORS)
        custom = [code for code in codes if _slot(graph, code, OPERATOR_CUSTOM)]
    except (struct.error, IndexError):
        raise Refused("The artifact is damaged: its graph is cut.") from None
    if custom:
        raise Refused("The artifact uses custom operators, which are not run here.")


def _slot(data: bytes, table: int, field: int) -> int:
    """Absolute place of a table's field, 0 where it is absent."""
    vtable = table - struct.unpack_from("<i", data, table)[0]
    size = struct.unpack_from("<H", data, vtable)[0]
    at = 4 + 2 * field
    offset = struct.unpack_from("<H", data, vtable + at)[0] if at < size else 0
    return table + offset if offset else 0


def _vector(data: bytes, table: int, field: int) -> list[int]:
    """Absolute places of the tables in a vector of tables."""
    slot = _slot(data, table, field)
    if not slot:
        return []
    start = slot + struct.unpack_from("<I", data, slot)[0]
    n = struct.unpack_from("<I", data, start)[0]
    places = range(start + 4, start + 4 + 4 * n, 4)
    return [place + struct.unpack_from("<I", data, place)[0] for place in places]
