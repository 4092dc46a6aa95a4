"""Names from the legend and names from the at-risk table, joined into one list of arms."""

from __future__ import annotations

from difflib import SequenceMatcher

import numpy as np
from scipy.optimize import linear_sum_assignment

from nextarm.figures.raster.legend import colour_distance
from nextarm.figures.raster.panel import ArmHint
from nextarm.figures.raster.risk_table import RiskRow, RiskTable

SAME_NAME = 0.75
SAME_COLOUR = 70.0
SURER = 0.02  # by which the probability of one reading of a name must exceed that of the other


def _alike(hint: ArmHint, row: RiskRow) -> float:
    """How well a legend entry and a row agree: 2 for the same name, 1 for the same colour, 0 for neither."""
    score = 0.0
    if row.name:
        a, b = hint.name.lower().replace(" ", ""), row.name.lower().replace(" ", "")
        ratio = SequenceMatcher(None, a, b).ratio()
        score += 2 * ratio if ratio >= SAME_NAME or a in b or b in a else 0.0
    if colour_distance(hint.colour, row.colour) < SAME_COLOUR:
        score += 1.0
    return score


def _name(hint: ArmHint, row: RiskRow | None) -> str:
    """A name at a curve may be crossed by it, one of the legend be cut by the edge of the picture; the same name in the table is whole.

    Of two readings of one name the surer is taken.
    """
    if row is None or not row.name:
        return hint.name
    rest = row.name.removeprefix(hint.name)
    cut = len(hint.name) < len(row.name) > len(rest) and (len(hint.name) >= 4 or rest.startswith(" "))
    surer = row.sure > hint.sure + SURER and SequenceMatcher(None, hint.name.lower(), row.name.lower()).ratio() >= SAME_NAME
    return row.name if hint.where == "direct" or cut or surer else hint.name


def join_names(hints: list[ArmHint], table: RiskTable | None) -> tuple[list[ArmHint], list[RiskRow | None], tuple[str, ...]]:
    """Arms with their rows of the at-risk table.

    Args:
        hints: Entries of the legend, or names at the curves; may be empty.
        table: The at-risk table; None where there is none.

    Returns:
        Arms, their rows (None where an arm has none), and warnings. Where neither names nor colours join a legend and a table of
        as many rows, they are joined in their order, with a warning.
    """
    rows = list(table.rows) if table else []
    warnings = tuple(w for r in rows for w in r.warnings)
    if not rows:
        return hints, [None] * len(hints), warnings
    if not hints:
        named = [
            ArmHint(name=r.name or f"row {k}", colour=r.colour, n=r.cells[0], where="risk-table" if r.name else "none")
            for k, r in enumerate(rows, start=1)
        ]
        return named, list(rows), warnings
    score = np.array([[_alike(h, r) for r in rows] for h in hints])
    mine: list[RiskRow | None] = [None] * len(hints)
    taken: set[int] = set()
    for i, j in zip(*(v.tolist() for v in linear_sum_assignment(-score)), strict=True):
        if score[i, j] > 0:
            mine[i] = rows[j]
            taken.add(j)
    left = [i for i, r in enumerate(mine) if r is None]
    spare = [j for j in range(len(rows)) if j not in taken]
    if left and len(left) == len(spare):
        for i, j in zip(left, spare, strict=True):
            mine[i] = rows[j]
        if len(left) > 1:
            warnings = (
                *warnings,
                "rows of the at-risk table were joined to the legend by their order: neither names nor colours join them",
            )
    out = [
        ArmHint(name=_name(h, r), colour=h.colour, dash=h.dash, n=r.cells[0] if r else h.n, where=h.where, spot=h.spot)
        for h, r in zip(hints, mine, strict=True)
    ]
    for extra in [rows[k] for k in spare] if len(spare) != len(left) else []:
        if extra.name:  # an arm of the table whose legend entry was not seen
            out.append(ArmHint(name=extra.name, colour=extra.colour, n=extra.cells[0], where="risk-table"))
            mine.append(extra)
            warnings = (*warnings, f"'{extra.name}' is in the at-risk table and was not found in the legend")
    return out, mine, warnings
