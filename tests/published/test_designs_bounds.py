"""Group-sequential bounds against the printed output of rpact 3.3.4 and gsDesign 3.11, and rpact's frozen grid."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nextarm.designs import boundaries, efficacy_bounds, spent
from nextarm.designs.walk import crossing
from nextarm.validation.case import expected

# rpact 3.3.4, one-sided .025, equal spacing: O'Brien-Fleming, Pocock, Lan-DeMets O'Brien-Fleming; inflation at beta .1
PRINTED = {
    ("obrien-fleming", 2): ([2.79651, 1.97743], 1.00713),
    ("obrien-fleming", 3): ([3.47109, 2.45443, 2.00404], 1.01610),
    ("obrien-fleming", 4): ([4.04859, 2.86279, 2.33746, 2.02430], 1.02216),
    ("pocock", 2): ([2.17827] * 2, 1.10008),
    ("pocock", 3): ([2.28948] * 3, 1.15064),
    ("pocock", 4): ([2.36130] * 4, 1.18313),
    ("lan-demets-obrien-fleming", 2): ([2.96259, 1.96860], 1.00342),
    ("lan-demets-obrien-fleming", 3): ([3.71030, 2.51143, 1.99305], 1.01185),
    ("lan-demets-obrien-fleming", 4): ([4.33263, 2.96313, 2.35904, 2.01409], 1.01828),
}


@pytest.mark.parametrize(("family", "looks"), PRINTED)
def test_bounds_and_inflation_as_rpact_prints_them(family: str, looks: int) -> None:
    bounds, inflation = PRINTED[family, looks]
    got = boundaries(np.arange(1, looks + 1) / looks, family=family, beta=0.1)
    assert got.efficacy == pytest.approx(bounds, abs=1e-5)
    assert got.inflation == pytest.approx(inflation, abs=1e-5)


def test_kim_demets() -> None:
    got = efficacy_bounds(np.array([1, 2, 3]) / 3, family="kim-demets", parameter=2.0)
    assert got == pytest.approx([2.77292, 2.34727, 2.06191], abs=1e-5)


@pytest.mark.parametrize(("binding", "upper", "lower"), [(False, 1.98097, 0.96373), (True, 1.93335, 0.92798)])
def test_futility_by_beta_spending(binding: bool, upper: float, lower: float) -> None:
    got = boundaries(np.array([0.6, 1.0]), beta=0.2, futility="lan-demets-obrien-fleming", binding=binding)
    assert got.efficacy == pytest.approx([2.66863, upper], abs=1e-5)
    assert got.futility == pytest.approx([lower, upper], abs=1e-5)
    assert got.alpha_spent[-1] == pytest.approx(0.025, abs=1e-9)
    assert got.beta_spent[-1] == pytest.approx(0.2, abs=1e-9)


def test_gsdesign_default() -> None:
    third = np.array([1, 2, 3]) / 3
    got = boundaries(third, family="hwang-shih-decani", parameter=-4.0, beta=0.1, futility="hwang-shih-decani", futility_parameter=-2.0)
    assert got.inflation is not None
    assert got.information_h0 is not None
    assert got.information_h1 is not None
    assert got.efficacy == pytest.approx([3.010739, 2.546531, 1.999226], abs=1e-6)
    assert got.futility == pytest.approx([-0.238724, 0.941067, 1.999226], abs=1e-6)
    assert got.inflation * third == pytest.approx([0.356628, 0.713255, 1.069883], abs=1e-6)
    assert got.inflation * got.information_h0 == pytest.approx(0.624859, abs=1e-6)
    assert got.inflation * got.information_h1 == pytest.approx(0.791277, abs=1e-6)


@pytest.mark.parametrize(("looks", "two_sided"), [(5, 0.06101), (3, 0.05572), (2, 0.05216)])
def test_z_over_root_t_is_not_obrien_fleming(looks: int, two_sided: float) -> None:
    """A bound some programs print: its true type I error is known and too high, and ours is not that bound."""
    t = np.arange(1, looks + 1) / looks
    wrong = 1.959963984540054 / np.sqrt(t)
    none = np.full(looks, -np.inf)
    true_alpha = float(np.sum(crossing(t, upper=wrong, lower=none, mean_z=np.zeros(looks))[0]))
    assert 2.0 * true_alpha == pytest.approx(two_sided, abs=2e-5)
    assert np.all(efficacy_bounds(t, family="obrien-fleming") > wrong + 0.005)


def frozen(name: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = expected("designs")[name]
    return rows


@pytest.mark.parametrize("row", frozen("bounds"), ids=lambda r: f"{r['family']}-{r['timing']}")
def test_efficacy_bounds_of_rpact_at_uneven_looks(row: dict) -> None:
    got = boundaries(np.array(row["fractions"]), family=row["family"], parameter=row.get("parameter"), beta=0.2)
    assert got.inflation is not None
    assert got.information_h1 is not None
    assert got.efficacy == pytest.approx(row["critical"], abs=1e-5)
    assert got.inflation == pytest.approx(row["inflation"], abs=1e-5)
    assert got.alpha_spent == pytest.approx(row["alpha_spent"], abs=1e-6)
    assert got.inflation * got.information_h1 == pytest.approx(row["information_h1"], abs=1e-5)


@pytest.mark.parametrize("row", frozen("futility"), ids=lambda r: f"{r['family']}-{r['timing']}-{'binding' if r['binding'] else 'free'}")
def test_futility_bounds_of_rpact(row: dict) -> None:
    got = boundaries(
        np.array(row["fractions"]),
        family=row["family"],
        parameter=row.get("parameter"),
        beta=0.1,
        futility=row["family"],
        futility_parameter=row.get("futility_parameter"),
        binding=row["binding"],
    )
    assert got.efficacy == pytest.approx(row["critical"], abs=1e-5)
    assert got.futility[:-1] == pytest.approx(row["futility"], abs=1e-5)
    assert got.inflation == pytest.approx(row["inflation"], abs=1e-5)


def test_spending_functions_at_half_the_information() -> None:
    """Closed forms, worked by hand."""
    assert float(spent("lan-demets-pocock", 0.5, total=0.025)) == pytest.approx(0.025 * math.log(1 + (math.e - 1) / 2))
    assert float(spent("hwang-shih-decani", 0.5, total=0.025, parameter=-4.0)) == pytest.approx(
        0.025 * (1 - math.exp(2)) / (1 - math.exp(4))
    )
    assert float(spent("hwang-shih-decani", 0.5, total=0.025, parameter=0.0)) == pytest.approx(0.0125)
    assert float(spent("kim-demets", 0.5, total=0.025, parameter=3.0)) == pytest.approx(0.025 / 8)
