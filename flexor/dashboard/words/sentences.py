"""What the control loop and its neighbours say: English sentence -> Persian. The English is the
loop's own, and stays where a translation is missing; a test holds the table to what is said."""

from __future__ import annotations

_GATE = {
    "Nothing has been armed yet.": "هنوز چیزی فعال نشده است.",
    "Not armed: the hand does not answer; connect it.": "فعال نشد: دست پاسخ نمی‌دهد؛ وصلش کنید.",
    "Not armed: the hand is not idle; wait for it or connect again.": (
        "فعال نشد: دست آزاد نیست؛ صبر کنید یا دوباره وصل کنید."
    ),
    "Not armed: no samples come; connect the electrodes.": (
        "فعال نشد: نمونه‌ای نمی‌رسد؛ الکترودها را وصل کنید."
    ),
    "Not armed: the signal is poor; check the electrodes.": (
        "فعال نشد: سیگنال ضعیف است؛ الکترودها را بررسی کنید."
    ),
    "Not armed: relax the muscles for one second first.": (
        "فعال نشد: نخست یک ثانیه عضله‌ها را رها کنید."
    ),
    "Not armed: the hand spares a motor or its battery; let it recover, then clear.": (
        "فعال نشد: دست از موتور یا باتری محافظت می‌کند؛ صبر کنید، سپس توقف را رفع کنید."
    ),
    "At rest and healthy: the hand was asked to arm.": "آرام و سالم: از دست خواسته شد فعال شود.",
    "Not armed: the hand did not confirm; try again.": "فعال نشد: دست تأیید نکرد؛ دوباره بکوشید.",
    "The hand confirmed: it follows the wearer.": "دست تأیید کرد: از کاربر پیروی می‌کند.",
    "The wearer is at rest and all is well again: the hand follows.": (
        "کاربر آرام است و همه‌چیز دوباره خوب است: دست پیروی می‌کند."
    ),
    "A joint meets resistance: it is not driven further that way.": (
        "مفصلی به مانع رسیده است: در آن جهت پیش‌تر رانده نمی‌شود."
    ),
    "The joints that met resistance are free again.": "مفصل‌هایی که به مانع رسیدند دوباره آزادند.",
    "The decision is not sure enough: nothing new moves.": (
        "تصمیم به اندازهٔ کافی مطمئن نیست: حرکت تازه‌ای نمی‌شود."
    ),
    "The decisions are sure again: the hand follows.": "تصمیم‌ها دوباره مطمئن‌اند: دست پیروی می‌کند.",
    "The battery is low: the hand moves slower; charge it soon.": (
        "باتری کم است: دست کندتر حرکت می‌کند؛ زود شارژ کنید."
    ),
    "The battery is well again: the hand moves at full speed.": (
        "باتری دوباره خوب است: دست با سرعت کامل حرکت می‌کند."
    ),
    "The hand holds: the signal is poor; relax to go on.": (
        "دست نگه می‌دارد: سیگنال ضعیف است؛ برای ادامه آرام شوید."
    ),
    "The hand holds: the newest decision is too old; relax to go on.": (
        "دست نگه می‌دارد: تازه‌ترین تصمیم کهنه است؛ برای ادامه آرام شوید."
    ),
    "Disarmed: no fresh decision came.": "غیرفعال شد: تصمیم تازه‌ای نرسید.",
    "Disarmed: the source of samples is gone.": "غیرفعال شد: منبع نمونه‌ها رفته است.",
    "Disarmed: the battery was low for too long; charge it, then arm again.": (
        "غیرفعال شد: باتری دیرزمانی کم بود؛ شارژ کنید و دوباره فعال کنید."
    ),
    "The hand was frozen for so long that it opens slowly, as the wearer chose.": (
        "دست چنان دیر بی‌حرکت ماند که آهسته باز می‌شود، چنان‌که کاربر خواسته است."
    ),
    "Disarmed: the hand opened slowly after it had been frozen; arm again to go on.": (
        "غیرفعال شد: دست پس از بی‌حرکتی آهسته باز شد؛ برای ادامه دوباره فعال کنید."
    ),
    "Disarmed on request.": "به درخواست غیرفعال شد.",
    "Disarmed: the hand heard no setpoint in time and stopped itself.": (
        "غیرفعال شد: دست به‌موقع فرمانی نشنید و خود را نگه داشت."
    ),
    "Disarmed: the hand is no longer armed; it started again or was disarmed.": (
        "غیرفعال شد: دست دیگر فعال نیست؛ از نو آغاز کرد یا غیرفعالش کردند."
    ),
    "Disarmed: the button on the hand opens it; arm again to go on.": (
        "غیرفعال شد: دکمهٔ روی دست آن را باز می‌کند؛ برای ادامه دوباره فعال کنید."
    ),
    "Fault: the hand does not answer; check its cable and power, then clear.": (
        "خطا: دست پاسخ نمی‌دهد؛ سیم و برق را بررسی کنید، سپس رفع کنید."
    ),
    "Fault: the hand stopped itself to protect itself; clear to go on.": (
        "خطا: دست برای محافظت از خود ایستاد؛ برای ادامه رفع کنید."
    ),
    "Fault: a motor drew too much current and was cut off; free it, then clear.": (
        "خطا: جریان موتوری زیاد شد و قطع شد؛ آزادش کنید، سپس رفع کنید."
    ),
    "Fault: a motor is too hot and was cut off; let it cool, then clear.": (
        "خطا: موتوری داغ شد و قطع شد؛ بگذارید خنک شود، سپس رفع کنید."
    ),
    "Fault: the supply broke down and the motors were cut off; charge it, then clear.": (
        "خطا: برق افت کرد و موتورها قطع شدند؛ شارژ کنید، سپس رفع کنید."
    ),
    "Fault: a joint is driven open and does not move; free it, then clear.": (
        "خطا: مفصلی باز رانده می‌شود و نمی‌جنبد؛ آزادش کنید، سپس رفع کنید."
    ),
    "Fault: a command was not a number or did not fit the hand; clear to go on.": (
        "خطا: فرمانی عدد نبود یا به دست نمی‌خورد؛ برای ادامه رفع کنید."
    ),
    "Emergency stop on request; clear, then arm again.": (
        "توقف اضطراری به درخواست؛ رفع کنید، سپس دوباره فعال کنید."
    ),
    "Emergency stop at the hand; clear, then arm again.": (
        "توقف اضطراری روی دست؛ رفع کنید، سپس دوباره فعال کنید."
    ),
    "The hand was asked to leave the emergency stop.": "از دست خواسته شد از توقف اضطراری درآید.",
    "Still in emergency stop: the hand did not confirm; clear again.": (
        "هنوز در توقف اضطراری: دست تأیید نکرد؛ دوباره رفع کنید."
    ),
    "Cleared: arm again to go on.": "رفع شد: برای ادامه دوباره فعال کنید.",
    "No hand is connected.": "دستی وصل نیست.",
}
_HAND = {
    "The hand reports too much current in a motor: free the joint.": (
        "دست جریان زیاد یک موتور را گزارش می‌دهد: مفصل را آزاد کنید."
    ),
    "The hand reports that a motor is too hot: let it cool.": (
        "دست گزارش می‌دهد موتوری داغ است: بگذارید خنک شود."
    ),
    "The hand reports that its battery is low: charge it.": (
        "دست گزارش می‌دهد باتری‌اش کم است: شارژش کنید."
    ),
    "The hand reports that its supply breaks down: charge it.": (
        "دست گزارش می‌دهد برقش افت می‌کند: شارژش کنید."
    ),
    "The button on the hand opens it; arm again afterwards.": (
        "دکمهٔ روی دست آن را باز می‌کند؛ پس از آن دوباره فعال کنید."
    ),
}
_DOOR = {
    "This address is not this device's: use the one that it shows.": (
        "این نشانی از آنِ این دستگاه نیست: از آن‌که نشان می‌دهد استفاده کنید."
    ),
    "Another page asked for this.": "صفحهٔ دیگری این را خواست.",
    "That is not done this way.": "این کار از این راه انجام نمی‌شود.",
    "There is nothing here.": "اینجا چیزی نیست.",
    "That is too large.": "بیش از اندازه بزرگ است.",
    "Its length was not told.": "درازای آن گفته نشد.",
    "That could not be understood.": "فهمیده نشد.",
    "Too often: wait a minute.": "بیش از اندازه: یک دقیقه صبر کنید.",
    "Pair this browser first: scan the code on the device.": (
        "نخست این مرورگر را جفت کنید: کد روی دستگاه را بخوانید."
    ),
    "That code is wrong, was used, or is too old: ask the device for a new one.": (
        "کد نادرست، به‌کاررفته یا کهنه است: از دستگاه کد تازه بخواهید."
    ),
    "That was done already.": "این کار پیش‌تر انجام شد.",
    "Somebody else controls the hand: ask them to hand it over.": (
        "کنترل دست با دیگری است: از او بخواهید واگذار کند."
    ),
    "This browser shows a replay: leave it before you act on the hand.": (
        "این مرورگر بازپخش نشان می‌دهد: پیش از کار با دست از آن بیرون آیید."
    ),
    "Nothing runs: look at the electrodes or drive the hand, then record.": (
        "چیزی در حال اجرا نیست: الکترودها را ببینید یا دست را برانید، سپس ضبط کنید."
    ),
    "Nothing is recorded: begin a recording first.": "چیزی ضبط نمی‌شود: نخست ضبط را آغاز کنید.",
    "The run was begun with --record: it is recorded until the run ends.": (
        "این اجرا با ضبط آغاز شده است: تا پایان اجرا ضبط می‌شود."
    ),
    "It is being recorded: end the recording first.": "در حال ضبط است: نخست ضبط را پایان دهید.",
}
_SIGNAL = {
    "flat": "خاموش",
    "clipped": "بریده",
    "line": "نویز برق شهر",
    "noisy": "پرنویز",
    "bridged": "به‌هم‌پیوسته",
    "lifted": "بلندشده",
    "press the electrode, check the lead": "الکترود را فشار دهید، سیم را بررسی کنید",
    "lower the gain or move the electrode": "بهره را کم یا الکترود را جابه‌جا کنید",
    "move away from mains leads, check the reference electrode": (
        "از سیم‌های برق دور شوید، الکترود مرجع را بررسی کنید"
    ),
    "moisten the skin or tighten the band": "پوست را نمناک یا بند را محکم کنید",
    "dry the skin between the two electrodes": "پوست میان دو الکترود را خشک کنید",
    "press the electrode onto the skin, dry it, tighten the band": (
        "الکترود را به پوست فشار دهید، خشکش کنید، بند را محکم کنید"
    ),
}
PERSIAN: dict[str, str] = {**_GATE, **_HAND, **_DOOR, **_SIGNAL}
SENTENCES: dict[str, dict[str, str]] = {"fa": PERSIAN}
"""language -> sentence of the loop -> its translation"""
