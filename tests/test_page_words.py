"""What the page says, in every language that it speaks."""

from __future__ import annotations

import pytest

from firmware_bridge.hands import EXO, HAND6
from firmware_bridge.link_words import TROUBLES
from firmware_bridge.safety_state import Cause, Phase
from flexor.dashboard.live_view import spoken
from flexor.dashboard.policy import Why
from flexor.dashboard.words import JOINTS, LANGUAGES, SENTENCES, STATES, WORDS, sentence, word
from preprocessing.quality import MENDS


def test_every_word_of_the_page_is_there_in_every_language() -> None:
    assert all(set(texts) == set(LANGUAGES) for texts in WORDS.values())
    assert all(set(texts) == set(LANGUAGES) for texts in STATES.values())
    assert all(set(texts) == set(LANGUAGES) for texts in JOINTS.values())
    assert set(JOINTS) >= {*HAND6.joint_names, *EXO.joint_names}
    assert set(STATES) >= {phase.value for phase in Phase}


@pytest.mark.parametrize(
    "text",
    [
        *[cause.value for cause in Cause],
        *TROUBLES.values(),
        *[why.text for why in Why],
        *MENDS,
        *MENDS.values(),
    ],
)
def test_what_the_loop_says_has_a_translation(text: str) -> None:
    assert sentence(text, "en") == text
    assert sentence(text, "fa") != text


def test_what_has_no_translation_stays_english() -> None:
    assert sentence("The moon is in the way.", "fa") == "The moon is in the way."
    assert (
        sentence("gate armed: The hand confirmed: it follows the wearer.", "fa")
        == (SENTENCES["fa"][Cause.ARMED.value])
    )
    assert word("estop", "xx") == WORDS["estop"]["en"]


def test_a_view_is_told_in_the_browsers_language() -> None:
    found = {"channel": "emg3", "kind": "flat", "fault": True, "mend": MENDS["flat"]}
    view = {
        "alive": True,
        "events": [[1.0, f"gate disarmed: {Cause.DISARM_ASKED.value}"], [2.0, "source lost: why"]],
        "status": {"cause": Cause.STARTED.value, "findings": [found]},
    }
    told = spoken(view, "fa")
    assert told["status"]["cause"] == sentence(Cause.STARTED.value, "fa")
    assert told["status"]["findings"][0]["kind"] == "flat"
    assert told["status"]["findings"][0]["said"] == sentence("flat", "fa")
    assert told["events"] == [
        [1.0, sentence(Cause.DISARM_ASKED.value, "fa")],
        [2.0, "source lost: why"],
    ]
    assert spoken(view, "en")["status"]["cause"] == Cause.STARTED.value
