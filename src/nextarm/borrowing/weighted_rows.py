"""The rows of a weighted comparison as CSV: each patient with the weight that the comparison gave."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nextarm.borrowing import Weighting


def weighted_csv(patients: Any, control: Any, found: Weighting) -> str:
    """The rows of the patients' file (and of the control's, below) with a column ``weight``; an old one is replaced."""
    import polars as pl

    frames = []
    for source, weights, arm in ((patients, found.treated, "treated"), (control, found.control, "control")):
        if source is None or weights is None:
            continue
        frame = pl.read_csv(source, infer_schema_length=None) if isinstance(source, str | Path) else source
        frame = frame.with_columns(pl.Series("weight", weights))
        if control is not None and "arm" not in frame.columns:
            frame = frame.with_columns(pl.lit(arm).alias("arm"))
        frames.append(frame)
    return pl.concat(frames, how="diagonal_relaxed").write_csv()
