"""Each way of learning teaches something that the same training without it does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from acquisition.stream import Refused
from tests.learning_rig import GESTURES, session
from training.aware import aware, rounded_weights
from training.build import network_for
from training.datasets import Segment
from training.folding import folded
from training.networks.dbn import DeepBelief
from training.quantize import feeds_of, to_int8, to_onnx
from training.recipe import MASKED, PREDICTIVE, PSEUDO, Fit, Recipe, Teacher, Unlabelled
from training.train import Weights, calibrate, pretrain
from training.windows import sessions, window_set

pytestmark = pytest.mark.slow

FIT = Fit(200, 64, 3e-3, warmup_steps=10, average=0.9)
FEW = Recipe("few", FIT, replace(FIT, steps=60), width=16)
OTHERS = tuple(s for user in (1, 2, 3, 4) for s in session(user, 0, 60 + user))
LATER = session(0, 1, 51)


def few_labels() -> list[Segment]:
    """A third of a second of each gesture."""
    return [replace(s, samples=s.samples[60:130]) for s in session(0) if s.cycle == 0]


def share(module: torch.nn.Module, recipe: Recipe, segments: Sequence[Segment] = LATER) -> float:
    """Of windows decided rightly, the session centred on itself."""
    windows = window_set(sessions(segments), recipe, GESTURES, 5)
    x = torch.from_numpy(windows.inputs(windows.windows(np.arange(len(windows)))))
    with torch.no_grad():
        return float((module(x).argmax(1).numpy() == windows.gestures).mean())


def calibrated(
    recipe: Recipe, weights: Weights | None = None, unlabelled: Sequence[Segment] = ()
) -> float:
    made = calibrate(recipe, weights, few_labels(), GESTURES, "rest", None, unlabelled)
    return share(made.module, recipe)


@pytest.fixture(scope="module")
def scratch() -> float:
    return calibrated(FEW)


@pytest.mark.parametrize("how", [MASKED, PREDICTIVE])
def test_recordings_without_labels_help_where_labels_are_few(how: str, scratch: float) -> None:
    recipe = replace(FEW, pretraining=how)
    unlabelled = [replace(s, gesture="unknown") for s in OTHERS]  # no label is looked at
    weights = pretrain(recipe, unlabelled, GESTURES)
    assert calibrated(recipe, weights) > scratch + 0.06


def test_labels_of_others_help_more(scratch: float) -> None:
    assert calibrated(FEW, pretrain(FEW, OTHERS, GESTURES)) > scratch + 0.12


def test_use_without_labels_helps_where_labels_are_few() -> None:
    change = {"channel_gain": 0.1, "gain": 0.1, "noise": 0.03}
    recipe = replace(FEW, finetune=replace(FIT, **change))  # type: ignore[arg-type]
    use = [replace(s, gesture="unknown") for s in session(0, 1, 55)]
    with_use = replace(recipe, unlabelled=Unlabelled(PSEUDO))
    assert calibrated(with_use, None, use) > calibrated(recipe) + 0.05


def test_learning_from_use_that_there_is_none_of_is_refused() -> None:
    recipe = replace(FEW, unlabelled=Unlabelled(PSEUDO))
    with pytest.raises(Refused, match="learns from unlabelled use"):
        calibrated(recipe)


def test_a_small_network_comes_nearer_to_a_large_one_that_teaches_it() -> None:
    alone = replace(FEW, width=8, pretrain=replace(FIT, steps=400))
    taught = replace(alone, teacher=Teacher("raw_cnn", 24))
    others = [s for user in (1, 2, 3, 4) for s in session(user, 0, 70 + user)]
    large = replace(alone, width=24, pretrain=replace(alone.pretrain, label_smoothing=0.0))
    teacher, without, with_it = (probabilities(r, others) for r in (large, alone, taught))

    def distance(answers: torch.Tensor) -> float:
        return float((teacher * (teacher / answers).log()).sum(1).mean())

    assert distance(with_it) < 0.9 * distance(without)


def probabilities(recipe: Recipe, segments: Sequence[Segment]) -> torch.Tensor:
    """(window, gesture) of a network pre-trained on the other wearers."""
    module = network_for(recipe, 8, len(GESTURES))
    module.load_state_dict(dict(pretrain(recipe, OTHERS, GESTURES)))
    windows = window_set(sessions(segments), recipe, GESTURES, 5)
    x = torch.from_numpy(windows.inputs(windows.windows(np.arange(len(windows)))))
    with torch.no_grad():
        return module.eval()(x).softmax(1)


def test_contrastive_divergence_learns_to_redraw_what_it_saw() -> None:
    recipe = Recipe("dbn", FIT, FIT, network="dbn", width=24, features="log_covariance")
    windows = window_set(sessions(OTHERS), recipe, GESTURES, 5)
    features = windows.inputs(windows.windows(np.arange(len(windows))))
    module = network_for(recipe, 8, 5)
    assert isinstance(module, DeepBelief)
    (first_before, first), (second_before, second) = module.contrast(features, 600, 0)
    assert first < 0.5 * first_before
    assert second < 0.5 * second_before
    again = network_for(recipe, 8, 5)
    assert isinstance(again, DeepBelief)
    assert again.contrast(features, 600, 0)[1] == (second_before, second)


def test_training_to_be_rounded_decides_as_float_where_rounding_costs() -> None:
    """Weights whose columns differ by a factor of a hundred: one scale per row rounds most away."""
    made = calibrate(replace(FEW, width=8), None, session(0), GESTURES, "rest")
    plain = folded(made.module)
    spoilt = torch.logspace(-1, 1, 8)
    first, second = plain.bank[0], plain.top[0]  # type: ignore[index]
    with torch.no_grad():  # the same function, badly scaled between two layers
        first.weight *= spoilt[:, None, None, None]  # type: ignore[operator]
        first.bias *= spoilt  # type: ignore[operator]
        second.weight /= spoilt[None, :, None, None]  # type: ignore[operator]
        plain.head.weight[:, :8] /= spoilt  # type: ignore[index]
    windows = made.windows.inputs(made.windows.windows(np.arange(0, len(made.windows), 2)))
    want = _answers(to_onnx(plain, (1, 8, 1, 52)), windows[1::2]).argmax(1)
    graph = to_onnx(plain, (1, 8, 1, 52))
    static = to_int8(graph, feeds_of(graph, windows[::2], None))
    trained = to_onnx(aware(plain, windows[::2]), (1, 8, 1, 52))
    assert b"DequantizeLinear" in trained
    small = rounded_weights(trained)
    assert len(small) < 0.6 * len(trained)
    np.testing.assert_array_equal(_answers(small, windows[:9]), _answers(trained, windows[:9]))
    costs = [
        float((_answers(g, windows[1::2]).argmax(1) != want).mean()) for g in (static, trained)
    ]
    assert costs[0] > 0.003
    assert costs[1] < costs[0] / 2


def _answers(graph: bytes, windows: np.ndarray) -> np.ndarray:
    import onnxruntime as ort

    runtime = ort.InferenceSession(graph, providers=["CPUExecutionProvider"])
    return np.concatenate([runtime.run(None, {"x": w[None]})[0] for w in windows])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"pretraining": "magic"}, 'pretraining is "magic"; it can be "supervised", "masked"'),
        ({"unlabelled": Unlabelled("guess")}, 'unlabelled method is "guess"'),
        (
            {"quantization": "int4"},
            'quantization is "int4"; it can be "static", "aware", "weights"',
        ),
    ],
)
def test_ways_that_there_are_not_are_refused(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        replace(FEW, **changes)  # type: ignore[arg-type]
