"""Every word of the calibration is there in every language."""

from __future__ import annotations

from acquisition.myo_files import MYO_GESTURES
from flexor.calibration_check import REASONS
from flexor.calibration_plan import POSITIONS
from flexor.dashboard import words


def test_every_gesture_reason_and_position_has_its_words() -> None:
    assert set(words.GESTURES) == set(MYO_GESTURES)
    assert set(words.REASONS) == set(REASONS)
    assert {f"cal_{position}" for position in POSITIONS} <= set(words.WORDS)
    for texts in (*words.GESTURES.values(), *words.REASONS.values(), *words.WORDS.values()):
        assert set(texts) == set(words.LANGUAGES)


def test_what_a_reason_names_is_in_its_sentence() -> None:
    for reason, sentence in REASONS.items():
        for language in words.LANGUAGES:
            said = words.reason_text(reason, "emg5", language)
            assert ("{what}" in sentence) == ("emg5" in said)


def test_a_gesture_without_a_name_keeps_its_own_word() -> None:
    assert words.gesture_name("pinch", "fa") == "pinch"
