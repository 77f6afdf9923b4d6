"""The profiles in docs/control.md do what the guide says, in the whole loop in virtual time."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from acquisition.simulator.script import Prompt, Script
from firmware_bridge.assist_laws import Assist
from firmware_bridge.command import Mode
from firmware_bridge.control import Control
from firmware_bridge.dofs import Dofs
from firmware_bridge.fallback import Guarded
from firmware_bridge.hands import HAND6
from firmware_bridge.two_site import Direct
from flexor.profile import Profile, read_profile
from models.artifact import Artifact
from models.contract import Target, Tensor
from tests.toys import SHAPE, signal, toy_contract
from tests.virtual import START_S, VirtualRun

GUIDE = Path(__file__).resolve().parents[1] / "docs" / "control.md"
TEXTS = re.findall(r"```toml\n(.*?)```", GUIDE.read_text(), re.DOTALL)
GRIPS, SITES, DOFS, EXO, FOLLOW, OWN = range(6)


@pytest.fixture
def profile(tmp_path: Path) -> Callable[[int], Profile]:
    def read(which: int) -> Profile:
        path = tmp_path / "me.toml"
        path.write_text(TEXTS[which])
        return read_profile(path)

    return read


def script(*prompts: tuple[str, float]) -> Script:
    return Script(tuple(Prompt(g, 0.5 * (g != "rest"), s) for g, s in prompts), loop=False)


def position(run: VirtualRun, name: str) -> float:
    body = run.mcu if run.twin is None else run.twin.body
    return float(body.position_deg[run.loop.hand.hand.joint_names.index(name)])  # type: ignore[attr-defined]


def armed(run: VirtualRun) -> VirtualRun:
    run.until(2.4)
    assert run.loop.gate_state.phase.value == "armed", run.loop.tally.events
    return run


def test_every_profile_of_the_guide_is_tried_here() -> None:
    assert len(TEXTS) == 6


def test_grips_close_the_hand_at_the_wearers_levels(profile: Callable[[int], Profile]) -> None:
    run = armed(VirtualRun(profile=profile(GRIPS)))
    assert isinstance(run.loop.control, Guarded)
    run.until(4.2)
    assert position(run, "index") > 40
    assert not run.events.get("direct control", 0)


def test_two_muscles_take_over_from_a_network_that_is_unsure_and_give_back(
    profile: Callable[[int], Profile],
) -> None:
    prompts = (("rest", 2.5), ("hand_close", 1.6), ("rest", 1.0), ("wrist_flexion", 0.8))
    run = armed(VirtualRun(profile=profile(GRIPS), script=script(*prompts, ("rest", 3.0))))
    decide = run.loop.decoder.decide

    def unsure(window: Any, state: Any) -> Any:
        intent = decide(window, state)
        resting = intent.gesture == "rest" and not intent.rejected
        return (
            intent
            if resting
            else type(intent)("rest", 0.0, 0.3, intent.clock_s, intent.decision_n, True)
        )

    run.loop.decoder.decide = unsure  # type: ignore[method-assign]
    run.until(4.1)
    assert position(run, "index") == 0.0
    run.until(5.0)
    assert run.events.get("direct control", 0) == 1
    run.until(6.0)
    assert position(run, "index") > 10
    assert run.loop.tally.stale_commands_n == 0


def test_two_sites_close_switch_by_both_muscles_and_turn_the_thumb(
    profile: Callable[[int], Profile],
) -> None:
    prompts = (("rest", 2.5), ("wrist_flexion", 1.0), ("rest", 1.0), ("radial_deviation", 0.8))
    asked = script(*prompts, ("rest", 1.2), ("wrist_flexion", 1.0), ("rest", 2.0))
    run = armed(VirtualRun(profile=profile(SITES), script=asked))
    assert isinstance(run.loop.control, Direct)
    run.until(4.3)
    closed = position(run, "index")
    assert closed > 20
    assert position(run, "thumb_rotation") == 0.0
    run.until(6.3)
    assert run.events["function"] == 1
    assert run.said("they now move thumb")
    run.until(8.0)
    assert position(run, "thumb_rotation") > 20
    assert position(run, "index") == pytest.approx(closed, abs=3.0)
    assert run.loop.tally.stale_commands_n == 0


@pytest.mark.parametrize("kind", ["unplugged", "not a number"])
def test_two_sites_stop_as_soon_as_grips_do(profile: Callable[[int], Profile], kind: str) -> None:
    run = VirtualRun(profile=profile(SITES), script=script(("rest", 2.5), ("wrist_flexion", 5.0)))
    armed(run).until(3.6)
    assert run.moving

    def spoil(chunk: Any) -> Any:
        if kind == "unplugged":
            return None
        chunk.samples[0, 0] = np.nan
        return chunk

    run.change = spoil
    assert run.rest_s() <= 0.150


def aiming(folder: Path) -> Artifact:
    """An artifact with two targets: emg6 against emg2 (-1 .. 1), and how strong emg4 is (deg)."""
    weights = np.zeros((8, 2), np.float32)
    weights[5, 0], weights[1, 0], weights[3, 1] = 1 / 1500, -1 / 900, 1 / 12
    nodes = [
        helper.make_node("Mul", ["x", "x"], ["square"]),
        helper.make_node("ReduceMean", ["square", "axes"], ["power"], keepdims=0),
        helper.make_node("Gemm", ["power", "w"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "aiming",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, SHAPE)],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, (1, 2))],
        [
            numpy_helper.from_array(weights, "w"),
            numpy_helper.from_array(np.array([2, 3], np.int64), "axes"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    contract = toy_contract(
        labels=("rest",),
        decision=(),
        output=Tensor("logits", (1, 2), "float32"),
        targets=(Target("flexion", "share", -1.0, 1.0), Target("rotation", "deg", 0.0, 90.0)),
    )
    from training.export import write_artifact

    path = folder / "aiming.onnx"
    return write_artifact(path, bytes(model.SerializeToString()), contract, signal("close", 80))


def test_degrees_of_freedom_move_at_the_same_time(
    profile: Callable[[int], Profile], tmp_path: Path
) -> None:
    run = VirtualRun(profile=profile(DOFS), artifact=aiming(tmp_path))
    assert isinstance(run.loop.control, Dofs)
    armed(run)
    assert position(run, "index") < 1.0
    run.until(4.5)
    assert position(run, "index") > 30
    assert position(run, "thumb_rotation") > 10
    assert run.loop.tally.stale_commands_n == 0


def test_an_exoskeleton_carries_and_is_pushed_within_its_bounds(
    profile: Callable[[int], Profile],
) -> None:
    settings, prompts = profile(EXO), (("rest", 2.5), ("wrist_flexion", 3.0), ("rest", 3.0))
    run = VirtualRun(profile=settings, hand=settings.hand, script=script(*prompts))
    assert isinstance(run.loop.control, Assist)
    assert run.loop.control.mode is Mode.TORQUE
    armed(run)
    given: list[float] = []
    while run.now_s < START_S + 5.0:
        run.until(run.now_s - START_S + 0.01)
        given += run.loop.gate_state.motion.torque_nm[:1]
    assert max(given) > 1.0
    assert max(map(abs, given)) <= 4.0 + 1e-9
    assert run.loop.gate_state.phase.value == "armed", run.loop.tally.events
    assert run.loop.tally.stale_commands_n == 0


def test_a_finger_follows_an_angle_that_a_muscle_says(profile: Callable[[int], Profile]) -> None:
    asked = script(("rest", 2.5), ("wrist_flexion", 2.5), ("rest", 3.0))
    run = armed(VirtualRun(profile=profile(FOLLOW), script=asked))
    assert isinstance(run.loop.control, Assist)
    run.until(4.9)
    assert 45 < position(run, "index") < 85
    run.until(7.5)
    assert position(run, "index") < 10


def test_the_usual_profile_pays_for_none_of_this() -> None:
    run = VirtualRun()
    assert isinstance(run.loop.control, Control)
    assert run.loop.sites is None


def test_the_limits_of_the_guide_hold_in_a_run(profile: Callable[[int], Profile]) -> None:
    run = armed(VirtualRun(profile=profile(OWN))).until(5.0)
    index = HAND6.joint_names.index("index")
    assert run.loop.limits.joints[index] == (0.0, 60.0, 60.0, 400.0)
    assert 0.0 < run.mcu.position_deg[index] <= 60.0
