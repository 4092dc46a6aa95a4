"""Options that several commands share, and how texts of options are read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from nextarm.core.errors import CallError

Json = Annotated[bool, typer.Option("--json", help="Print the whole result as JSON, with its trail.")]
Package = Annotated[str, typer.Option("--package", help="Bundled package or a folder of your own.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")]
Out = Annotated[Path | None, typer.Option("--out", help="Write the result to this file instead of the screen.")]
AssumeOrigin = Annotated[bool, typer.Option("--assume-origin", help="Take time origins that are not stated as equal; recorded and shown.")]


def read_numbers(text: str | None, name: str) -> list[float] | None:
    """Read ``2,4`` as numbers."""
    if text is None:
        return None
    try:
        return [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise CallError(f"--{name} {text!r}", rule="must be numbers separated by commas, such as 2,4") from None


def read_names(text: str | None) -> tuple[str, ...]:
    """Read ``a,b`` as names."""
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def read_named(text: str | None, name: str) -> dict[str, float] | None:
    """Read ``recent=0.3,old=0.8`` as numbers by name."""
    if text is None:
        return None
    found: dict[str, float] = {}
    for part in text.split(","):
        key, equals, value = part.partition("=")
        try:
            found[key.strip()] = float(value)
        except ValueError:
            equals = ""
        if not (equals and key.strip()):
            raise CallError(f"--{name} {text!r}", rule="must be NAME=NUMBER, separated by commas") from None
    return found


def read_by_arm(values: list[str] | None, name: str, *, whole: bool = False) -> Any:
    """Read ``100`` or ``arm=100`` (repeated) as a number or a dict by arm."""
    if not values:
        return None
    found: dict[str, float | int] = {}
    for value in values:
        arm, _, text = value.rpartition("=")
        try:
            number = float(text)
        except ValueError:
            raise CallError(f"--{name} {value!r}", rule="must be a number, or arm=number for each arm") from None
        if whole and number != int(number):
            raise CallError(f"--{name} {value!r}", rule="must be a whole number")
        found[arm] = int(number) if whole else number
    if "" in found:
        if len(values) > 1:
            raise CallError(f"--{name} given {len(values)} times", rule="name the arm of each, as arm=number")
        return found[""]
    return found
