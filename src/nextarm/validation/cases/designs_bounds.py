"""Group-sequential bounds against rpact and gsDesign, and the bound that must not be mistaken for O'Brien-Fleming."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from nextarm.designs import Boundaries, boundaries
from nextarm.designs.walk import crossing
from nextarm.validation.case import Case, Kind, expected

RPACT = "rpact 3.3.4 (Debian), printed output"
FROZEN = "rpact as named in made_with of the frozen file (references/designs.R)"
FROZEN_LOOKS = "rpact as named in made_with of the frozen file (references/designs_analysis.R)"
FROZEN_CALENDAR = "rpact as named in made_with of the frozen file (references/designs_calendar.R)"
GSDESIGN = "gsDesign 3.11.0.9003, printed output"


def named(values: Mapping[str, Any]) -> dict[str, float]:
    """Flatten arrays into numbered names: ``{"a": [1, 2]}`` gives ``a_1`` and ``a_2``."""
    found: dict[str, float] = {}
    for name, value in values.items():
        for i, v in enumerate(np.atleast_1d(value), 1):
            found[f"{name}_{i}" if np.ndim(value) else name] = float(v)
    return found


def _numbers(name: str, got: Boundaries, futility: bool = False) -> dict[str, float]:
    assert got.inflation is not None
    assert got.information_h1 is not None
    numbers = {f"{name}_bound": got.efficacy, f"{name}_inflation": got.inflation, f"{name}_information": got.inflation * got.information_h1}
    return named(numbers | ({f"{name}_futility": got.futility[:-1]} if futility else {}))


def _even_looks(family: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for k in (2, 3, 4):
        found |= _numbers(f"k{k}", boundaries(np.arange(1, k + 1) / k, family=family, beta=0.1))
    return found


def _rows(table: str, family: str) -> list[dict[str, Any]]:
    return [row for row in expected("designs")[table] if row["family"] == family]


def _label(row: dict[str, Any]) -> str:
    return str(row["timing"]) + ("" if "binding" not in row else "_binding" if row["binding"] else "_free")


def _frozen(table: str, family: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for row in _rows(table, family):
        numbers = {"bound": row["critical"], "inflation": row["inflation"], "information": row["information_h1"]}
        found |= named({f"{_label(row)}_{k}": v for k, v in numbers.items()})
        if table == "futility":
            found |= named({f"{_label(row)}_futility": np.atleast_1d(row["futility"])})
    return found


def _efficacy(family: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for row in _rows("bounds", family):
        found |= _numbers(_label(row), boundaries(np.array(row["fractions"]), family=family, parameter=row.get("parameter"), beta=0.2))
    return found


def _both_bounds(family: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for row in _rows("futility", family):
        made = boundaries(
            np.array(row["fractions"]),
            family=family,
            parameter=row.get("parameter"),
            beta=0.1,
            futility=family,
            futility_parameter=row.get("futility_parameter"),
            binding=row["binding"],
        )
        found |= _numbers(_label(row), made, futility=True)
    return found


def _gsdesign_default() -> dict[str, float]:
    third = np.array([1, 2, 3]) / 3
    got = boundaries(third, family="hwang-shih-decani", parameter=-4.0, beta=0.1, futility="hwang-shih-decani", futility_parameter=-2.0)
    assert got.inflation is not None
    assert got.information_h0 is not None
    assert got.information_h1 is not None
    return named(
        {
            "upper": got.efficacy,
            "lower": got.futility,
            "information": got.inflation * third,
            "en_h0": got.inflation * got.information_h0,
            "en_h1": got.inflation * got.information_h1,
        }
    )


def _look_at_60() -> dict[str, float]:
    t = np.array([0.6, 1.0])
    plain = boundaries(t)
    free = boundaries(t, beta=0.2, futility="lan-demets-obrien-fleming")
    bound = boundaries(t, beta=0.2, futility="lan-demets-obrien-fleming", binding=True)
    return {
        "first": plain.efficacy[0],
        "last": plain.efficacy[1],
        "futility": free.futility[0],
        "binding_last": bound.efficacy[1],
        "binding_futility": bound.futility[0],
    }


def _wrong_bound_alpha() -> dict[str, float]:
    found = {}
    for k in (2, 3, 5):
        t = np.arange(1, k + 1) / k
        up = crossing(t, upper=1.959963984540054 / np.sqrt(t), lower=np.full(k, -np.inf), mean_z=np.zeros(k))[0]
        found[f"two_sided_alpha_k{k}"] = 2.0 * float(np.sum(up))
    return found


def _kim_demets() -> dict[str, float]:
    return named({"bound": boundaries(np.array([1, 2, 3]) / 3, family="kim-demets", parameter=2.0).efficacy})


def made(
    name: str,
    title: str,
    kind: Kind,
    source: str,
    inputs: str,
    compute: Any,
    want: Mapping[str, float],
    tolerance: float | Mapping[str, float],
) -> Case:
    """A case of this room; the frozen file is named where it is the source."""
    return Case(
        id=f"designs-{name}",
        title=title,
        room="designs",
        kind=kind,
        source=source,
        inputs=inputs,
        compute=compute,
        expected=want,
        tolerance=tolerance,
        reference={FROZEN: "designs", FROZEN_LOOKS: "designs_analysis", FROZEN_CALENDAR: "designs_calendar"}.get(source, ""),
    )


_OF = {
    "k2_bound_1": 2.79651,
    "k2_bound_2": 1.97743,
    "k2_inflation": 1.00713,
    "k3_bound_1": 3.47109,
    "k3_bound_2": 2.45443,
    "k3_bound_3": 2.00404,
    "k3_inflation": 1.01610,
    "k4_bound_1": 4.04859,
    "k4_bound_2": 2.86279,
    "k4_bound_3": 2.33746,
    "k4_bound_4": 2.02430,
    "k4_inflation": 1.02216,
}
_POCOCK = {
    "k2_bound_2": 2.17827,
    "k2_inflation": 1.10008,
    "k3_bound_3": 2.28948,
    "k3_inflation": 1.15064,
    "k4_bound_4": 2.36130,
    "k4_inflation": 1.18313,
}
_LDOF = {
    "k2_bound_1": 2.96259,
    "k2_bound_2": 1.96860,
    "k2_inflation": 1.00342,
    "k3_bound_1": 3.71030,
    "k3_bound_2": 2.51143,
    "k3_bound_3": 1.99305,
    "k3_inflation": 1.01185,
    "k4_bound_1": 4.33263,
    "k4_bound_2": 2.96313,
    "k4_bound_3": 2.35904,
    "k4_bound_4": 2.01409,
    "k4_inflation": 1.01828,
}
_DEFAULT = {
    "upper_1": 3.010739,
    "upper_2": 2.546531,
    "upper_3": 1.999226,
    "lower_1": -0.238724,
    "lower_2": 0.941067,
    "lower_3": 1.999226,
    "information_1": 0.356628,
    "information_2": 0.713255,
    "information_3": 1.069883,
    "en_h0": 0.624859,
    "en_h1": 0.791277,
}
_SIXTY = {"first": 2.66863, "last": 1.98097, "futility": 0.96373, "binding_last": 1.93335, "binding_futility": 0.92798}
_WRONG = {"two_sided_alpha_k2": 0.05216, "two_sided_alpha_k3": 0.05572, "two_sided_alpha_k5": 0.06101}
_KD = {"bound_1": 2.77292, "bound_2": 2.34727, "bound_3": 2.06191}
_EVEN = "one-sided .025, 2, 3 and 4 equally spaced looks; inflation at beta .1"
_GRID = "one-sided .025, beta .2, five timings of 2 to 5 looks, two of them uneven"
_BOTH = "one-sided .025, beta .1, three timings, binding and not"
_FAMILIES = (
    "obrien-fleming",
    "pocock",
    "wang-tsiatis",
    "lan-demets-obrien-fleming",
    "lan-demets-pocock",
    "hwang-shih-decani",
    "kim-demets",
)

CASES: tuple[Case, ...] = (
    made("obrien-fleming", "O'Brien-Fleming bounds", "other program", RPACT, _EVEN, partial(_even_looks, "obrien-fleming"), _OF, 1e-5),
    made("pocock", "Pocock bounds", "other program", RPACT, _EVEN, partial(_even_looks, "pocock"), _POCOCK, 1e-5),
    made("ld-of", "Lan-DeMets bounds", "other program", RPACT, _EVEN, partial(_even_looks, "lan-demets-obrien-fleming"), _LDOF, 1e-5),
    made("kim-demets", "Kim-DeMets bounds", "other program", RPACT, "gamma 2, 3 equal looks", _kim_demets, _KD, 1e-5),
    made(
        "beta-spending",
        "Futility by beta spending",
        "other program",
        RPACT,
        "looks .6 and 1, alpha .025, beta .2",
        _look_at_60,
        _SIXTY,
        1e-5,
    ),
    made(
        "gsdesign",
        "Default design of gsDesign",
        "other program",
        GSDESIGN,
        "k 3, HSD -4 and -2, beta .1",
        _gsdesign_default,
        _DEFAULT,
        1e-6,
    ),
    made(
        "not-obrien-fleming",
        "The true error of the bound z / sqrt(t)",
        "second implementation",
        "independent numerical integration, before this code",
        "1.96 / sqrt(t), 2, 3, 5 looks",
        _wrong_bound_alpha,
        _WRONG,
        2e-5,
    ),
    *(
        made(f"grid-{f}", f"Bounds at uneven looks: {f}", "other program", FROZEN, _GRID, partial(_efficacy, f), _frozen("bounds", f), 1e-5)
        for f in _FAMILIES
    ),
    *(
        made(f"futility-{f}", f"Both bounds: {f}", "other program", FROZEN, _BOTH, partial(_both_bounds, f), _frozen("futility", f), 1e-5)
        for f in ("lan-demets-obrien-fleming", "hwang-shih-decani", "kim-demets")
    ),
)
