"""pylsl, with the shared library that it needs and that not every package of it holds.

pylsl 1.18.6 holds liblsl for x86-64 with glibc 2.35 and newer, mne-lsl for arm64 as well.
"""

from __future__ import annotations

import os
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from acquisition.stream import DeviceRefused

QUIET = "[log]\nlevel = -3\n"
"""liblsl writes to the terminal what we tell ourselves."""
CONFIGS = ("lsl_api.cfg", "~/lsl_api/lsl_api.cfg", "/etc/lsl_api/lsl_api.cfg")
"""Where a person's own settings for liblsl may be, beside $LSLAPICFG: those stand."""


def liblsl() -> str | None:
    """The shared library that pylsl loads: its own, that of mne-lsl, or $PYLSL_LIB; None where
    only the system may have one."""
    given = os.environ.get("PYLSL_LIB")
    if given:
        return given
    for package, folder in (("pylsl", "lib"), ("mne_lsl", "lsl/lib")):
        spec = find_spec(package)
        for place in spec.submodule_search_locations or () if spec is not None else ():
            found = sorted((Path(place) / folder).glob("liblsl.so*"))
            if found:
                return str(found[0])
    return None


def library() -> Any:
    """pylsl with a liblsl. Refuses where either is missing, with the mend."""
    found = liblsl()
    if found is not None:
        os.environ["PYLSL_LIB"] = found
    try:
        import pylsl
    except ImportError as error:
        raise DeviceRefused(
            "pylsl is not installed here: pip install '.[lsl]' in Flexor's folder."
        ) from error
    except RuntimeError as error:
        raise DeviceRefused(
            "pylsl is here, and no liblsl for this machine: pip install mne-lsl brings one, or "
            "PYLSL_LIB names one that was built from source."
        ) from error
    places = (os.environ.get("LSLAPICFG") or CONFIGS[0], *CONFIGS)
    if not any(Path(place).expanduser().is_file() for place in places):
        with suppress(NotImplementedError):  # before liblsl 1.17.7
            pylsl.set_config_content(QUIET)
    return pylsl
