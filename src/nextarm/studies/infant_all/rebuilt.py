"""Curves rebuilt from a printed landmark: approximate, with the spread that one printed number deserves.

The patients are the versions compatible with the printed value and its precision under a mixture-cure Weibull model; the
shape between 0 and the landmark is the model's, not the evidence's, and every chart and number says so.
"""

from __future__ import annotations

import math

from nextarm.core.errors import NextarmError
from nextarm.core.trail import Trail
from nextarm.evidence import Outcome, Package
from nextarm.patients import Reconstruction, from_landmarks
from nextarm.patients.soft import Landmark as PrintedLandmark
from nextarm.report import Block, Heading, number, paragraph, say
from nextarm.report.charts import Curve, Landmark, survival_curves
from nextarm.studies.infant_all.evidence_rows import row_trail
from nextarm.survival.fit import fit_model
from nextarm.survival.rubin import Combined, combine_versions

VERSIONS, SEED, MODEL = 20, 20261123, "mixture-cure:weibull"
#: An interval of a cure fraction wider than this is no answer, and the text says so.
UNDETERMINED = 0.5


def rebuild(outcome: Outcome) -> Reconstruction:
    """Patients compatible with one printed row (its n, and its interval or standard error)."""
    mark = PrintedLandmark(
        time=outcome.time_years or 0.0, survival=outcome.estimate, se=outcome.se, low=outcome.ci_low, high=outcome.ci_high
    )
    return from_landmarks(mark, n=outcome.n or 0, versions=VERSIONS, seed=SEED)


def cure_fraction(made: Reconstruction) -> Combined | None:
    """The cure fraction over the versions by Rubin's rules, on the logit scale; None where too few versions determine it."""
    logits, variances = [], []
    for version in range(VERSIONS):
        try:
            found = fit_model(made.version(version), model=MODEL, profile=False).parameter("cure_fraction")
        except NextarmError:
            continue
        c, se = found.estimate, found.standard_error
        if se is None or not 0.0 < c < 1.0:
            continue
        logits.append(math.log(c / (1.0 - c)))
        variances.append((se / (c * (1.0 - c))) ** 2)
    return combine_versions(logits, variances) if len(logits) >= VERSIONS // 2 else None


def rebuilt_blocks(package: Package, outcome: Outcome, *, name: str, title: str) -> list[Block]:
    """A chart of the curve rebuilt from ``outcome`` with its spread, and the cure fraction with its interval."""
    if outcome.n is None or outcome.time_years is None or (outcome.se is None and outcome.ci_low is None):
        return []
    try:
        made = rebuild(outcome)
    except NextarmError:
        return []
    source = row_trail(package, package.ref(outcome))
    trail = Trail(
        method=f"patients compatible with one printed survival estimate under {MODEL}, {VERSIONS} versions; approximate",
        rows=source.rows,
        sources=source.sources,
        assumptions=("the shape of the curve before and after the printed time is the model's",),
        seed=SEED,
    )
    fit = made.arms[0]
    curve = Curve(
        name="rebuilt, approximate",
        origin="reconstructed",
        time=tuple(map(float, fit.fine_time)),
        survival=tuple(map(float, fit.fine_survival)),
        low=tuple(map(float, fit.fine_low)),
        high=tuple(map(float, fit.fine_high)),
        landmarks=(Landmark(outcome.time_years, outcome.estimate, outcome.ci_low, outcome.ci_high, trail=source),),
        steps=False,
        trail=trail,
    )
    found = cure_fraction(made)
    if found is None:
        words = say("The versions do not determine a cure fraction.")
    else:
        value, low, high = (1.0 / (1.0 + math.exp(-x)) for x in (found.estimate, found.ci.low, found.ci.high))
        shown = number(value, "percent", name=f"{name}.cure", trail=trail, interval=(low, high), marks=("reconstructed",))
        rests = " (Rubin's rules). It rests on one printed value and a model."
        words = say("Cure fraction under this model: ", shown, rests)
        if high - low > UNDETERMINED:
            words = say("One printed value does not determine a cure fraction: under this model it is ", shown, " (Rubin's rules).")
    return [
        Heading("Rebuilt from the printed value, approximate"),
        survival_curves(
            (curve,),
            id=name.replace(".", "-") + "-rebuilt",
            title=title,
            trail=trail,
            y_title=outcome.endpoint,
            x_max=1.25 * outcome.time_years,
            caption=say(
                "The point with its interval is printed; the line and its band (range over 20 versions) are compatible with it under a "
                "mixture-cure Weibull model. The way there is the model's, not the evidence's."
            ),
        ),
        paragraph(words),
    ]
