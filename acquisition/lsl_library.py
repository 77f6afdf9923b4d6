"""pylsl, with the shared library that it needs and that not every package of it holds.

pylsl 1.18.6 holds liblsl for x86-64 with glibc 2.35 and newer, mne-lsl for arm64 as well.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from acquisition.stream import DeviceRefused


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
        raise DeviceRefused("pylsl is not installed here: pip install 'flexor[lsl]'.") from error
    except RuntimeError as error:
        raise DeviceRefused(
            "pylsl is here, and no liblsl for this machine: pip install mne-lsl brings one, or "
            "PYLSL_LIB names one that was built from source."
        ) from error
    return pylsl
