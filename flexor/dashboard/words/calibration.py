"""What the calibration says."""

from __future__ import annotations

CALIBRATION: dict[str, dict[str, str]] = {
    "cal_which": {"en": "Which gestures?", "fa": "کدام حرکت‌ها؟"},
    "cal_repetitions": {"en": "Held", "fa": "نگه‌داشتن"},
    "cal_ramps": {"en": "Slowly up and down", "fa": "آهسته بالا و پایین"},
    "cal_follows": {"en": "Follow the target", "fa": "دنبال‌کردن هدف"},
    "cal_positions": {"en": "Arm", "fa": "بازو"},
    "cal_hanging": {"en": "hanging", "fa": "آویزان"},
    "cal_bent": {"en": "bent", "fa": "خم‌شده"},
    "cal_forward": {"en": "stretched forward", "fa": "رو به جلو"},
    "cal_arm": {"en": "Arm", "fa": "بازو"},
    "cal_position": {"en": "Arm {where}: {share} % right.", "fa": "بازو {where}: {share}٪ درست."},
    "cal_position_worst": {
        "en": "There {one} is taken for: {other} ({share} %). Repeat it with the arm so.",
        "fa": "آنجا {one} اشتباه با: {other} ({share}٪). با همین حالت بازو تکرار کنید.",
    },
    "cal_raised": {"en": "raised", "fa": "بالاگرفته"},
    "cal_takes": {"en": "Takes about {minutes} minutes.", "fa": "حدود {minutes} دقیقه طول می‌کشد."},
    "cal_hurry": {
        "en": "The simulated wearer need not take its time",
        "fa": "کاربر شبیه‌سازی‌شده شتاب کند",
    },
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
}

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
