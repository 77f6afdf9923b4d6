"""The contract as one JSON inside the artifact's file: written, and read with suspicion."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from acquisition.stream import Refused, Spec
from models.adapt import Adaptation
from models.contract import (
    SCHEMA,
    Contract,
    Golden,
    Provenance,
    Quantization,
    Stream,
    Target,
    Tensor,
)
from models.decision import DECISIONS
from models.first_turn import FirstTurn
from models.guessed import Guessed
from models.head import Head, of_one_view
from models.seal import sealed, unsealed
from preprocessing.packed import packed
from preprocessing.stage import Array, chain_from_json, chain_to_json, from_row, to_row


def to_bytes(contract: Contract) -> bytes:
    """Canonical JSON: equal contracts give equal bytes."""
    value: dict[str, Any] = {
        f.name: getattr(contract, f.name)
        for f in dataclasses.fields(contract)
        if f.name != "chain" and (f.name not in _OPTIONAL or getattr(contract, f.name))
    }
    value["spec"] = contract.spec.to_json()
    value["stages"] = chain_to_json(contract.chain)
    value["decision"] = [to_row(DECISIONS, stage) for stage in contract.decision]
    for key in ("input", "output", "quantization", "provenance"):
        value[key] = dataclasses.asdict(value[key])
    if contract.targets:
        value["targets"] = [dataclasses.asdict(target) for target in contract.targets]
    if contract.stream:
        value["stream"] = dataclasses.asdict(contract.stream)
    if contract.head:
        value["head"] = head_to_json(contract.head)
    if contract.adaptation:
        value["adaptation"] = dataclasses.asdict(contract.adaptation)
    for key in ("guessed", "first_turn"):
        if value.get(key):
            value[key] = dataclasses.asdict(value[key])
    golden = contract.golden
    value["golden"] = {
        **{f.name: getattr(golden, f.name) for f in dataclasses.fields(golden)},
        **{key: _packed(getattr(golden, key)) for key in ("samples", "features", "logits")},
    }
    return sealed(
        json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
    )


def from_bytes(data: bytes) -> Contract:
    """Reads a contract. Refuses unknown, missing and malformed parts, each in one sentence."""
    try:
        value = json.loads(unsealed(data))
    except (ValueError, RecursionError) as error:
        raise Refused(f"The contract in the artifact is not JSON ({error}).") from None
    if not isinstance(value, dict):
        raise Refused("The contract in the artifact is not a JSON object.")
    if value.get("schema") != SCHEMA:
        raise Refused(
            f"The artifact follows contract schema {value.get('schema')} and this version reads "
            f"{SCHEMA}; export it again with this version, or update this one."
        )
    known = {f.name for f in dataclasses.fields(Contract)} ^ _RENAMED
    _check_keys("contract", value, known - (_OPTIONAL - set(value)))
    try:
        return _read(value)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Refused(f"The contract in the artifact is malformed ({error}).") from None


_RENAMED = {"chain", "stages"}
_OPTIONAL = {"targets", "stream", "head", "adaptation", "guessed", "first_turn"}
"""Written only where there is something to say: contracts of older versions lack them."""


def _read(value: dict[str, Any]) -> Contract:
    golden = dict(value["golden"])
    _check_keys("golden recording", golden, {f.name for f in dataclasses.fields(Golden)})
    provenance = dict(value["provenance"])
    _check_keys("provenance", provenance, {f.name for f in dataclasses.fields(Provenance)})
    return Contract(
        name=str(value["name"]),
        spec=Spec.from_json(value["spec"]),
        chain=chain_from_json(value["stages"]),
        decision=tuple(from_row(DECISIONS, row, "decision stage") for row in value["decision"]),
        labels=tuple(map(str, value["labels"])),
        rest=str(value["rest"]),
        input=_tensor(value["input"]),
        output=_tensor(value["output"]),
        quantization=_record(Quantization, "quantization", value["quantization"]),
        golden=Golden(
            samples=_unpacked(golden["samples"]),
            windows=tuple(map(int, golden["windows"])),
            features=_unpacked(golden["features"]),
            logits=_unpacked(golden["logits"]),
            features_tolerance=float(golden["features_tolerance"]),
            logits_tolerance=float(golden["logits_tolerance"]),
        ),
        provenance=Provenance(
            **{**provenance, "users": {k: tuple(v) for k, v in provenance["users"].items()}}
        ),
        digest=str(value["digest"]),
        schema=int(value["schema"]),
        targets=tuple(_record(Target, "target", row) for row in value.get("targets", ())),
        stream=_stream(value["stream"]) if "stream" in value else None,
        head=head_from_json(value["head"]) if "head" in value else None,
        adaptation=_record(Adaptation, "adaptation", value["adaptation"])
        if "adaptation" in value
        else None,
        guessed=_record(Guessed, "guess", value["guessed"]) if "guessed" in value else None,
        first_turn=_record(FirstTurn, "first turn", value["first_turn"])
        if "first_turn" in value
        else None,
    )


def head_to_json(head: Head) -> dict[str, Any]:
    """JSON-ready; `head_from_json` reads it back, arrays as float32; of factors only what one view
    of the window holds."""
    value = {f.name: getattr(head, f.name) for f in dataclasses.fields(head)}
    value["factors"] = head.factors[:, np.tril(of_one_view(head.views))]
    if len(head.views) > 1:
        value["views"] = list(head.views)
    return {k: _packed(v) if isinstance(v, np.ndarray) else v for k, v in value.items()}


def head_from_json(value: Mapping[str, Any]) -> Head:
    """Refuses unknown, missing and malformed parts."""
    known = {f.name for f in dataclasses.fields(Head)}
    _check_keys("head", value, known | ({"views"} & set(value)))
    fields: dict[str, Any] = {
        k: _unpacked(v).astype(np.float64) if isinstance(v, Mapping) else int(v)
        for k, v in value.items()
        if k != "views"
    }
    n = fields["means"].shape[-1]
    views = [int(size) for size in value.get("views", (n,))]
    if min(views, default=0) < 1 or sum(views) != n:
        raise Refused(f"The head's views {views} do not make its {n} dimensions; export it again.")
    factors = np.zeros((len(fields["factors"]), n, n))
    factors[:, np.tril(of_one_view(views))] = fields["factors"]
    return Head(**{**fields, "factors": factors})


def _stream(value: Mapping[str, Any]) -> Stream:
    stream: Stream = _record(Stream, "stream", value)
    states = tuple(_tensor(state) for state in value["states"])
    return Stream(_tensor(value["input"]), states, tuple(map(str, stream.after)))


def _check_keys(what: str, value: Mapping[str, Any], known: set[str]) -> None:
    unknown, missing = sorted(set(value) - known), sorted(known - set(value))
    if unknown:
        raise Refused(f"The {what} has the keys {unknown}, which this version does not know.")
    if missing:
        raise Refused(f"The {what} lacks the keys {missing}.")


def _record(cls: Any, what: str, value: Mapping[str, Any]) -> Any:
    _check_keys(what, value, {f.name for f in dataclasses.fields(cls)})
    return cls(**value)


def _tensor(value: Mapping[str, Any]) -> Tensor:
    tensor: Tensor = _record(Tensor, "tensor", value)
    return Tensor(str(tensor.name), tuple(map(int, tensor.shape)), str(tensor.dtype))


def _packed(x: Array) -> dict[str, Any]:
    """float32, little endian, so that every number comes back to the bit."""
    return {"shape": list(x.shape), "float32": packed(x)}


def _unpacked(value: Mapping[str, Any]) -> Array:
    _check_keys("array", value, {"shape", "float32"})
    flat = np.frombuffer(base64.b64decode(value["float32"], validate=True), "<f4")
    return flat.reshape([int(n) for n in value["shape"]]).astype(np.float32)
