"""Every word of the page, in one place: key -> language -> text.

Persian is written from right to left. What the control loop itself says (causes, refusals) comes in
English; `sentence` translates those that have a translation here.
"""

from __future__ import annotations

LANGUAGES = {"en": ("English", "ltr"), "fa": ("فارسی", "rtl")}
"""code -> (its own name, direction)"""

WORDS: dict[str, dict[str, str]] = {
    "electrodes": {"en": "Electrodes", "fa": "الکترودها"},
    "calibrate": {"en": "Calibrate", "fa": "کالیبراسیون"},
    "drive": {"en": "Drive", "fa": "راندن"},
    "test": {"en": "Test", "fa": "آزمون"},
    "profiles": {"en": "Profiles", "fa": "نمایه‌ها"},
    "recordings": {"en": "Recordings", "fa": "ضبط‌ها"},
    "settings": {"en": "Settings", "fa": "تنظیمات"},
    "estop": {"en": "EMERGENCY STOP", "fa": "توقف اضطراری"},
    "estop_hint": {"en": "Space or Esc", "fa": "کلید فاصله یا Esc"},
    "arm": {"en": "Hold to arm, and relax", "fa": "برای فعال‌سازی نگه دارید و آرام باشید"},
    "disarm": {"en": "Disarm", "fa": "غیرفعال کردن"},
    "clear": {"en": "Hold to clear the stop", "fa": "برای رفع توقف نگه دارید"},
    "take_control": {"en": "Take control", "fa": "گرفتن کنترل"},
    "give_control": {"en": "Give control back", "fa": "واگذاری کنترل"},
    "you_control": {"en": "You control the hand", "fa": "کنترل دست با شماست"},
    "viewer": {
        "en": "Looking only: somebody else controls the hand",
        "fa": "فقط تماشا: کنترل دست با دیگری است",
    },
    "no_run": {
        "en": "Nothing runs. Choose what to start.",
        "fa": "چیزی در حال اجرا نیست. انتخاب کنید چه چیزی آغاز شود.",
    },
    "start_watch": {"en": "Look at the electrodes", "fa": "دیدن الکترودها"},
    "start_drive": {"en": "Drive the hand", "fa": "راندن دست"},
    "end_run": {"en": "End", "fa": "پایان"},
    "source": {"en": "Sensor", "fa": "حسگر"},
    "hand": {"en": "Hand", "fa": "دست"},
    "artifact": {"en": "Model", "fa": "مدل"},
    "signal": {"en": "Signal", "fa": "سیگنال"},
    "spectrum": {"en": "Spectrum", "fa": "طیف"},
    "ring": {"en": "Forearm, seen from the elbow", "fa": "ساعد، از دید آرنج"},
    "good": {"en": "good", "fa": "خوب"},
    "lost": {"en": "samples lost", "fa": "نمونهٔ ازدست‌رفته"},
    "battery": {"en": "battery", "fa": "باتری"},
    "intent": {"en": "Intent", "fa": "قصد"},
    "unsure": {"en": "unsure", "fa": "نامطمئن"},
    "sure": {"en": "sure", "fa": "اطمینان"},
    "state": {"en": "State", "fa": "وضعیت"},
    "cause": {"en": "Why", "fa": "علت"},
    "latency": {"en": "Latency: sample to command", "fa": "تأخیر: از نمونه تا فرمان"},
    "budget": {"en": "budget", "fa": "بودجه"},
    "events": {"en": "What happened", "fa": "چه رخ داد"},
    "decisions": {"en": "Decisions", "fa": "تصمیم‌ها"},
    "joints": {"en": "Joints", "fa": "مفصل‌ها"},
    "pair_title": {"en": "Pair this browser", "fa": "جفت‌کردن این مرورگر"},
    "theme": {"en": "Light or dark", "fa": "روشن یا تاریک"},
    "language": {"en": "Language", "fa": "زبان"},
    "history": {"en": "Tests so far", "fa": "آزمون‌های پیشین"},
    "report": {"en": "Report (PDF)", "fa": "گزارش (PDF)"},
    "begin_test": {"en": "Begin the test", "fa": "آغاز آزمون"},
    "test_fitts": {"en": "Reach the targets (Fitts)", "fa": "رسیدن به هدف‌ها (فیتس)"},
    "test_tac": {"en": "Hold the posture (TAC)", "fa": "نگه‌داشتن حالت (TAC)"},
    "test_motion": {"en": "Make the gestures (motion test)", "fa": "انجام حرکت‌ها (آزمون حرکت)"},
    "test_needs_run": {
        "en": "A test needs a run that decides: drive the hand first.",
        "fa": "آزمون به اجرایی نیاز دارد که تصمیم می‌گیرد: نخست دست را برانید.",
    },
    "when": {"en": "When", "fa": "زمان"},
    "completion": {"en": "Completed", "fa": "انجام‌شده"},
    "figure": {"en": "Speed", "fa": "سرعت"},
    "efficiency": {"en": "Straightness", "fa": "راستی مسیر"},
    "wearer": {"en": "Wearer", "fa": "کاربر"},
    "nobody": {"en": "(the usual settings)", "fa": "(تنظیمات معمول)"},
    "next_run": {"en": "The next run uses it.", "fa": "اجرای بعدی از آن استفاده می‌کند."},
    "versions": {"en": "Versions", "fa": "نسخه‌ها"},
    "in_use": {"en": "in use", "fa": "در حال استفاده"},
    "use_again": {"en": "Use again", "fa": "استفادهٔ دوباره"},
    "export": {"en": "Export", "fa": "برون‌بری"},
    "import": {"en": "Import", "fa": "درون‌ریزی"},
    "slow": {
        "en": "The page is slow here; the hand is not.",
        "fa": "صفحه در اینجا کند است؛ دست نه.",
    },
}

STATES: dict[str, dict[str, str]] = {
    "watching": {"en": "looking, no hand", "fa": "تماشا، بدون دست"},
    "disarmed": {"en": "disarmed", "fa": "غیرفعال"},
    "arming": {"en": "arming", "fa": "در حال فعال‌شدن"},
    "armed": {"en": "ARMED", "fa": "فعال"},
    "hold": {"en": "holding still", "fa": "بی‌حرکت"},
    "letting go": {"en": "letting go", "fa": "در حال رهاکردن"},
    "fault": {"en": "fault", "fa": "خطا"},
    "emergency stop": {"en": "STOPPED", "fa": "متوقف"},
}
"""phase of the gate -> its name"""


def word(key: str, language: str) -> str:
    """The text; English where the language lacks it."""
    texts = WORDS[key]
    return texts.get(language, texts["en"])


def state_name(state: str, language: str) -> str:
    """The name of a phase of the gate; the phase itself where it has none."""
    texts = STATES.get(state, {})
    return texts.get(language, texts.get("en", state))
