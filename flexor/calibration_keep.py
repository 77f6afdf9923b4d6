"""Keeping a calibration: the artifact and the profile that names it, whole or not at all."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from acquisition.stream import Refused
from flexor.calibration_artifact import Fitted
from flexor.profile import read_profile
from flexor.toml_text import toml_text
from models.whole_file import replace_file

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def profile_text(
    before: Path | None,
    artifact: str,
    fitted: Fitted,
    source: str,
    *,
    last_good: str = "",
    hand: str = "",
) -> bytes:
    """The profile with the calibration in it, as TOML; all else stays as it is in `before`.

    artifact: its name, as the profile tells it. hand: where `before` tells of none. Refuses a
    profile that trusts signed artifacts alone: a calibration is signed by nobody.
    """
    told: dict[str, Any] = {}
    if before is not None and before.exists():
        if read_profile(before).signed_by:
            raise Refused(
                f"{before} takes signed artifacts only, and a calibration is signed by nobody: "
                "remove signed_by, or sign the artifact and name it there."
            )
        told = tomllib.loads(before.read_text(encoding="utf-8"))
    known = set(fitted.draft.labels)
    levels = {k: v for k, v in told.get("levels", {}).items() if k in known - set(fitted.levels)}
    levels |= {k: {"low": low, "high": high} for k, (low, high) in fitted.levels.items()}
    told |= {"source": source, "artifact": artifact, "levels": levels}
    if hand:
        told.setdefault("hand", hand)
    if last_good:
        told["last_good"] = last_good
    return toml_text(told).encode()


def keep(profile: Path, artifact: Path, fitted: Fitted, source: str) -> None:
    """Lets the profile name the artifact, which lies beside it; the one it named before becomes
    the one to fall back to.

    The profile is replaced last and whole: after a power cut it names the old artifact or the new.
    Refuses what `profile_text` refuses, and a folder that cannot be written.
    """
    before = read_profile(profile).artifact if profile.exists() else ""
    good = Path(before)
    same = good.is_file() and good.parent.resolve() == profile.parent.resolve()
    text = profile_text(profile, artifact.name, fitted, source, last_good=good.name if same else "")
    try:
        replace_file(profile, text)
    except OSError as error:
        raise Refused(f"{profile} cannot be written: {error.strerror}.") from None
    read_profile(profile)
