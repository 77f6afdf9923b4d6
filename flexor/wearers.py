"""Profiles per wearer and limb, with every version kept: saved whole or not at all.

One folder for each wearer: `versions/0001/` holds profile.toml, its artifact, and why.txt, and
never changes again; the link `current` names the one that is used.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from acquisition.stream import Refused
from flexor.profile import Profile, read_profile
from models.artifact import MAX_BYTES, open_artifact

NAME = re.compile(r"[a-z0-9][a-z0-9 _-]{0,39}", re.IGNORECASE)
FILES = ("profile.toml", "artifact.onnx", "artifact.tflite", "why.txt")
SIGNED = ("artifact.onnx.sig", "artifact.tflite.sig")
PROFILE_BYTES = 100_000
KEPT_N = 100
"""Versions of one wearer; the oldest go, never the one in use."""


@dataclass(frozen=True)
class Version:
    """One state of a wearer's profile."""

    number: int
    at: float
    """seconds since 1970"""
    why: str
    current: bool
    folder: Path


class Wearers:
    """The wearers in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        """Everybody who has a version in use."""
        if not self._folder.is_dir():
            return []
        return sorted(p.name for p in self._folder.iterdir() if (p / "current").is_symlink())

    def profile_path(self, name: str) -> Path:
        """The profile in use. Refuses a wearer whom nobody knows."""
        path = self._home(name) / "current" / "profile.toml"
        if not path.exists():
            raise Refused(f'There is no wearer "{name}"; there are {self.names() or "none"}.')
        return path

    def versions(self, name: str) -> list[Version]:
        """Every version, the newest first."""
        home = self._home(name)
        current = str((home / "current").readlink()) if (home / "current").is_symlink() else ""
        found = []
        for folder in sorted((home / "versions").glob("[0-9]*"), reverse=True):
            why = folder / "why.txt"
            text = why.read_text(encoding="utf-8") if why.exists() else ""
            here = current == f"versions/{folder.name}"
            found.append(Version(int(folder.name), folder.stat().st_mtime, text, here, folder))
        return found

    def save(self, name: str, files: Mapping[str, bytes], why: str) -> Version:
        """A new version, in use at once. Refuses what is no profile or no artifact that works.

        files: profile.toml, and where it is of the wearer's own the artifact (artifact.onnx or
        artifact.tflite) that the profile names.
        """
        home = self._home(name)
        (home / "versions").mkdir(parents=True, exist_ok=True)
        taken = [version.number for version in self.versions(name)]
        number = max(taken, default=0) + 1
        part = home / f".part-{os.getpid()}"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        try:
            for file, data in {**files, "why.txt": why.encode()}.items():
                _write(part, file, data)
            check(part)
            os.sync()
            part.rename(home / "versions" / f"{number:04d}")
        finally:
            shutil.rmtree(part, ignore_errors=True)
        self._use(home, number)
        for old in self.versions(name)[KEPT_N:]:
            if not old.current:
                shutil.rmtree(old.folder)
        return self.versions(name)[0]

    def roll_back(self, name: str, number: int) -> Version:
        """Uses an earlier version again. Refuses one that is not there, or works no longer."""
        for version in self.versions(name):
            if version.number == number:
                check(version.folder)
                self._use(self._home(name), number)
                return version
        there = [version.number for version in self.versions(name)]
        raise Refused(f"{name} has no version {number}; there are {there}.")

    def export(self, name: str) -> bytes:
        """The version in use as one file, for another device."""
        folder = self.profile_path(name).parent
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(folder.iterdir()):
                archive.writestr(path.name, path.read_bytes())
        return made.getvalue()

    def take_in(self, name: str, data: bytes) -> Version:
        """A version from an exported file. Refuses anything else, and what is too large in it."""
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                files = {}
                for info in archive.infolist():
                    if info.filename not in FILES + SIGNED:
                        raise Refused(f'An exported profile has no file "{info.filename[:60]}".')
                    files[info.filename] = _unpacked(archive, info)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
            raise Refused(f"This is no exported profile ({error}).") from None
        why = files.pop("why.txt", b"").decode("utf-8", "replace")[:500]
        day = time.strftime("%Y-%m-%d")
        return self.save(name, files, f"imported {day}; {why}" if why else f"imported {day}")

    def _home(self, name: str) -> Path:
        if NAME.fullmatch(name) is None or name != name.strip():
            raise Refused(
                f'"{name[:60]}" cannot be a wearer\'s name: use letters, digits, spaces, - and _.'
            )
        return self._folder / name

    def _use(self, home: Path, number: int) -> None:
        link = home / f".current-{os.getpid()}"
        link.unlink(missing_ok=True)
        link.symlink_to(f"versions/{number:04d}")
        link.replace(home / "current")


def check(folder: Path) -> Profile:
    """The profile in a folder with its artifact tried. Refuses what could not drive."""
    profile = read_profile(folder / "profile.toml")
    open_artifact(profile.artifact)
    return profile


def _write(folder: Path, name: str, data: bytes) -> None:
    if name not in FILES + SIGNED:
        raise Refused(f'A version has no file "{name[:60]}".')
    most = PROFILE_BYTES if name in ("profile.toml", "why.txt") else MAX_BYTES
    if len(data) > most:
        raise Refused(f"{name} has {len(data)} bytes; {most} is the most.")
    with (folder / name).open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """What a file of an archive really holds; its own word on its length is not believed."""
    with archive.open(info) as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise Refused(f"{info.filename} has more than {MAX_BYTES} bytes.")
    return data
