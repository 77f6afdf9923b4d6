"""The movements of the NinaPro exercises A, B, C and D, by their numbers.

Atzori et al., Scientific Data 1:140053, 2014, figure 2 and table 4. Words are ours where we have
one for the same movement.
"""

from __future__ import annotations

FINGERS = (  # A
    "index_flexion",
    "index_extension",
    "middle_flexion",
    "middle_extension",
    "ring_flexion",
    "ring_extension",
    "little_flexion",
    "little_extension",
    "thumb_adduction",
    "thumb_abduction",
    "thumb_flexion",
    "thumb_extension",
)
HANDS = (  # B
    "thumb_up",
    "index_middle_extension",
    "ring_little_flexion",
    "thumb_to_little",
    "hand_open",
    "hand_close",
    "point",
    "fingers_together",
    "supination",
    "pronation",
    "supination_about_little",
    "pronation_about_little",
    "wrist_flexion",
    "wrist_extension",
    "radial_deviation",
    "ulnar_deviation",
    "wrist_extension_closed",
)
GRASPS = (  # C
    "large_diameter",
    "small_diameter",
    "fixed_hook",
    "index_extension_grasp",
    "medium_wrap",
    "ring_grasp",
    "prismatic_four_finger",
    "stick",
    "writing_tripod",
    "power_sphere",
    "three_finger_sphere",
    "precision_sphere",
    "tripod",
    "prismatic_pinch",
    "tip_pinch",
    "quadpod",
    "lateral",
    "parallel_extension",
    "extension_type",
    "power_disk",
    "open_bottle",
    "turn_screw",
    "cut",
)
FORCES = tuple(f"force_{i}" for i in range(1, 10))  # D
REST = "rest"
