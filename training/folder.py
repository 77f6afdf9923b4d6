"""The folder that a training leaves, and what another format is exported from.

Imports neither onnx nor Lightning: the .tflite converter's environment has none.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import nn

from acquisition.stream import Refused, Samples
from models.artifact import open_artifact
from models.contract import Contract
from models.settings import from_mapping
from training.build import network_for
from training.export import replace_file
from training.recipe import Recipe

ARTIFACT, CARD, WEIGHTS, WINDOWS, RUN = (
    "artifact.onnx",
    "card.md",
    "network.pt",
    "calibration.npz",
    "run.json",
)


def save_run(out: Path, recipe: Recipe, module: nn.Module, windows: Samples) -> None:
    """What another format is exported from."""
    out.mkdir(parents=True, exist_ok=True)
    torch.save(module.state_dict(), out / WEIGHTS)
    np.savez_compressed(out / WINDOWS, windows=windows)
    replace_file(out / RUN, json.dumps(asdict(recipe), indent=2).encode())


def load_run(folder: Path) -> tuple[nn.Module, Contract, Samples]:
    """(module, contract of the artifact, calibration windows) of a training folder."""
    for name in (ARTIFACT, WEIGHTS, WINDOWS, RUN):
        if not (folder / name).is_file():
            raise Refused(f'"{folder}" has no {name}; give the folder that train made.')
    settings = json.loads((folder / RUN).read_text(encoding="utf-8"))
    contract = open_artifact(folder / ARTIFACT).contract
    recipe = from_mapping(settings, Recipe, f'"{folder / RUN}"')
    outputs_n = contract.output.shape[-1]
    module = network_for(recipe, len(contract.spec.channels), outputs_n)
    module.load_state_dict(torch.load(folder / WEIGHTS, weights_only=True))
    windows = np.load(folder / WINDOWS, allow_pickle=False)["windows"]
    return module.eval(), contract, windows
