"""The head's priors, from the windows of many users: in closed form, in a second."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acquisition.stream import Refused
from models.calibrate import factors_of
from models.head import Head, Matrix, of_one_view
from preprocessing.bands import ring_turns

DIMENSIONS = 40
"""Of 72, 40 and 24 the fewest that lose nothing on the pre-training users."""
SHRINK = 0.05
SHIFT_SHRINK = 0.3
"""The shift's covariance is told from as many sessions as there are users: few."""
OF_ITS_OWN = 0.5
"""Share of a gesture's own scatter in the scatter that decisions assume for it."""
ALIGNING = 3
"""Rounds in which each user is turned to where the others' gestures explain the labels best."""
EVERY = 4
"""Neighbouring windows share nearly all samples: one in so many is enough for that."""

Views = Sequence[tuple[int, int]]
"""(features, dimensions) of each view"""


@dataclass(frozen=True, eq=False)
class Session:
    """The windows of one user's session."""

    features: NDArray[np.float32]
    """(window, feature) in stream order"""
    gestures: NDArray[np.int64]
    """(window,) index into the labels; -1 where a window spans two gestures"""


def fit_head(
    sessions: Sequence[Session],
    gestures_n: int,
    block_windows: int,
    ring_n: int = 0,
    dimensions_n: int = DIMENSIONS,
    views: Views = (),
) -> Head:
    """The head of a wearer of whom nothing is known yet.

    Each session counts as one user; two are the least. ring_n: electrodes of a ring that may be
    worn turned, 0 where they keep their places. views: (features, dimensions) of each of several
    views of a window that stand side by side in the features; each is projected for itself, and
    scatters for itself. Refuses a session that lacks a gesture, and views of other features.
    """
    if len(sessions) < 2:
        raise Refused(f"A head needs the sessions of at least 2 users, not {len(sessions)}.")
    for n, session in enumerate(sessions):
        if set(range(gestures_n)) - set(session.gestures.tolist()):
            raise Refused(f"Session {n} of the head's training lacks a gesture of {gestures_n}.")
    features_n = sessions[0].features.shape[1]
    views = views or ((features_n, dimensions_n),)
    if sum(n for n, _ in views) != features_n:
        raise Refused(
            f"The views {tuple(views)} of a head's training do not hold its {features_n} features."
        )
    if ring_n:
        sessions = aligned(sessions, gestures_n, ring_n)
    windows = [_centred(s.features, s.gestures, gestures_n) for s in sessions]
    blocks = [_centred(*_in_blocks(s, block_windows), gestures_n) for s in sessions]
    scatter = np.concatenate([away for _, away, _ in windows])
    owners = np.concatenate([held for _, _, held in windows])
    centres = np.stack([means for means, _, _ in windows])
    shifts = centres.mean(axis=1)
    shapes = centres - shifts[:, None]
    usual, shift = shapes.mean(axis=0), shifts.mean(axis=0)
    project = _in_views(np.concatenate([away for _, away, _ in blocks]), shapes, views)
    apart = (shapes - usual) @ project
    n = project.shape[1]
    voices = apart.reshape(len(sessions), -1) / np.sqrt(len(sessions) - 1)
    _, size, direction = np.linalg.svd(voices, full_matrices=False)
    kept = max(1, len(sessions) - 1)
    voices = (size[:, None] * direction)[:kept].reshape(kept, gestures_n, n)
    return Head(
        projection=project,
        offset=-(shift @ project),
        shift=np.zeros(n),
        shift_covariance=_shrunk(np.cov(((shifts - shift) @ project).T), SHIFT_SHRINK),
        means=usual @ project,
        voices=voices,
        factors=_factors(
            scatter @ project, owners, gestures_n, of_one_view([min(view) for view in views])
        ),
        ring_n=ring_n,
        **(_for_turns([(out, held) for _, out, held in blocks], shapes, shift) if ring_n else {}),
    )


def _for_turns(
    blocks: Sequence[tuple[Matrix, NDArray[np.int64]]], shapes: Matrix, shift: Matrix
) -> dict[str, Any]:
    """The head's fields for finding the turn; blocks: (distances from the user's means, gestures)
    of each user."""
    usual = shapes.mean(axis=0)
    pairs = zip(blocks, shapes, strict=True)
    away = np.concatenate([out + (shape - usual)[held] for (out, held), shape in pairs])
    values, vectors = np.linalg.eigh(_shrunk(away.T @ away / len(away), SHRINK))
    spread = vectors / np.sqrt(values)
    return {"turn_spread": spread, "turn_means": usual @ spread, "turn_shift": shift @ spread}


def aligned(sessions: Sequence[Session], gestures_n: int, ring_n: int) -> list[Session]:
    """The sessions, each turned to where the others explain its labels best."""
    turns, chosen = ring_turns(ring_n), [0] * len(sessions)
    known = [s.gestures >= 0 for s in sessions]
    shifted = [
        s.features - s.features[k].mean(axis=0) for s, k in zip(sessions, known, strict=True)
    ]
    for _ in range(ALIGNING):
        for i, session in enumerate(sessions):
            others = [
                (shifted[j][known[j]][::EVERY, turns[chosen[j]]], s.gestures[known[j]][::EVERY])
                for j, s in enumerate(sessions)
                if j != i
            ]
            weights, offsets = _linear(others, gestures_n)
            x, held = shifted[i][known[i]], session.gestures[known[i]]
            right = [
                float(((x[:, turn] @ weights + offsets).argmax(axis=1) == held).mean())
                for turn in turns
            ]
            best = int(np.argmax(right))
            chosen[i] = best if right[best] > right[0] else 0
    return [
        Session(s.features[:, turns[turn]], s.gestures)
        for s, turn in zip(sessions, chosen, strict=True)
    ]


def _linear(
    parts: Sequence[tuple[NDArray[np.float32], NDArray[np.int64]]], gestures_n: int
) -> tuple[Matrix, Matrix]:
    """(weights (feature, gesture), offsets (gesture,)) of a linear discriminant."""
    features = np.concatenate([f for f, _ in parts])
    held = np.concatenate([g for _, g in parts])
    means, away, _ = _centred(features, held, gestures_n)
    weights = np.linalg.solve(_shrunk(away.T @ away / len(away), SHRINK), means.T)
    return weights, -0.5 * np.einsum("kd,dk->k", means, weights)


def _in_blocks(
    session: Session, block_windows: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """(blocks (block, feature), gesture of each or -1 where it holds more than one)."""
    n = len(session.features) // block_windows
    x = session.features[: n * block_windows].reshape(n, block_windows, -1).mean(axis=1)
    held = session.gestures[: n * block_windows].reshape(n, block_windows)
    return x, np.where((held == held[:, :1]).all(axis=1), held[:, 0], -1)


def _centred(
    x: NDArray[Any], held: NDArray[np.int64], gestures_n: int
) -> tuple[Matrix, Matrix, NDArray[np.int64]]:
    """(means (gesture, feature), distances from them, gestures) of what has a gesture."""
    x, held = x[held >= 0].astype(np.float64), held[held >= 0]
    means = np.stack([x[held == k].mean(axis=0) for k in range(gestures_n)])
    return means, x - means[held], held


def _projection(scatter: Matrix, shapes: Matrix, dimensions_n: int) -> Matrix:
    """(feature, dimension): makes the scatter of blocks I, and keeps the directions in which
    gestures differ, within users and among them."""
    values, vectors = np.linalg.eigh(_shrunk(scatter.T @ scatter / len(scatter), SHRINK))
    white = vectors / np.sqrt(values)
    usual = shapes.mean(axis=0)
    apart = np.concatenate([usual, *(shapes - usual)]) @ white
    _, directions = np.linalg.eigh(apart.T @ apart)
    return np.asarray(white @ directions[:, ::-1][:, :dimensions_n])


def _in_views(scatter: Matrix, shapes: Matrix, views: Views) -> Matrix:
    """(feature, dimension): each view's own projection, 0 between them."""
    features_n = scatter.shape[1]
    parts = []
    first = 0
    for size, dimensions_n in views:
        part = slice(first, first + size)
        found = _projection(scatter[:, part], shapes[:, :, part], dimensions_n)
        whole = np.zeros((features_n, found.shape[1]))
        whole[part] = found
        parts.append(whole)
        first += size
    return np.concatenate(parts, axis=1)


def _factors(
    scatter: Matrix, held: NDArray[np.int64], gestures_n: int, together: NDArray[np.bool_]
) -> Matrix:
    shared = _shrunk(scatter.T @ scatter / len(scatter), SHRINK)
    mixed = []
    for k in range(gestures_n):
        x = scatter[held == k]
        own = _shrunk(x.T @ x / len(x), SHRINK)
        mixed.append(np.where(together, (1 - OF_ITS_OWN) * shared + OF_ITS_OWN * own, 0.0))
    return factors_of(mixed)


def _shrunk(covariance: Matrix, share: float) -> Matrix:
    n = len(covariance)
    return np.asarray((1 - share) * covariance + share * np.trace(covariance) / n * np.eye(n))
