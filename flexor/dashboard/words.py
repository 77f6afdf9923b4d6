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
    "cal_which": {"en": "Which gestures?", "fa": "کدام حرکت‌ها؟"},
    "cal_repetitions": {"en": "Held", "fa": "نگه‌داشتن"},
    "cal_ramps": {"en": "Slowly up and down", "fa": "آهسته بالا و پایین"},
    "cal_follows": {"en": "Follow the target", "fa": "دنبال‌کردن هدف"},
    "cal_positions": {"en": "Arm", "fa": "بازو"},
    "cal_hanging": {"en": "hanging", "fa": "آویزان"},
    "cal_bent": {"en": "bent", "fa": "خم‌شده"},
    "cal_raised": {"en": "raised", "fa": "بالاگرفته"},
    "cal_takes": {"en": "Takes about {minutes} minutes.", "fa": "حدود {minutes} دقیقه طول می‌کشد."},
    "cal_begin": {"en": "Begin the calibration", "fa": "آغاز کالیبراسیون"},
    "cal_resume": {"en": "Go on with the one broken off", "fa": "ادامهٔ کالیبراسیون نیمه‌تمام"},
    "cal_pause": {"en": "Pause or go on", "fa": "مکث یا ادامه"},
    "cal_end": {"en": "Break off", "fa": "قطع"},
    "cal_tones": {"en": "Tones", "fa": "صداها"},
    "cal_picture": {"en": "The gesture that is asked for", "fa": "حرکت خواسته‌شده"},
    "cal_feedback": {"en": "How they are told apart", "fa": "تشخیص حرکت‌ها از هم"},
    "cal_shapes": {"en": "The shape of each gesture", "fa": "شکل هر حرکت"},
    "cal_try": {"en": "Fit and try", "fa": "برازش و امتحان"},
    "cal_nothing_yet": {"en": "Nothing yet.", "fa": "هنوز چیزی نیست."},
    "cal_confused": {"en": "{share} % taken for: {other}", "fa": "{share}٪ اشتباه با: {other}"},
    "cal_nearest": {
        "en": "Hardest to tell apart: {one} and {other} ({apart} deviations)",
        "fa": "سخت‌ترین تشخیص: {one} و {other} (فاصلهٔ {apart})",
    },
    "cal_repeat": {"en": "Repeat", "fa": "تکرار"},
    "cal_fit": {"en": "Fit", "fa": "برازش"},
    "cal_fitted": {
        "en": "Fitted in {seconds} s. Right on the last repetition, held out: {share} %",
        "fa": "برازش در {seconds} ثانیه. درستی در آخرین تکرار کنارگذاشته: {share}٪",
    },
    "cal_weak": {
        "en": "{gesture}: too even for levels; its full strength is used",
        "fa": "{gesture}: برای سطح‌بندی یکنواخت است؛ تمام نیرو به کار می‌رود",
    },
    "cal_simulated": {
        "en": "Let the simulated wearer make:",
        "fa": "کاربر شبیه‌سازی‌شده انجام دهد:",
    },
    "cal_keep": {"en": "Keep", "fa": "نگه‌داری"},
    "cal_discard": {"en": "Discard", "fa": "دورانداختن"},
    "cal_kept": {"en": "Kept: {name}, version {n}", "fa": "نگه داشته شد: {name}، نسخهٔ {n}"},
    "cal_rest": {"en": "Rest", "fa": "آرام"},
    "cal_ready": {"en": "Next:", "fa": "بعدی:"},
    "cal_now": {"en": "Now:", "fa": "اکنون:"},
    "cal_done": {"en": "All contractions are made: fit.", "fa": "همه انجام شد: برازش کنید."},
    "cal_paused": {"en": "Paused", "fa": "مکث"},
    "cal_good": {"en": "good", "fa": "خوب"},
    "cal_fitting": {"en": "Fitting …", "fa": "در حال برازش …"},
    "virtual_wearer": {"en": "The simulated wearer does it", "fa": "کاربر شبیه‌سازی‌شده انجام دهد"},
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

GESTURES: dict[str, dict[str, str]] = {
    "rest": {"en": "Rest", "fa": "آرام"},
    "hand_close": {"en": "Close the hand", "fa": "بستن دست"},
    "hand_open": {"en": "Open the hand", "fa": "بازکردن دست"},
    "wrist_flexion": {"en": "Bend the wrist inwards", "fa": "خم‌کردن مچ به درون"},
    "wrist_extension": {"en": "Bend the wrist outwards", "fa": "خم‌کردن مچ به بیرون"},
    "radial_deviation": {"en": "Wrist towards the thumb", "fa": "مچ به سوی شست"},
    "ulnar_deviation": {"en": "Wrist towards the little finger", "fa": "مچ به سوی انگشت کوچک"},
}
"""gesture -> its name; those that a hand has usual grips for"""

REASONS: dict[str, dict[str, str]] = {
    "flat": {
        "en": "Channel {what} said nothing: press the electrode and check its lead.",
        "fa": "کانال {what} خاموش بود: الکترود را فشار دهید و سیم را بررسی کنید.",
    },
    "clipped": {
        "en": "Channel {what} was cut off: contract more gently, or move the electrode.",
        "fa": "کانال {what} بریده شد: آرام‌تر منقبض کنید یا الکترود را جابه‌جا کنید.",
    },
    "noisy": {
        "en": "Channel {what} is noisy at rest: moisten the skin or tighten the band.",
        "fa": "کانال {what} در آرامش نویز دارد: پوست را نمناک یا بند را محکم کنید.",
    },
    "weak": {
        "en": "Too weak beside rest: contract more firmly.",
        "fa": "نسبت به آرامش ضعیف بود: محکم‌تر منقبض کنید.",
    },
    "early": {
        "en": "Began before the prompt: relax until you are asked.",
        "fa": "پیش از فرمان آغاز شد: تا فرمان آرام بمانید.",
    },
    "late": {
        "en": "Began late ({what} s): begin with the prompt.",
        "fa": "دیر آغاز شد ({what} ثانیه): با فرمان آغاز کنید.",
    },
    "short": {
        "en": "Let go too early: hold it until the bar is full.",
        "fa": "زود رها شد: تا پرشدن نوار نگه دارید.",
    },
    "unlike": {
        "en": "Looked like: {what}. Make it as the other times.",
        "fa": "شبیه {what} بود: مانند دفعه‌های دیگر انجام دهید.",
    },
}
"""why a contraction is asked for again (flexor.calibration_check) -> the sentence"""


def gesture_name(gesture: str, language: str) -> str:
    """The name of a gesture; its own word where it has none."""
    texts = GESTURES.get(gesture, {})
    return texts.get(language, texts.get("en", gesture))


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
