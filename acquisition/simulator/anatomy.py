"""Which muscles a forearm has, what each gesture asks of them, and how people differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acquisition.myo_files import MYO_GESTURES

Floats = NDArray[np.float64]

GESTURES = MYO_GESTURES
"""What the virtual wearer can do."""


@dataclass(frozen=True)
class Muscle:
    """One forearm muscle, as an average adult has it."""

    name: str
    from_turn: float
    """Where its cross-section begins around the forearm, as a share of a turn."""
    to_turn: float
    units_n: int
    """Motor units."""
    depth_mm: tuple[float, float]
    """Shallowest and deepest motor unit below the fascia."""


# Angles, unit counts and depths (7..23 mm): the forearm of NeuroMotion (Ma 2024). Two are not in
# it: the radial wrist flexor, for which palmaris longus is widened, and the muscles between it
# and the extensors, whose place and count are chosen.
MUSCLES = (
    Muscle("flexor carpi radialis", 0.03, 0.14, 164, (7.0, 20.0)),
    Muscle("flexor digitorum", 0.13, 0.25, 158, (9.0, 22.0)),
    Muscle("brachioradialis and pronator", 0.27, 0.40, 160, (7.0, 20.0)),
    Muscle("extensor carpi radialis longus", 0.42, 0.51, 204, (7.0, 20.0)),
    Muscle("extensor carpi radialis brevis", 0.49, 0.60, 186, (7.0, 20.0)),
    Muscle("extensor digitorum", 0.57, 0.69, 186, (7.0, 20.0)),
    Muscle("extensor carpi ulnaris", 0.70, 0.79, 180, (7.0, 20.0)),
    Muscle("flexor carpi ulnaris", 0.80, 0.99, 422, (7.0, 20.0)),
)

# Drive of each muscle (columns as MUSCLES) when a gesture is made with full effort, as a share
# of its own greatest drive. Fitted, then rounded: at half the effort an average forearm shows the
# mean RMS of each gesture at each electrode of the MyoArmbandDataset (Côté-Allard 2019, 31 people).
SYNERGIES: dict[str, tuple[float, ...]] = {
    #                    FCR   FDS   BR/PT ECRL  ECRB  EDC   ECU   FCU
    "rest": (0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00),
    "radial_deviation": (0.35, 0.55, 0.45, 0.75, 0.55, 0.40, 0.03, 0.08),
    "wrist_flexion": (0.65, 0.75, 0.25, 0.03, 0.25, 0.04, 0.20, 0.65),
    "ulnar_deviation": (0.12, 0.15, 0.12, 0.03, 0.25, 0.75, 0.75, 0.55),
    "wrist_extension": (0.08, 0.20, 0.12, 0.95, 0.65, 1.00, 0.50, 0.12),
    "hand_close": (0.55, 0.65, 0.45, 0.45, 0.35, 0.12, 0.40, 0.45),
    "hand_open": (0.15, 0.25, 0.25, 0.55, 0.25, 1.00, 0.35, 0.40),
}
TONE = (0.01, 0.01, 0.05, 0.04, 0.02, 0.03, 0.0, 0.0)
"""Drive that is left at rest, from the same fit: the extensors carry the hand."""


@dataclass(frozen=True)
class Person:
    """One virtual user's forearm. Arrays follow MUSCLES."""

    radius_mm: float
    fat_mm: float
    """Skin and fat over the fascia."""
    velocity_m_s: float
    """Mean conduction velocity of a rested muscle fibre."""
    turn: Floats
    """(muscle,) middle of each muscle, in turns"""
    width: Floats
    """(muscle,) how far it reaches around the forearm, in turns"""
    depth_mm: Floats
    """(muscle, 2) shallowest and deepest unit below the fascia"""
    units_n: tuple[int, ...]
    synergy: Floats
    """(gesture, muscle) drive at full effort"""
    tone: Floats
    """(muscle,) drive that is left at rest"""
    wear_deg: float
    """How far round this person is used to wear the electrodes."""
    innervation_mm: Floats
    """(muscle,) innervation zone, along the arm from the electrodes, distal positive"""


@dataclass(frozen=True)
class Donning:
    """How the electrodes sit after they were put on once."""

    turn_deg: float
    slide_mm: float
    """Along the arm, distal positive."""
    gain: Floats
    """(electrode pair,)"""
    noise: float
    """Factor on the thermal noise: how well the skin contact is."""


def person(user: int) -> Person:
    """The same forearm for the same number, on any day.

    Fat spans 1..10 mm as it does between adults; radius, angles (about 5 degrees), depth, unit
    counts and velocity spread as people do in NeuroMotion (Ma 2024). How far synergies differ
    between people is set so that a linear classifier trained on other people loses about as
    much here as it does on the MyoArmbandDataset.
    """
    rng = np.random.default_rng([101, user])
    n = len(MUSCLES)
    begin = np.array([m.from_turn for m in MUSCLES])
    end = np.array([m.to_turn for m in MUSCLES])
    depth = np.array([m.depth_mm for m in MUSCLES]) * np.exp(rng.normal(0, 0.12, (n, 1)))
    full = np.array([SYNERGIES[g] for g in GESTURES])
    synergy = full * np.exp(rng.normal(0, 0.40, full.shape))
    synergy += (full.max(axis=1, keepdims=True) > 0) * rng.exponential(0.05, full.shape)
    counts = np.array([m.units_n for m in MUSCLES]) * np.exp(rng.normal(0, 0.15, n))
    return Person(
        radius_mm=float(np.clip(rng.normal(38, 3.5), 30, 46)),
        fat_mm=float(np.clip(3 * np.exp(rng.normal(0, 0.45)), 1, 10)),
        velocity_m_s=float(np.clip(rng.normal(4.4, 0.15), 4.0, 4.8)),
        turn=(begin + end) / 2 + rng.normal(0, 0.014, n),
        width=(end - begin) * np.exp(rng.normal(0, 0.12, n)),
        depth_mm=depth,
        units_n=tuple(round(c) for c in counts),
        synergy=np.minimum(synergy, 1.0),
        tone=np.maximum(0.0, np.array(TONE) + rng.normal(0, 0.02, n)),
        wear_deg=float(rng.normal(0, 15)),
        innervation_mm=rng.normal(-15, 8, n),
    )


def donning(user: int, session: int, pairs_n: int) -> Donning:
    """How user's electrodes sit in that session: a few degrees and millimetres off, new contact."""
    rng = np.random.default_rng([102, user, session])
    return Donning(
        turn_deg=float(rng.normal(0, 4)),
        slide_mm=float(rng.normal(0, 3)),
        gain=np.exp(rng.normal(0, 0.06, pairs_n)),
        noise=float(np.exp(rng.normal(0, 0.25))),
    )
