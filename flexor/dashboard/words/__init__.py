"""Every word of the page, in one place: key -> language -> text.

Persian is written from right to left. What the control loop itself says (causes, refusals) comes in
English; `sentence` translates those that have a translation here.
"""

from __future__ import annotations

from flexor.dashboard.words.calibration import CALIBRATION, GESTURES, REASONS
from flexor.dashboard.words.page import JOINTS, PAGE, STATES
from flexor.dashboard.words.sentences import SENTENCES

__all__ = [
    "GESTURES",
    "JOINTS",
    "LANGUAGES",
    "REASONS",
    "SENTENCES",
    "STATES",
    "WORDS",
    "gesture_name",
    "joint_name",
    "reason_text",
    "sentence",
    "state_name",
    "word",
]

LANGUAGES = {"en": ("English", "ltr"), "fa": ("فارسی", "rtl")}
"""code -> (its own name, direction)"""

WORDS: dict[str, dict[str, str]] = {**PAGE, **CALIBRATION}
"""key -> language -> text"""


def gesture_name(gesture: str, language: str) -> str:
    """The name of a gesture; its own word where it has none."""
    texts = GESTURES.get(gesture, {})
    return texts.get(language, texts.get("en", gesture))


def joint_name(joint: str, language: str) -> str:
    """The name of a joint; its own word where it has none."""
    texts = JOINTS.get(joint, {})
    return texts.get(language, texts.get("en", joint))


def reason_text(reason: str, what: str, language: str) -> str:
    """Why a contraction is asked for again."""
    texts = REASONS[reason]
    return texts.get(language, texts["en"]).replace("{what}", what)


def word(key: str, language: str) -> str:
    """The text; English where the language lacks it."""
    texts = WORDS[key]
    return texts.get(language, texts["en"])


def state_name(state: str, language: str) -> str:
    """The name of a phase of the gate; the phase itself where it has none."""
    texts = STATES.get(state, {})
    return texts.get(language, texts.get("en", state))


def sentence(text: str, language: str) -> str:
    """A sentence of the control loop in that language; itself where it has no translation.

    An event is its kind and a sentence: "gate armed: The hand confirmed...".
    """
    table = SENTENCES.get(language, {})
    return table.get(text) or table.get(text.partition(": ")[2], text)
