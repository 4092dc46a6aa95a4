"""How results are shown: as JSON, as a table for a person, or written to a file; and a progress bar on long work."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def progress_bar(label: str, *, quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar on standard error; none where it is not a terminal or not wished."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def write_file(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    from nextarm.report import write_texts

    write_texts({path: text if text.endswith("\n") else text + "\n"})


def emit(text: str, out: Path | None) -> None:
    """Print ``text``, or write it to the file ``out`` and say so on standard error."""
    if out is None:
        print(text.rstrip("\n"))
    else:
        write_file(out, text)
        print(f"written: {out}", file=sys.stderr)


def show(result: Any, *, json: bool, out: Path | None = None, columns: tuple[str, ...] = ()) -> None:
    """Print a result: JSON, or its table (only ``columns``, where given) and warnings for a person."""
    emit(result.to_json(indent=2) if json else plain(result, columns), out)


def plain(result: Any, columns: tuple[str, ...] = ()) -> str:
    """A result for a person: its table, then what was assumed, left out and warned of."""
    records = result.shown_rows()
    names = list(dict.fromkeys(name for row in records for name in row)) or list(result.table().columns)
    names = [name for name in columns or names if name in names]
    if len(records) == 1:
        width = max(len(name) for name in names)
        lines = [f"{name:<{width}}  {cell(records[0][name])}" for name in names]
    else:
        lines = grid(names, [[cell(row.get(name)) for name in names] for row in records])
    lines += [f"from: {text}" for text in result.trail.inputs]
    lines += [f"assumed: {text}" for text in result.trail.assumptions]
    lines += [f"left out: {left.row.key} ({left.reason})" for left in result.trail.left_out]
    lines += [f"warning: {text}" for text in result.warnings] + [f"note: {text}" for text in getattr(result, "by_chance", ())]
    return "\n".join(lines)


def cell(value: Any) -> str:
    """One value as it stands in a table; a missing one is a dash."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.5g}"
    return str(value)


def grid(columns: list[str], rows: list[list[str]], widest: int = 44) -> list[str]:
    """Columns side by side; a cell longer than ``widest`` is cut."""
    cut = [[cell if len(cell) <= widest else cell[: widest - 1] + "…" for cell in row] for row in rows]
    widths = [max([len(name), *(len(row[i]) for row in cut)]) for i, name in enumerate(columns)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in [columns, *cut]]
