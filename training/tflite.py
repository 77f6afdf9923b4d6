"""From a training folder to a .tflite artifact; runs in the converter's own environment."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from acquisition.stream import Refused, Samples
from models.artifact import open_artifact
from models.contract import Quantization
from training.export import calibration_digest, write_artifact
from training.folder import load_run
from training.folding import folded

METHOD = "static, int8 activations and weights per channel, min-max"


def export_tflite(folder: Path, out: Path) -> dict[str, Any]:
    """The folder's network as an int8 .tflite with the same contract, checked on this machine.

    Refuses to run where litert-torch is not installed.
    """
    module, contract, windows = load_run(folder)
    shape = contract.input.shape
    windows = windows.reshape(len(windows), *shape[1:])
    graph = convert(folded(module), shape, windows[::2])
    first = write_artifact(out, graph, contract, contract.golden.samples)
    agreement, worst = disagreement(module, first, windows[1::2])
    quantization = Quantization(METHOD, calibration_digest(windows[::2]), agreement, worst)
    draft = replace(contract, quantization=quantization)
    made = write_artifact(out, graph, draft, contract.golden.samples)
    return {
        "artifact": made.path,
        "digest": made.digest,
        "bytes": made.bytes_n,
        "runtime": made.runtime.name,
        "agreement_with_float": agreement,
        "largest_logit_difference": worst,
    }


def convert(module: torch.nn.Module, shape: tuple[int, ...], windows: Samples) -> bytes:
    """The flat buffer of an int8 graph, calibrated on windows (window, *shape[1:])."""
    try:
        import litert_torch
        from ai_edge_quantizer import calibrator, quantizer, recipe
        from ai_edge_quantizer.utils import qsv_utils
    except ModuleNotFoundError as error:
        raise Refused(
            f"The .tflite converter needs {error.name}, which has an environment of its own; "
            f"run make tflite."
        ) from None
    with tempfile.TemporaryDirectory() as name:
        full, small = Path(name) / "float.tflite", Path(name) / "int8.tflite"
        litert_torch.convert(module.eval(), (torch.zeros(shape),)).export(str(full))
        maker = quantizer.Quantizer(str(full))
        maker.load_quantization_recipe(recipe.static_wi8_ai8())
        # The usual moving average clips: calibrate by the extremes. The recipe manager is private
        # in 0.10.0, which is pinned for that.
        watcher = calibrator.Calibrator(
            str(full), num_threads=1, qsv_update_func=qsv_utils.min_max_update
        )
        inputs = [{"args_0": window[None].astype(np.float32)} for window in windows]
        watcher.calibrate({"serving_default": inputs}, maker._recipe_manager)
        maker.quantize(watcher.get_model_qsvs()).export_model(str(small))
        return small.read_bytes()


def disagreement(module: torch.nn.Module, made: Any, windows: Samples) -> tuple[float, float]:
    """(share of equal decisions, largest difference of a logit) against the float module."""
    with torch.no_grad():
        want = module(torch.from_numpy(np.ascontiguousarray(windows))).numpy()
    got = np.concatenate([made.runtime.run(window[None]).copy() for window in windows])
    equal = float((want.argmax(axis=1) == got.argmax(axis=1)).mean())
    return equal, float(np.abs(want - got).max())


def main() -> None:
    """python -m training.tflite FOLDER OUT.tflite"""
    try:
        made = export_tflite(Path(sys.argv[1]), Path(sys.argv[2]))
        open_artifact(made["artifact"])
    except Refused as error:
        sys.exit(f"tflite: {error}")
    sys.stdout.write("".join(f"{key}: {value}\n" for key, value in made.items()))


if __name__ == "__main__":
    main()
