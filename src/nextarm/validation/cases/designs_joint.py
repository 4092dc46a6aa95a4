"""Response and toxicity together: with independence the product of two printed designs, and one patient at a time by enumeration."""

from __future__ import annotations

import itertools
import math

from nextarm.designs.binomial_paths import path_probabilities
from nextarm.designs.joint_paths import JointBounds, joint_paths, patient_probabilities
from nextarm.validation.case import Case

#: Simon's optimal design for .2 against .4 as printed (alpha .05, power .8), and clinfun's toxicity bound at those sizes.
SIMON = JointBounds(sizes=(13, 43), futile=(3, 12), toxic=(14, 44))
SMALL = JointBounds(sizes=(2, 4, 5), futile=(0, 1, 2), toxic=(2, 3, 3))


def _simon() -> dict[str, float]:
    null, truth = joint_paths(SIMON, 0.2, 0.1, odds_ratio=3.0), joint_paths(SIMON, 0.4, 0.1, odds_ratio=3.0)
    return {"stop_early": float(null.futile[0]), "expected_n": null.expected_n, "level": null.success, "power": truth.success}


def _product() -> dict[str, float]:
    """Independent counts pass where each passes; toxicity is clinfun's printed boundary at 20, 40, 60 and 75 patients."""
    bounds = JointBounds(sizes=(20, 40, 60, 75), futile=(3, 8, 14, 19), toxic=(8, 13, 18, 21))
    return {f"at {p:g}": joint_paths(bounds, 0.35, p).success for p in (0.2, 0.26, 0.35)}


def _product_expected() -> dict[str, float]:
    alone = path_probabilities(0.35, sizes=(20, 40, 60, 75), low=(3, 8, 14, 19), high=(21, 41, 61, 76)).going_on
    return {f"at {p:g}": alone * (1.0 - crossing) for p, crossing in ((0.2, 0.101), (0.26, 0.456), (0.35, 0.935))}


def enumerated(bounds: JointBounds, response: float, toxicity: float, odds_ratio: float) -> dict[str, float]:
    """The same numbers by going through every way the patients can turn out."""
    p = patient_probabilities(response, toxicity, odds_ratio=odds_ratio)
    found = {"success": 0.0, "futile": 0.0, "toxic": 0.0, "expected_n": 0.0, "expected_toxic": 0.0}
    for patients in itertools.product(range(4), repeat=bounds.sizes[-1]):
        weight, ended = math.prod(p[x] for x in patients), False
        for size, low, high in zip(bounds.sizes, bounds.futile, bounds.toxic, strict=True):
            responses, toxic = sum(x in (0, 1) for x in patients[:size]), sum(x in (0, 2) for x in patients[:size])
            if responses <= low or toxic >= high or size == bounds.sizes[-1]:
                found["futile"] += weight * (responses <= low)
                found["toxic"] += weight * (toxic >= high)
                found["success"] += weight * (responses > low and toxic < high)
                found["expected_n"] += weight * size
                found["expected_toxic"] += weight * toxic
                ended = True
                break
        assert ended
    return found


def _small() -> dict[str, float]:
    got = joint_paths(SMALL, 0.45, 0.3, odds_ratio=2.5)
    return {
        "success": got.success, "futile": float((got.futile + got.both).sum()), "toxic": float((got.toxic + got.both).sum()),
        "expected_n": got.expected_n, "expected_toxic": got.expected_toxic,
    }  # fmt: skip


CASES: tuple[Case, ...] = (
    Case(
        id="designs-joint-simon",
        title="Response and toxicity watched together, toxicity never stopping: Simon's design",
        room="designs",
        kind="published",
        source="Simon, Controlled Clinical Trials 1989;10:1-10, table 1",
        inputs=".2 against .4, 3/13 and 12/43, odds ratio 3 with a toxicity of .1",
        compute=_simon,
        expected={"stop_early": 0.7473, "expected_n": 20.580, "level": 0.05, "power": 0.8},
        tolerance={"stop_early": 5.1e-5, "expected_n": 5.1e-3, "level": 1e-3, "power": 1e-3},
    ),
    Case(
        id="designs-joint-product",
        title="Independent response and toxicity pass as often as the product says",
        room="designs",
        kind="other program",
        source="clinfun 1.1.5, printed example of toxbdry (crossing the low boundary), times an exact sum",
        inputs="75 patients, four looks",
        compute=_product,
        expected=_product_expected(),
        tolerance=5.1e-4,
    ),
    Case(
        id="designs-joint-enumeration",
        title="Five patients, three looks, odds ratio 2.5: all 1,024 ways",
        room="designs",
        kind="second implementation",
        source="enumeration by this project",
        inputs="response .45, toxicity .3",
        compute=_small,
        expected=enumerated(SMALL, 0.45, 0.3, 2.5),
        tolerance=1e-12,
    ),
)
