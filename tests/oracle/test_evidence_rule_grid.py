"""Every published risk-group rule on a grid of patients, against a plain function written by hand from the source's words.

The functions below are written from the protocols' descriptions, not from risk_groups.csv, and know nothing of the parser.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest

from nextarm.evidence import load_package
from nextarm.evidence.classify import classify_patient, protocol_rules, protocols
from nextarm.evidence.rules import FIELD, conditions_in, evaluate, fields_in, parse_rule, settle

Patient = dict[str, Any]

GRID: dict[str, tuple[Any, ...]] = {
    "kmt2a_status": ("rearranged", "germline"),
    "age_days": (0.0, 89.0, 90.0, 91.0, 179.0, 180.0, 182.0, 183.0, 184.0, 365.0, 366.0),
    "wbc_1e9_per_l": (5.0, 299.9, 300.0, 300.1, 900.0),
    "day8_prednisone_response": ("good", "poor", "unknown"),
    "mrd_eoi": (0.0, 1e-5, 1e-4, 4.99e-4, 5e-4, 1e-2),
    "mrd_eoc": (0.0, 9.9e-5, 1e-4, 1e-3),
    "mrd_post_blina1": (0.0, 1e-4, 1.01e-4, 0.5),
    "cr_eoi": (True, False),
    "cns_involved": (True, False),
}


def young_and_bad(p: Patient) -> bool:
    """Younger than 6 months (183 days) with 300 or more white cells or a poor response."""
    if p["age_days"] >= 183:
        return False
    return bool(p["wbc_1e9_per_l"] >= 300 or p["day8_prednisone_response"] == "poor")


def rearranged(p: Patient) -> bool:
    return bool(p["kmt2a_status"] == "rearranged")


def interfant_21_mr(p: Patient) -> bool:
    if not rearranged(p):
        return False
    if p["age_days"] >= 183:
        return True
    return bool(p["wbc_1e9_per_l"] < 300 and p["day8_prednisone_response"] != "poor")


ORACLES: dict[tuple[str, str], Callable[[Patient], bool]] = {
    ("Interfant-99", "PGR"): lambda p: p["day8_prednisone_response"] == "good",
    ("Interfant-99", "PPR"): lambda p: p["day8_prednisone_response"] == "poor",
    ("Interfant-99 (post hoc, Mann)", "HR"): lambda p: rearranged(p) and young_and_bad(p),
    ("Interfant-99 (post hoc, MRD)", "LR"): lambda p: max(p["mrd_eoi"], p["mrd_eoc"]) < 1e-4,
    ("Interfant-99 (post hoc, MRD)", "MR"): lambda p: p["mrd_eoi"] >= 1e-4 > p["mrd_eoc"],
    ("Interfant-99 (post hoc, MRD)", "HR"): lambda p: not p["mrd_eoc"] < 1e-4,
    ("Interfant-06", "LR"): lambda p: not rearranged(p),
    ("Interfant-06", "HR"): lambda p: rearranged(p) and young_and_bad(p),
    ("Interfant-06", "MR"): lambda p: rearranged(p) and not young_and_bad(p),
    ("Interfant-06 (as printed in the journal abstract)", "HR"): lambda p: (
        rearranged(p) and p["age_days"] > 183 and (p["wbc_1e9_per_l"] >= 300 or p["day8_prednisone_response"] == "poor")
    ),
    ("Interfant-06 (KMT2A-g MRD classes)", "EOI negative"): lambda p: not rearranged(p) and p["mrd_eoi"] == 0,
    ("Interfant-06 (KMT2A-g MRD classes)", "EOI intermediate"): lambda p: not rearranged(p) and 0 < p["mrd_eoi"] < 5e-4,
    ("Interfant-06 (KMT2A-g MRD classes)", "EOI high"): lambda p: not rearranged(p) and p["mrd_eoi"] >= 5e-4,
    ("Interfant-21", "HR"): lambda p: rearranged(p) and young_and_bad(p),
    ("Interfant-21 (as printed)", "HR"): lambda p: (
        rearranged(p) and p["age_days"] < 183 and (p["wbc_1e9_per_l"] < 300 or p["day8_prednisone_response"] == "poor")
    ),
    ("Interfant-21", "MR"): interfant_21_mr,
    ("Interfant-21", "MR-low"): lambda p: interfant_21_mr(p) and p["mrd_eoi"] < 5e-4,
    ("Interfant-21", "MR-high"): lambda p: interfant_21_mr(p) and p["mrd_eoi"] >= 5e-4,
    ("Interfant-21", "MR to HR treatment"): lambda p: interfant_21_mr(p) and (p["cr_eoi"] is False or p["mrd_post_blina1"] > 1e-4),
    ("COG P9407", "all"): lambda p: p["age_days"] <= 365,
    ("COG AALL0631", "SR"): lambda p: not rearranged(p),
    ("COG AALL0631", "IR"): lambda p: rearranged(p) and p["age_days"] >= 90,
    ("COG AALL0631", "HR"): lambda p: rearranged(p) and p["age_days"] < 90,
    ("COG AALL15P1", "azacitidine"): rearranged,
    ("COG AALL15P1", "off protocol after induction"): lambda p: not rearranged(p),
    ("JILSG MLL96/MLL98", "HSCT stratum"): rearranged,
    ("JILSG MLL96/MLL98", "chemotherapy stratum"): lambda p: not rearranged(p),
    ("JPLSG MLL03", "HSCT within 4 months"): rearranged,
    ("JPLSG MLL-10", "LR"): lambda p: not rearranged(p),
    ("JPLSG MLL-10", "IR"): lambda p: rearranged(p) and p["age_days"] >= 180 and not p["cns_involved"],
    ("JPLSG MLL-10", "HR"): lambda p: rearranged(p) and (p["age_days"] < 180 or p["cns_involved"]),
}
ROWS = load_package().risk_groups


def patients(fields: tuple[str, ...], *, missing: bool = False) -> Iterator[Patient]:
    values = [(*GRID[name], None) if missing else GRID[name] for name in fields]
    for cells in product(*values):
        yield dict(zip(fields, cells, strict=True))


def test_there_is_an_oracle_for_every_published_rule() -> None:
    assert {(row.protocol, row.group) for row in ROWS} == set(ORACLES)


@pytest.mark.parametrize("row", ROWS, ids=lambda r: f"{r.protocol}: {r.group}")
def test_a_rule_says_what_its_source_says(row: Any) -> None:
    rule, oracle = parse_rule(row.rule), ORACLES[row.protocol, row.group]
    values = set()
    for patient in patients(fields_in(rule)):
        got = evaluate(rule, patient)
        assert got is oracle(patient), patient
        values.add(got)
    assert values == {True, False}


@pytest.mark.parametrize("row", ROWS, ids=lambda r: f"{r.protocol}: {r.group}")
def test_a_rule_with_missing_fields_only_says_what_all_ways_to_fill_them_agree_on(row: Any) -> None:
    """Soundness always; and where no field is asked twice, also completeness: unknown means that the answer is open."""
    rule, oracle = parse_rule(row.rule), ORACLES[row.protocol, row.group]
    fields = fields_in(rule)
    once = len(list(conditions_in(rule))) == len(fields)
    grid = {f: GRID[f] if f != "age_days" else (0.0, 90.0, 180.0, 183.0, 366.0) for f in fields}
    for cells in product(*((*grid[f], None) for f in fields)):
        patient = dict(zip(fields, cells, strict=True))
        if None not in cells:
            continue
        filled = product(*((grid[f] if v is None else (v,)) for f, v in patient.items()))
        answers = {oracle(dict(zip(fields, values, strict=True))) for values in filled}
        got = evaluate(rule, patient)
        if got is not None:
            assert answers == {got}, patient
        elif once:
            assert answers == {True, False}, patient


@pytest.mark.parametrize("row", [r for r in ROWS if len(fields_in(parse_rule(r.rule))) < 5], ids=lambda r: f"{r.protocol}: {r.group}")
def test_a_rule_is_settled_where_and_only_where_all_ways_to_fill_it_agree(row: Any) -> None:
    rule, oracle = parse_rule(row.rule), ORACLES[row.protocol, row.group]
    fields = fields_in(rule)
    grid = {f: GRID[f] if f != "age_days" else (0.0, 90.0, 180.0, 183.0, 366.0) for f in fields}
    for cells in product(*((*grid[f], None) for f in fields)):
        patient = dict(zip(fields, cells, strict=True))
        filled = product(*((grid[f] if v is None else (v,)) for f, v in patient.items()))
        answers = {oracle(dict(zip(fields, values, strict=True))) for values in filled}
        got = settle(rule, patient)
        assert got.value is (next(iter(answers)) if len(answers) == 1 else None), patient
        for name in got.missing:  # each field that is still asked for can decide
            ways = list(product(*((grid[f] if v is None and f != name else (v,)) for f, v in patient.items())))
            told = [{oracle(dict(zip(fields, w, strict=True)) | {name: v}) for v in grid[name]} for w in ways]
            assert any(len(t) == 2 for t in told), (patient, name)


def test_interfant_21_without_an_age_is_medium_risk_where_the_other_fields_settle_it() -> None:
    rules = protocol_rules("Interfant-21")
    known = {"kmt2a_status": "rearranged", "wbc_1e9_per_l": 50.0}
    assert all(interfant_21_mr(known | {"age_days": float(age), "day8_prednisone_response": "good"}) for age in range(0, 400))
    good = classify_patient(known | {"day8_prednisone_response": "good"}, rules)
    assert good.group == "MR"
    assert "whatever age_days may be" in good.reason
    poor = classify_patient(known | {"day8_prednisone_response": "poor"}, rules)
    assert (poor.group, poor.missing[0]) == ("undetermined", "age_days")
    assert poor.reason.startswith("missing: age_days; ")
    both = classify_patient(known, rules)
    assert both.reason.startswith("missing: age_days, day8_prednisone_response; ")


def test_the_groups_of_a_protocol_exclude_each_other_on_the_grid() -> None:
    for protocol in protocols():
        rules = protocol_rules(protocol)
        for patient in patients(rules.fields()):
            group = classify_patient(patient, rules)
            true = [g for g in (r.group for r, _ in rules.groups) if ORACLES[protocol, g](patient)]
            base = [g for g in true if g not in rules.refines]
            assert len(base) <= 1, (protocol, patient)
            assert group.group == (base[0] if base else "none")
            assert set(group.subgroups) == set(true) - set(base)


def test_unknown_as_a_category_is_not_a_missing_field() -> None:
    rules = protocol_rules("Interfant-21")
    known = {"kmt2a_status": "rearranged", "age_days": 100.0, "wbc_1e9_per_l": 50.0}
    said = classify_patient(known | {"day8_prednisone_response": "unknown"}, rules)
    silent = classify_patient(known, rules)
    assert said.group == "MR"
    assert silent.group == "undetermined"
    assert set(silent.possible) >= {"MR", "HR"}
    assert silent.missing[0] == "day8_prednisone_response"


def test_every_field_of_the_rules_is_on_the_grid() -> None:
    assert set(GRID) == set(FIELD)
