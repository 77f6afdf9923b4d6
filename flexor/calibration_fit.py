"""The closed-form part of a calibration: what tells the gestures apart, and which are confused.

A linear discriminant with one shared, shrunk covariance: for a minute of signal nothing that is
fitted on a device does better, and it takes milliseconds. Pure; no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flexor.calibration_look import Look
from preprocessing.stage import Array

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

SHRINK = 0.1
"""Towards equal scatter in all directions, as models.calibrate."""
TEMPERATURES = (1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 13.0, 20.0)
"""Windows of one repetition resemble each other, so the discriminant is too sure of itself; the one
under which held-out repetitions are likeliest is taken."""
CONFUSED_SHARE = 0.1
"""Of a gesture's held-out windows: told to the wearer from there on."""


@dataclass(frozen=True, eq=False)
class Windowed:
    """Windows with their labels, of all takes."""

    features: Array
    """(window, feature)"""
    gestures: Labels
    """(window,) index into the labels, rest is 0"""
    group: Labels
    """(window,) which repetition of the whole calibration; those of one are held out together"""
    levels: Floats
    """(window,)"""
    power: Floats
    """(window, channel)"""
    repetitions: Labels
    """(window,) which contraction, or rest before one"""


@dataclass(frozen=True, eq=False)
class Linear:
    """Logits of features: features @ weights + offsets."""

    weights: Floats
    """(feature, gesture)"""
    offsets: Floats
    """(gesture,)"""

    def logits(self, features: Array) -> Floats:
        return np.asarray(features.astype(np.float64) @ self.weights + self.offsets)


@dataclass(frozen=True)
class Report:
    """How well the gestures are told apart, so far."""

    labels: tuple[str, ...]
    accuracy: float | None
    """share of windows decided rightly, each by what the other repetitions taught; the mean over
    gestures. None with fewer than two repetitions"""
    per_gesture: dict[str, float]
    confused: tuple[tuple[str, str, float], ...]
    """(asked, decided, share), the worst first"""
    nearest: tuple[str, str, float] | None
    """the two that are hardest to tell apart, and how many deviations lie between them; None with
    fewer than two repetitions"""
    positions: dict[str, tuple[float, tuple[str, str, float] | None]]
    """position of the arm -> (share of windows decided rightly in it, its worst confusion as
    (asked, decided, share)); {} with one position, where it would tell nothing new"""
    spider: dict[str, tuple[float, ...]]
    """gesture -> (channel,) 0 .. 1: how far each channel rises above rest, of the most that any
    channel does in any gesture"""


def windowed(looks: Sequence[Look], labels: Sequence[str], *, resting: bool = True) -> Windowed:
    """The usable windows of all looks, in their order; labels[0] is rest."""
    keys = sorted({(look.task.position, look.task.repetition) for look in looks})
    parts: list[tuple[NDArray[np.intp], int, int, Look, int]] = []
    for n, look in enumerate(looks):
        group = keys.index((look.task.position, look.task.repetition))
        if resting:
            parts.append((np.flatnonzero(look.resting), 0, group, look, 2 * n))
        own = labels.index(look.task.gesture)
        parts.append((np.flatnonzero(look.held), own, group, look, 2 * n + 1))
    return Windowed(
        np.concatenate([look.features[at] for at, _, _, look, _ in parts]),
        np.concatenate([np.full(len(at), label) for at, label, _, _, _ in parts]),
        np.concatenate([np.full(len(at), group) for at, _, group, _, _ in parts]),
        np.concatenate([look.levels[at] for at, _, _, look, _ in parts]),
        np.concatenate([look.power[at] for at, _, _, look, _ in parts]),
        np.concatenate([np.full(len(at), n) for at, _, _, _, n in parts]),
    )


def discriminant(features: Array, gestures: Labels, labels_n: int) -> Linear:
    """The linear discriminant; every gesture counts alike, however many windows it has. A gesture
    without windows is never decided."""
    x = features.astype(np.float64)
    means = np.zeros((labels_n, x.shape[1]))
    scatter = np.zeros((x.shape[1], x.shape[1]))
    there = [k for k in range(labels_n) if (gestures == k).any()]
    for k in there:
        own = x[gestures == k]
        means[k] = own.mean(axis=0)
        away = own - means[k]
        scatter += away.T @ away / len(own) / len(there)
    n = len(scatter)
    spread = float(np.trace(scatter)) / n or 1.0
    weights = np.linalg.solve((1 - SHRINK) * scatter + SHRINK * spread * np.eye(n), means.T)
    offsets = -0.5 * np.einsum("kd,dk->k", means, weights)
    offsets[[k for k in range(labels_n) if k not in there]] = -1e3
    return Linear(weights, offsets)


def held_out(x: Windowed, labels_n: int) -> tuple[Floats, NDArray[np.bool_]]:
    """((window, gesture) logits by what the other repetitions taught, (window,) whether there were
    any): leave-one-repetition-out."""
    logits = np.zeros((len(x.gestures), labels_n))
    told = np.zeros(len(x.gestures), bool)
    for group in np.unique(x.group):
        out = x.group == group
        if out.all():
            continue
        taught = np.isin(x.gestures, x.gestures[~out])
        fitted = discriminant(x.features[~out], x.gestures[~out], labels_n)
        logits[out] = fitted.logits(x.features[out])
        told |= out & taught
    return logits, told


def temperature(logits: Floats, gestures: Labels) -> float:
    """The one of TEMPERATURES under which these held-out logits are likeliest."""
    if not len(logits):
        return TEMPERATURES[-1]

    def surprise(divisor: float) -> float:
        soft = logits / divisor
        top = soft.max(axis=1)
        whole = top + np.log(np.exp(soft - top[:, None]).sum(axis=1))
        return float((whole - soft[np.arange(len(soft)), gestures]).mean())

    return min(TEMPERATURES, key=surprise)


def report(looks: Sequence[Look], labels: Sequence[str]) -> Report:
    """What there is to say after these looks (one or more); labels[0] is rest."""
    x = windowed(looks, labels)
    logits, told = held_out(x, len(labels))
    decided, asked = logits.argmax(axis=1)[told], x.gestures[told]
    table = np.zeros((len(labels), len(labels)))
    np.add.at(table, (asked, decided), 1.0)
    totals = table.sum(axis=1)
    shares = table / np.maximum(totals, 1.0)[:, None]
    seen = [k for k in range(len(labels)) if totals[k]]
    wrong = [
        (labels[i], labels[j], round(float(shares[i, j]), 4))
        for i in seen
        for j in range(len(labels))
        if i != j and shares[i, j] >= CONFUSED_SHARE
    ]
    return Report(
        tuple(labels),
        round(float(np.mean([shares[k, k] for k in seen])), 4) if seen else None,
        {labels[k]: round(float(shares[k, k]), 4) for k in seen},
        tuple(sorted(wrong, key=lambda row: -row[2])),
        nearest(x, labels) if seen else None,
        by_position(looks, x.group[told], asked, decided, labels),
        spider(x, labels),
    )


def by_position(
    looks: Sequence[Look], group: Labels, asked: Labels, decided: Labels, labels: Sequence[str]
) -> dict[str, tuple[float, tuple[str, str, float] | None]]:
    """How right the decisions were in each position of the arm; see Report."""
    keys = sorted({(look.task.position, look.task.repetition) for look in looks})
    places = list(dict.fromkeys(look.task.position for look in looks))
    if len(places) < 2:
        return {}
    found: dict[str, tuple[float, tuple[str, str, float] | None]] = {}
    for place in places:
        here = np.isin(group, [n for n, key in enumerate(keys) if key[0] == place])
        table = np.zeros((len(labels), len(labels)))
        np.add.at(table, (asked[here], decided[here]), 1.0)
        seen = np.flatnonzero(table.sum(axis=1))
        if not len(seen):
            continue
        shares = table / np.maximum(table.sum(axis=1), 1.0)[:, None]
        right = float(shares[seen, seen].mean())
        np.fill_diagonal(shares, 0.0)
        i, j = divmod(int(shares.argmax()), len(labels))
        worst = (labels[i], labels[j], round(float(shares[i, j]), 4))
        found[place] = (round(right, 4), worst if worst[2] >= CONFUSED_SHARE else None)
    return found


def nearest(x: Windowed, labels: Sequence[str]) -> tuple[str, str, float] | None:
    """The two gestures with the smallest Mahalanobis distance between their means."""
    there = [k for k in range(len(labels)) if (x.gestures == k).any()]
    if len(there) < 2:
        return None
    means = np.stack([x.features[x.gestures == k].mean(axis=0) for k in there]).astype(np.float64)
    fitted = discriminant(x.features, x.gestures, len(labels))
    # weights = covariance^-1 means, so that the distance needs no inverse of its own
    apart = means @ fitted.weights[:, there]
    own = np.diagonal(apart)
    squares = own[:, None] + own[None] - apart - apart.T
    pairs = [(squares[i, j], i, j) for i in range(len(there)) for j in range(i)]
    square, i, j = min(pairs)
    return labels[there[j]], labels[there[i]], round(float(np.sqrt(max(square, 0.0))), 2)


def spider(x: Windowed, labels: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """Gesture -> (channel,) of its shape; see Report."""
    level = {
        label: np.sqrt(x.power[x.gestures == k]).mean(axis=0)
        for k, label in enumerate(labels)
        if (x.gestures == k).any()
    }
    rest = level.pop(labels[0], np.zeros(x.power.shape[1]))
    most = max((float((row - rest).max()) for row in level.values()), default=0.0)
    return {
        label: tuple(round(float(v), 3) for v in np.clip((row - rest) / (most or 1.0), 0.0, 1.0))
        for label, row in level.items()
    }
