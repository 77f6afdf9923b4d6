"""A profile that does not fit its artifact, hand or sensor is refused in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from acquisition.stream import Refused
from firmware_bridge.assist_laws import Assist
from firmware_bridge.command import Mode
from firmware_bridge.control import Control
from firmware_bridge.dofs import Dofs
from firmware_bridge.fallback import Guarded
from firmware_bridge.hands import HAND6, HandSpec
from firmware_bridge.robotiq import SPEC as GRIPPER
from firmware_bridge.steer import begin
from firmware_bridge.two_site import Direct
from flexor.mapping import efforts_for, steering_for, usual_functions
from flexor.profile import DEMO_ARTIFACT, Profile, read_profile
from models.artifact import open_artifact
from models.contract import Contract, Target, Tensor
from tests.exo import EXO

Read = Callable[[str], Profile]
CONTRACT = open_artifact(DEMO_ARTIFACT).contract
AIMS = replace(
    CONTRACT,
    labels=("rest",),
    decision=(),
    output=Tensor("logits", (1, 1), "float32"),
    targets=(Target("flexion", "deg", -20.0, 60.0),),
)
SITES = """
sites = [
  { name = "flexors", channels = ["emg6"], low = 2.0, high = 30.0 },
  { name = "extensors", channels = ["emg2"], low = 2.0, high = 22.0 },
]
"""
PUSH = '[[assist.torque]]\njoint = "knee"\nflexor = "flexors"\ngain_nm = 3.0\n'


@pytest.fixture
def toml(tmp_path: Path) -> Read:
    def read(text: str) -> Profile:
        path = tmp_path / "me.toml"
        path.write_text(text)
        return read_profile(path)

    return read


def mode(name: str) -> str:
    return f'[control]\nmode = "{name}"\n'


@pytest.mark.parametrize(
    ("text", "contract", "hand", "kind"),
    [
        ("", CONTRACT, HAND6, Control),
        (SITES + "[fallback]\n", CONTRACT, HAND6, Guarded),
        (SITES + mode("two_site"), CONTRACT, GRIPPER, Direct),
        (
            mode("dofs") + '[[dofs]]\ntarget = "flexion"\njoints = { index = 1.0 }',
            AIMS,
            HAND6,
            Dofs,
        ),
        (SITES + mode("assist") + PUSH, CONTRACT, EXO, Assist),
    ],
)
def test_each_mode_gives_its_way_to_control(
    toml: Read, text: str, contract: Contract, hand: HandSpec, kind: type
) -> None:
    profile = toml(text)
    how = steering_for(profile, contract, hand)
    assert type(how) is kind
    assert how.still == (0.0,) * len(hand.joints)
    assert how.ttl_s if kind is not Guarded else how.grips.ttl_s
    assert (begin(how) is None) is (kind in (Control, Dofs))
    assert (efforts_for(profile, contract) is None) is (kind in (Control, Dofs))


def test_levels_reach_the_grips_of_the_hand(toml: Read) -> None:
    how = steering_for(toml("[levels.hand_close]\nlow = 0.2\nhigh = 0.6"), CONTRACT, HAND6)
    assert isinstance(how, Control)
    close, opened = how.drives["hand_close"], how.drives["hand_open"]
    assert close.threshold == pytest.approx(0.24)
    assert opened.threshold == pytest.approx(0.1)


def test_the_usual_functions_are_those_that_the_hand_has() -> None:
    assert [function.name for function in usual_functions(HAND6)] == ["power", "tripod", "thumb"]
    assert [function.name for function in usual_functions(GRIPPER)] == ["power", "tripod"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (mode("grip"), 'controls by "grip"; there are grips, dofs, two_site, assist.*"grips"'),
        ("[control]\nmod = 1", 'control has the key "mod".*Did you mean "mode"'),
        ("[levels.hand_clos]\nlow = 0.1\nhigh = 0.5", r"levels for \['hand_clos'\], and grips"),
        ("[levels.hand_close]\nlow = 0.6\nhigh = 0.5", "grip of hand_close needs levels"),
        ("[levels.hand_close]\nlow = 0.6\nhi = 0.5", 'key "hi".*Did you mean "high"'),
        ("[fallback]\nafter_s = 0.0", "after_s from 0.2"),
        ("[fallback]\nafters = 1.0", 'fallback has the key "afters".*"after_s"'),
        ("[fallback]", r"Direct control needs two sites, and the profile has \[\]: write two"),
        (mode("two_site"), r"needs two sites, and the profile has \[\]"),
        (SITES, r"has \[sites\], which control by grips does not read: remove it, or write \[fall"),
        ("[two_site]\non = 0.3", r"has \[two_site\], which control by grips.*\[fallback\]"),
        (
            '[[dofs]]\ntarget = "a"\njoints = { index = 1.0 }',
            r'has \[dofs\], which control by grips does not.*mode = "dofs"',
        ),
        (SITES + PUSH + mode("two_site"), r'has \[assist\], which control by two_site.*"assist"'),
        (
            SITES + mode("two_site") + "[levels.hand_open]\nlow = 0.1\nhigh = 0.5",
            r'\[levels\], which control by two_site does not.*mode = "grips"',
        ),
        (SITES + mode("two_site") + "[two_site]\nof = 0.1", 'key "of".*"off"'),
        (SITES + mode("two_site") + "[two_site]\noff = 0.3", "0 < off < on <= both < 1"),
        (
            SITES + mode("two_site") + '[[functions]]\nname = "a"\njoints = { elbow = 1.0 }',
            r"a moves \['elbow'\], and the hand hand6",
        ),
        (SITES.replace("emg6", "emg9") + mode("two_site"), r"rests on \['emg9'\], and the source"),
        (SITES.replace("low = 2.0, high = 30.0", "low = 5.0, high = 4.0"), "levels with 0 <= low"),
        (mode("dofs"), r"none is given: write \[\[dofs\]\]"),
        (
            mode("dofs") + '[[dofs]]\ntarget = "flexion"\njoints = { index = 1.0 }',
            r"follow \['flexion'\], and the targets of the artifact are \[\]",
        ),
        (mode("assist"), "one law for each joint"),
        (SITES + mode("assist") + PUSH, r"gives torque, and hand6 takes"),
        (
            SITES + mode("assist") + PUSH + "gain = 1.0",
            'assist, torque has the key "gain".*gain_nm',
        ),
        (mode("assist") + "[assist.stop]\nzone_deg = 3.0", 'assist has the key "stop".*"stops"'),
    ],
)
def test_a_wrong_profile_is_refused_with_both_sides_and_the_mend(
    toml: Read, text: str, words: str
) -> None:
    def fit() -> None:
        profile = toml(text)
        efforts_for(profile, CONTRACT)
        steering_for(profile, CONTRACT, HAND6)

    with pytest.raises(Refused, match=words):
        fit()


def test_an_artifact_with_targets_is_not_driven_by_grips() -> None:
    with pytest.raises(Refused, match=r"gives the targets \['flexion'\]: write mode = \"dofs\""):
        steering_for(Profile(), AIMS, HAND6)


@pytest.mark.parametrize("text", ["", SITES + mode("two_site"), mode("dofs")])
def test_an_exoskeleton_of_torques_is_not_driven_by_velocities(toml: Read, text: str) -> None:
    exo = replace(EXO, modes=(Mode.TORQUE,))
    with pytest.raises(Refused, match=r"gives velocities, and the exo takes \['torque'\].*assist"):
        steering_for(toml(text), CONTRACT, exo)
