"""Cases of the evidence room: the logic of the risk-group rules, and the derived row against a figure printed elsewhere."""

from __future__ import annotations

from nextarm.evidence.loading import load_package
from nextarm.evidence.rules import evaluate, parse_rule
from nextarm.validation.case import Case

_VALUES: dict[str, bool | None] = {"T": True, "F": False, "U": None}
_NUMBER = {True: 1.0, False: 0.0, None: 0.5}


def _truth_tables() -> dict[str, float]:
    """``and``, ``or`` and ``not`` over all pairs of true, false and unknown, as 1, 0 and 0.5."""
    both, either, opposite = (parse_rule(text) for text in ("cr_eoi and cns_involved", "cr_eoi or cns_involved", "not cr_eoi"))
    found: dict[str, float] = {}
    for a, first in _VALUES.items():
        found[f"not {a}"] = _NUMBER[evaluate(opposite, {"cr_eoi": first})]
        for b, second in _VALUES.items():
            patient = {"cr_eoi": first, "cns_involved": second}
            found[f"{a} and {b}"] = _NUMBER[evaluate(both, patient)]
            found[f"{a} or {b}"] = _NUMBER[evaluate(either, patient)]
    return found


def _derived_row() -> dict[str, float]:
    (row,) = [r for r in load_package("infant-all").outcomes if r.where_seen == "derived" and r.arm_id == "interfant-06-r"]
    return {"6-year EFS, KMT2A-r": row.estimate}


CASES: tuple[Case, ...] = (
    Case(
        id="evidence-kleene",
        title="Rules of risk groups: the strong three-valued truth tables",
        room="evidence",
        kind="published",
        source="Kleene SC. Introduction to Metamathematics. North-Holland 1952, section 64, strong tables",
        inputs="two yes/no fields, each yes, no or missing",
        compute=_truth_tables,
        expected={
            "not T": 0.0, "not F": 1.0, "not U": 0.5,
            "T and T": 1.0, "T and F": 0.0, "T and U": 0.5,
            "F and T": 0.0, "F and F": 0.0, "F and U": 0.0,
            "U and T": 0.5, "U and F": 0.0, "U and U": 0.5,
            "T or T": 1.0, "T or F": 1.0, "T or U": 1.0,
            "F or T": 1.0, "F or F": 0.0, "F or U": 0.5,
            "U or T": 1.0, "U or F": 0.5, "U or U": 0.5,
        },
        tolerance=0.0,
    ),
    Case(
        id="evidence-interfant-06-r",
        title="Interfant-06, KMT2A-r: the 6-year EFS derived from the whole trial and its KMT2A-g infants",
        room="evidence",
        kind="published",
        source="Brown 2021, Leukemia, doi 10.1038/s41375-021-01177-6: 36 % (attribution inferred from the order of trials)",
        inputs="outcomes.csv: 0.461 of 651 infants (Pieters 2019), 0.739 of 167 (Stutterheim 2022)",
        compute=_derived_row,
        expected={"6-year EFS, KMT2A-r": 0.36},
        tolerance=0.006,  # printed to the whole per cent; the derived row to three digits
    ),
)  # fmt: skip
