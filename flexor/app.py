"""What every command has in common: the app, repeated options, exit codes."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

app = typer.Typer(
    help="Flexor reads muscles and moves machines.",
    add_completion=False,
    pretty_exceptions_enable=False,
)

JsonFile = Annotated[
    Optional[str],  # noqa: UP045 - typer reads this on Python 3.10 too
    typer.Option("--json", metavar="FILE", help="Write the figures as JSON; - is the terminal."),
]
Lsl = Annotated[bool, typer.Option("--lsl", help="Also send all of it to LSL.")]
Seconds = Annotated[Optional[float], typer.Option(help="Stop after this long.")]  # noqa: UP045

REFUSED, FAILED, MISSED, BROKEN = 2, 3, 1, 70
"""Exit codes: asked for what cannot be; a device failed meanwhile; a bar was not reached; this
program has a mistake."""
