"""When a sample was taken: its number over the rate, on an offset that follows slowly.

Arrivals jitter by 1 to 30 ms on USB and Bluetooth, samples do not. The earliest arrivals have the
least delay, so the offset goes down quickly to a sample that came earlier than thought, and up only
as fast as two clocks can drift apart.
"""

from __future__ import annotations

CRYSTAL = 0.0006
"""Share by which a clock with a crystal may be slow: 500 ppm (science 5.3, fault 8), and some; good
ones keep 100. With less the stamps of a slow device grow old by up to a second an hour, and losses
are seen that are none."""
CATCH_UP_N = 0.9
"""Samples by which the clock may be set back with each arrival: a chunk's first sample must come
after the last of the chunk before, however many there are in it."""


class SampleClock:
    """Stamps samples of one stream from their numbers and the arrivals of the newest."""

    def __init__(self, rate_hz: float, drift: float = CRYSTAL) -> None:
        """`drift`: share by which the device's clock may be slow. It is followed twice as fast."""
        self._rate_hz, self._drift = rate_hz, drift
        self._offset_s: float | None = None
        self._least_s = 0.0
        """offset by the earliest arrivals, towards which the clock goes"""
        self._last_n = 0

    def stamp(self, sample_n: int, at_s: float) -> float:
        """Monotonic seconds at which sample `sample_n` was taken; it has just arrived, at `at_s`.

        Call it with rising numbers. Always later than the stamp before; never later than `at_s`
        by more than a fraction of a millisecond, but for the moments after an early arrival.
        """
        seen_s = at_s - sample_n / self._rate_hz
        if self._offset_s is None:
            self._offset_s = self._least_s = seen_s
        drift_s = 2 * self._drift * (sample_n - self._last_n) / self._rate_hz
        self._least_s = min(seen_s, self._least_s + drift_s)
        self._offset_s += max(self._least_s - self._offset_s, -CATCH_UP_N / self._rate_hz)
        self._last_n = sample_n
        return self._offset_s + sample_n / self._rate_hz
