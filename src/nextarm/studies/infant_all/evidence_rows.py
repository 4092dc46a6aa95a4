"""Trails of single evidence rows, for numbers that are read and not computed."""

from __future__ import annotations

from nextarm.core.trail import RowRef, Trail
from nextarm.evidence import Count, Outcome, Package


def row_trail(package: Package, ref: RowRef, method: str = "read from the source") -> Trail:
    """The trail of a number that stands in one row."""
    sources = (package.source(ref.source_id),) if ref.source_id else ()
    return Trail(method=method, rows=(ref,), sources=sources)


def fact_trail(package: Package, row: Outcome | Count, method: str = "read from the source") -> Trail:
    """The trail of a number that stands in ``row``."""
    return row_trail(package, package.ref(row), method)
