"""How a command hands over its report: to a person, as JSON, or both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def emit(report: dict[str, Any], json_file: str | None) -> None:
    """The report for a person, and as JSON where it was asked for."""
    if json_file == "-":
        print(json.dumps(report, indent=2))
        return
    from flexor.report import print_report

    print_report(report)
    _write_json(report, json_file)


def show_run(report: dict[str, Any], json_file: str | None) -> None:
    """The same for a live run."""
    if json_file == "-":
        print(json.dumps(report, indent=2))
        return
    from flexor.report import print_run

    print_run(report)
    _write_json(report, json_file)


def show_calibration(report: dict[str, Any], json_file: str | None) -> None:
    """The same for a calibration."""
    if json_file == "-":
        print(json.dumps(report, indent=2))
        return
    from flexor.report import print_calibration

    print_calibration(report)
    _write_json(report, json_file)


def _write_json(report: dict[str, Any], json_file: str | None) -> None:
    from acquisition.stream import Refused

    if json_file is None:
        return
    try:
        Path(json_file).write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise Refused(f'"{json_file}" cannot be written ({error.strerror}).') from None
