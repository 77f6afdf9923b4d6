"""A device with an inertial unit: the virtual arm, and a second stream that counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from acquisition.stream import Chunk, Counts, Source, Spec
from acquisition.synthetic import open_synthetic

MOTION_SPEC = Spec(50.0, ("accel_x_g", "gyro_z_deg_s"), "named", 1.0)


class MovingArm:
    """Motion row n is (n, -n); `lose` rows are missing before the one with number `lose_at`."""

    def __init__(self, emg: Source, lose_at: int = -1, lose: int = 0) -> None:
        self._emg, self._lose_at, self._lose = emg, lose_at, lose
        self.counts = Counts()
        self.motion_spec: Spec | None = MOTION_SPEC
        self._waiting: list[Chunk] = []
        self._told_n = 0

    @property
    def spec(self) -> Spec:
        return self._emg.spec

    def start(self) -> None:
        self._emg.start()

    def read(self, timeout_s: float) -> Chunk | None:
        chunk = self._emg.read(timeout_s)
        if chunk is not None:
            self.counts.samples += len(chunk.samples)
            due_n = self.counts.samples // 4
            while self._told_n < due_n:
                self._tell(chunk.clock_s)
        return None if chunk is None else replace(chunk, markers=())

    def _tell(self, clock_s: float) -> None:
        n = self._told_n
        lost = self._lose if n == self._lose_at else 0
        row = np.array([[n, -n]], np.float32)
        self._waiting.append(Chunk(row, clock_s, lost))
        self._told_n += 1

    def take_motion(self) -> list[Chunk]:
        taken, self._waiting = self._waiting, []
        return taken

    def stop(self) -> None:
        self._emg.stop()


def moving_arm(seconds: float, **settings: Any) -> MovingArm:
    """As fast as it is read."""
    return MovingArm(open_synthetic(seconds=seconds, fast=True), **settings)
