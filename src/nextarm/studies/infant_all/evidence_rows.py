"""Trails of single evidence rows, and the share a row of counts stands for."""

from __future__ import annotations

from nextarm.core.trail import RowRef, Trail
from nextarm.evidence import Count, Outcome, Package, how_read
from nextarm.report import Number, number
from nextarm.survival.binomial import binomial_limits

#: The method of a number that stands in the source as it is.
READ = "read from the source"


def row_trail(package: Package, ref: RowRef, method: str = "") -> Trail:
    """The trail of a number that stands in one row; without a ``method`` of its own it says how the row came by its value."""
    sources = (package.source(ref.source_id),) if ref.source_id else ()
    return Trail(method=method or how_read(ref, READ), rows=(ref,), sources=sources, of_row=True)


def fact_trail(package: Package, row: Outcome | Count, method: str = "") -> Trail:
    """The trail of a number that stands in ``row``."""
    return row_trail(package, package.ref(row), method)


def share_number(
    package: Package,
    count: Count,
    *,
    name: str,
    printed: str = READ,
    format: str = "percent",
    missing: str = "not reached",
) -> Number:
    """The share a row counts, with its exact binomial interval where events and n were printed.

    ``printed`` is the method of a share that stands in the source as such, ``missing`` what is shown where there is none.
    """
    interval, method = None, how_read(package.ref(count), printed)
    if count.events is not None and count.n is not None:
        interval = binomial_limits(count.events, count.n)
        method = "events over n; exact binomial (Clopper-Pearson) interval, ours"
    return number(count.rate, format, name=name, trail=fact_trail(package, count, method), interval=interval, missing=missing)
