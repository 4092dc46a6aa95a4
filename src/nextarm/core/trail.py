"""Where a number comes from: sources, rows, method, assumptions, version, seed; and what versions it was made with."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from importlib import metadata

from nextarm import __version__

#: Packages whose versions can move a number.
PACKAGES = ("numpy", "scipy", "numba", "polars", "narwhals", "pydantic", "vl-convert-python", "jinja2")


@dataclass(frozen=True)
class Source:
    """A publication or page. Empty fields were not seen; nothing is filled in from memory."""

    source_id: str
    first_author: str = ""
    year: int | None = None
    journal: str = ""
    title: str = ""
    doi: str = ""
    pmid: str = ""
    url: str = ""

    def cite(self) -> str:
        """A short citation, ``Pieters 2019, Lancet Oncol`` where all of it is known."""
        who = " ".join(part for part in (self.first_author, str(self.year or "")) if part)
        return ", ".join(part for part in (who, self.journal) if part) or self.title or self.source_id

    def link(self) -> str:
        """The DOI as an address where known, else the page that was read, else nothing."""
        return f"https://doi.org/{self.doi}" if self.doi else self.url


@dataclass(frozen=True)
class RowRef:
    """One row of an evidence table (or of a user's file) that entered a number.

    ``line`` is the line in the CSV file (the header is line 1); ``key`` names the row in words; ``marks`` say what a
    reader must know about it: ``derived``, ``secondary``, ``conflict``, ``binomial SE`` and the like.
    """

    table: str
    line: int
    key: str
    source_id: str = ""
    marks: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class LeftOut:
    """A row that was looked at and not used, with the reason."""

    row: RowRef
    reason: str


@dataclass(frozen=True)
class Trail:
    """The way from the source to a number.

    ``method`` is a phrase a reader understands, ``reference`` its DOI; ``assumptions`` are statements that no row
    supports and somebody made; ``inputs`` names files or earlier results; ``seed`` is set where chance was used. ``of_row``: the
    number is the value of its one row, or a pure conversion of it, so that what the row's marks say is said of the number.
    """

    method: str
    reference: str = ""
    rows: tuple[RowRef, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    sources: tuple[Source, ...] = ()
    assumptions: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    seed: int | None = None
    version: str = __version__
    of_row: bool = False


def environment() -> dict[str, str]:
    """Versions of nextarm, Python and the packages that numbers depend on, and the kind of machine.

    A package that is not installed is a fact worth printing, and said to be so.
    """
    found = {"nextarm": __version__, "python": platform.python_version()}
    found |= {"system": platform.system(), "machine": platform.machine(), "byteorder": sys.byteorder}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found
