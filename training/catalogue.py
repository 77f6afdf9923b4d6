"""What each data set is: where it comes from, under which licence, and by which files it is known.

Licences and figures are those of the named sources; "not stated" and "not verified" stand where
none was read. Only what stands in PERMISSIVE may train weights that Flexor ships.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from acquisition.stream import Refused
from acquisition.tables import refuse_unknown

PERMISSIVE = frozenset({"Apache-2.0", "MIT", "CC0-1.0", "CC-BY-4.0"})
"""Licences (SPDX) of data that may train weights which are given away, with attribution."""
YOURS = "yours to say"
NINAPRO = "not verified; see the page of each database"


@dataclass(frozen=True)
class Figures:
    """How much it is; None where each recording has its own."""

    users_n: int | None
    channels_n: int | None
    rate_hz: float | None
    unit: str
    """of the segments: "uV", or "raw" where no scale is known"""


@dataclass(frozen=True)
class Entry:
    """One data set, as its makers describe it."""

    what: str
    licence: str
    """SPDX where there is such a name"""
    where: str
    """where to get it, without the protocol"""
    files: tuple[str, ...]
    """patterns of its own files, below its folder"""
    figures: Figures
    labels: str
    """gestures and targets, in words"""
    credit: str = ""
    """who is to be named where something made of it is given away"""
    folder: str = ""
    """a word in the name of its folder, where the files' names are also those of other sets"""

    @property
    def may_ship(self) -> bool:
        """Whether weights trained on it may be given away."""
        return self.licence in PERMISSIVE


_HEVS = "ninapro.hevs.ch"
_NINA = ("[Ss][0-9]*_E[0-9]*_A[0-9]*.mat", "[Ss][0-9]*_A[0-9]*_E[0-9]*.mat")


def _ninapro(
    number: int, what: str, users_n: int, channels_n: int, rate_hz: float, unit: str, labels: str
) -> Entry:
    files = {6: ("S[0-9]*_D[0-9]*_T[0-9]*.mat",), 10: ("S[0-9][0-9][0-9]_ex1.mat",)}
    return Entry(
        f"NinaPro DB{number}: {what}",
        NINAPRO,
        f"{_HEVS}/instructions/DB{number}.html",
        files.get(number, _NINA),
        Figures(users_n, channels_n, rate_hz, unit),
        labels,
        folder="" if number in files else f"db{number}",
    )


CATALOGUE: dict[str, Entry] = {
    "myo_armband": Entry(
        "MyoArmbandDataset: two groups of wearers, three sessions, one Myo",
        "GPL-3.0-only",
        "github.com/UlysseCoteAllard/MyoArmbandDataset",
        ("classe_*.dat",),
        Figures(40, 8, 200.0, "raw"),
        "7 gestures, 4 cycles a session",
        "U. Côté-Allard et al., IEEE TNSRE 27(4), 2019",
    ),
    "xdf": Entry(
        "recordings of Flexor: one file, or USER/SESSION.xdf",
        YOURS,
        "flexor record",
        ("*.xdf",),
        Figures(None, None, None, "as recorded"),
        "the prompts' words",
    ),
    "libemg": Entry(
        "folders of LibEMG's screen-guided training: USER/SESSION; write PATH@HZ",
        YOURS,
        "github.com/LibEMG/libemg",
        ("C_*_R_*.csv", "R_*_C_*.csv"),
        Figures(None, None, None, "raw"),
        "the classes' names",
    ),
    "bids": Entry(
        "any BIDS data set with electromyography (EDF or BDF)",
        "that of its dataset_description.json",
        "bids.neuroimaging.io",
        ("*_emg.edf", "*_emg.bdf"),
        Figures(None, None, None, "uV"),
        "trial_type of the events",
    ),
    "ninapro_db1": _ninapro(
        1, "27 people, Otto Bock envelopes", 27, 10, 100.0, "raw", "52 movements and rest, 10 times"
    ),
    "ninapro_db2": _ninapro(
        2, "40 people, Delsys Trigno", 40, 12, 2000.0, "uV", "49 movements and rest, 6 times; force"
    ),
    "ninapro_db3": _ninapro(
        3, "11 amputees, Delsys Trigno", 11, 12, 2000.0, "uV", "49 movements and rest; force"
    ),
    "ninapro_db4": _ninapro(
        4, "10 people, Cometa", 10, 12, 2000.0, "raw", "52 movements and rest, 6 times"
    ),
    "ninapro_db5": _ninapro(
        5, "10 people, two Myos", 10, 16, 200.0, "raw", "52 movements and rest, 6 times"
    ),
    "ninapro_db6": _ninapro(
        6, "10 people, twice on 5 days", 10, 14, 2000.0, "uV", "7 grasps and rest, 12 times"
    ),
    "ninapro_db7": _ninapro(
        7, "20 people and 2 amputees", 22, 12, 2000.0, "uV", "40 movements and rest, 6 times"
    ),
    "ninapro_db8": _ninapro(
        8, "10 people and 2 amputees", 12, 16, 2000.0, "uV", "9 movements; data glove as target"
    ),
    "ninapro_db9": _ninapro(
        9, "77 people, kinematics alone: refused", 77, 0, 100.0, "none", "no muscles in it"
    ),
    "ninapro_db10": _ninapro(
        10, "MeganePro: 30 people, 15 amputees", 45, 12, 1926.0, "uV", "10 grasps and rest"
    ),
    "epn612": Entry(
        "EMG-EPN-612: 612 people with one Myo",
        "not verified; see its page",
        "laboratorio-ia.epn.edu.ec (EMG-EPN-612)",
        ("user[0-9]*.json",),
        Figures(612, 8, 200.0, "raw"),
        "5 gestures and rest, 50 times",
    ),
    "grabmyo": Entry(
        "GRABMyo: forearm and wrist on days 1, 8 and 29",
        "CC-BY-4.0",
        "physionet.org/content/grabmyo",
        (
            "session[0-9]_participant*_gesture*_trial*.dat",
            "session[0-9]_participant*_gesture*_trial*.hea",
        ),
        Figures(43, 28, 2048.0, "uV"),
        "16 gestures and rest, 7 times a day",
        "A. Pradhan, J. He, N. Jiang, Scientific Data 9:733, 2022 (PhysioNet)",
    ),
    "hyser": Entry(
        "Hyser: high-density EMG, two sessions",
        "ODC-By-1.0",
        "physionet.org/content/hd-semg",
        ("*_raw_*.hea", "*_raw_*.dat", "*_force_*.hea", "*_force_*.dat", "label_*.txt"),
        Figures(20, 256, 2048.0, "uV"),
        "34 gestures; forces of five fingers",
    ),
    "capgmyo": Entry(
        "CapgMyo: high-density EMG, DB-a to DB-c",
        "not stated",
        "zju-capg.org/research_en_electro_capgmyo.html",
        ("[0-9][0-9][0-9]-[0-9][0-9][0-9]-[0-9][0-9][0-9].mat",),
        Figures(38, 128, 1000.0, "uV"),
        "8 or 12 gestures, 10 times",
    ),
    "putemg": Entry(
        "putEMG: 3 x 8 electrodes, two days",
        "CC-BY-NC-4.0",
        "biolab.put.poznan.pl/putemg-dataset",
        ("emg_gestures-*.hdf5",),
        Figures(44, 24, 5120.0, "uV"),
        "7 gestures and idle",
    ),
    "emg2pose": Entry(
        "emg2pose: wrist bands and hand poses",
        "CC-BY-NC-SA-4.0",
        "github.com/facebookresearch/emg2pose",
        ("*_left.hdf5", "*_right.hdf5"),
        Figures(193, 16, 2000.0, "raw"),
        "29 stages; 20 joint angles",
    ),
    "emg2qwerty": Entry(
        "emg2qwerty: typing with a band on each wrist",
        "not verified; see its page",
        "github.com/facebookresearch/emg2qwerty",
        ("*keystrokes*.hdf5",),
        Figures(108, 32, 2000.0, "raw"),
        "keys as marks",
    ),
    "uci_gestures": Entry(
        'UCI "EMG data for gestures": one Myo, two series',
        "CC-BY-4.0",
        "archive.ics.uci.edu (EMG data for gestures)",
        ("[0-9]_raw_data_*.txt", "subject_[0-9][0-9].npz"),
        Figures(36, 8, 200.0, "raw"),
        "6 or 7 gestures, twice a series",
        "S. Lobov et al., Sensors 18(4):1122, 2018 (UCI Machine Learning Repository)",
    ),
    "uci_lower_limb": Entry(
        'UCI "EMG dataset in Lower Limb": thigh and knee',
        "CC-BY-4.0",
        "archive.ics.uci.edu (EMG dataset in Lower Limb)",
        ("[0-9]*[AN][mps]*.txt", "normal.npz", "abnormal.npz"),
        Figures(22, 4, 1000.0, "uV"),
        "3 tasks; knee angle; 11 with a knee disorder",
        "O. Sanchez, J. Sotelo, EMG dataset in Lower Limb (UCI Machine Learning Repository)",
    ),
    "kanoga": Entry(
        "30 days with a Myo in three placements",
        "Apache-2.0",
        "github.com/Suguru55/Wearable_Sensor_Long-term_sEMG_Dataset",
        ("D[0-9]*M[0-9]*T[0-9]*.csv", "sub[0-9].npz"),
        Figures(5, 8, 200.0, "raw"),
        "22 motions (8 in the packed form), 4 times a day",
        "S. Kanoga, A. Kanemura, H. Asoh, Biomedical Signal Processing and Control, 2020",
    ),
    "francic": Entry(
        "myo-readings-dataset: three sessions with a Myo",
        "MIT",
        "github.com/aljazfrancic/myo-readings-dataset",
        (
            "[0-9][0-9][0-9][0-9][0-9]-[0-9]/[0-9].txt",
            "subject_[0-9][0-9][0-9][0-9][0-9].npz",
        ),
        Figures(41, 8, 200.0, "raw"),
        "7 gestures and rest, 6 times",
        "Aljaž Francič, myo-readings-dataset (MIT)",
    ),
    "unibo": Entry(
        "UniBo-INAIL: 8 days, 4 arm postures, envelopes",
        "LGPL-2.1-only",
        "github.com/pulp-bio/unibo-inail-semg-dataset",
        ("user_[0-9]_day_[0-9]_posture_[0-9].mat", "user_[0-9].npz"),
        Figures(7, 4, 500.0, "raw"),
        "5 gestures and rest, 10 times",
    ),
    "flexemg": Entry(
        "FlexEMG: 64 electrodes, three sessions",
        "GPL-3.0-only",
        "github.com/a-moin/flexemg",
        ("[0-9][0-9][0-9]-[0-9][0-9][0-9].mat",),
        Figures(3, 64, 1000.0, "uV"),
        "4 gestures and rest",
    ),
    "hermescb": Entry(
        "legs of 30 older adults and a load cell",
        "CC0-1.0",
        "github.com/hermescb (Electromyography-and-Dynamometry-of-the-Lower-Limb-of-the-Elderly)",
        ("ID [0-9]*.xlsx", "ID_[0-9][0-9].npz"),
        Figures(30, 4, 2000.0, "raw"),
        "4 isometric tasks; force",
        "D. A. Silva et al., Biomedical Signal Processing and Control 88:105635, 2024",
    ),
    "synthetic": Entry(
        "virtual wearers of Flexor's simulator: armband or sleeve16",
        "Apache-2.0",
        "in Flexor itself",
        (),
        Figures(9, 8, 200.0, "uV"),
        "7 gestures, 4 cycles",
        "the Flexor authors",
    ),
}
"""name in DATASETS -> what it is"""


def refuse_unshippable(names: Iterable[str]) -> None:
    """Refuses data sets that may not train weights which are given away, with their licence."""
    for name in names:
        refuse_unknown(name, CATALOGUE, "data set")
        if not CATALOGUE[name].may_ship:
            raise Refused(
                f'Weights trained on "{name}" may not ship: its licence is '
                f"{CATALOGUE[name].licence}, and only {', '.join(sorted(PERMISSIVE))} will do; "
                "train the shipped artifact on others, or keep this one to yourself."
            )


def attribution(names: Iterable[str]) -> tuple[str, ...]:
    """The lines that NOTICE needs where weights trained on these sets ship. Refuses others."""
    names = list(names)
    refuse_unshippable(names)
    return tuple(f"{CATALOGUE[n].credit}, {CATALOGUE[n].licence}" for n in names)


def attribution_of(names: Iterable[str]) -> str:
    """The NOTICE beside an artifact that is given away. Refuses data that forbids it."""
    lines = "\n".join(f"  {line}" for line in attribution(names))
    return f"The weights of this artifact were trained on:\n{lines}\n"
