"""Curves rebuilt from a printed landmark: approximate, with the spread that one printed number deserves.

The patients are the versions compatible with the printed value and its precision under a mixture-cure Weibull model; the
shape between 0 and the landmark is the model's, not the evidence's, and every chart and number says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from nextarm.core.errors import NextarmError
from nextarm.core.trail import RowRef, Trail
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


@dataclass(frozen=True)
class Counted:
    """All events of the cohort by the counts in ``rows``, ``words`` naming them, with the longest ``follow_up`` (years) taken."""

    events: int
    follow_up: float
    rows: tuple[RowRef, ...]
    words: str
    caution: str = ""


def rebuild(outcome: Outcome, counted: Counted | None = None) -> Reconstruction:
    """Patients compatible with one printed row (its n, and its interval or standard error) and the events ``counted``."""
    mark = PrintedLandmark(
        time=outcome.time_years or 0.0, survival=outcome.estimate, se=outcome.se, low=outcome.ci_low, high=outcome.ci_high
    )
    events, follow_up = (counted.events, counted.follow_up) if counted else (None, None)
    return from_landmarks(mark, n=outcome.n or 0, events=events, follow_up=follow_up, versions=VERSIONS, seed=SEED)


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


def _assumed(counted: Counted | None) -> tuple[str, ...]:
    """What is assumed where versions are held to counted events."""
    if counted is None:
        return ()
    return (f"{counted.events} first events in all ({counted.words}), infants followed for no more than {counted.follow_up:g} years",)


def _held(made: Reconstruction, counted: Counted | None) -> str:
    """How well the versions hold the counted events."""
    if counted is None:
        return "No count of events holds it."
    events = [int((made.version(v).event > 0).sum()) for v in range(VERSIONS)]
    exact = sum(e == counted.events for e in events)
    others = sorted({e for e in events if e != counted.events})
    rest = f", the others {' or '.join(map(str, others))}" if others else ""
    held = f"The versions are held to {counted.events} events ({counted.words}): {exact} of {VERSIONS} have them exactly{rest}."
    return f"{held} {counted.caution}".rstrip()


def rebuilt_blocks(package: Package, outcome: Outcome, *, name: str, title: str, counted: Counted | None = None) -> list[Block]:
    """A chart, up to the printed time, of the curve rebuilt from ``outcome`` with its spread, and the cure fraction with its interval.

    ``counted`` holds the versions to the events of the cohort, as far as they can be.
    """
    if outcome.n is None or outcome.time_years is None or (outcome.se is None and outcome.ci_low is None):
        return []
    try:
        made = rebuild(outcome, counted)
    except NextarmError:
        return []
    source = row_trail(package, package.ref(outcome))
    trail = Trail(
        method=f"patients compatible with one printed survival estimate under {MODEL}, {VERSIONS} versions; approximate",
        rows=(*source.rows, *(counted.rows if counted else ())),
        sources=tuple(dict.fromkeys((*source.sources, *(package.source(r.source_id) for r in (counted.rows if counted else ()))))),
        assumptions=("the shape of the curve before the printed time is the model's", *_assumed(counted)),
        seed=SEED,
    )
    fit = made.arms[0]
    kept = [i for i, t in enumerate(fit.fine_time) if t <= outcome.time_years + 1e-9]
    curve = Curve(
        name="rebuilt, approximate",
        origin="reconstructed",
        time=tuple(float(fit.fine_time[i]) for i in kept),
        survival=tuple(float(fit.fine_survival[i]) for i in kept),
        low=tuple(float(fit.fine_low[i]) for i in kept),
        high=tuple(float(fit.fine_high[i]) for i in kept),
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
        rests = f" (Rubin's rules). It rests on one printed value{', a count of events' if counted else ''} and a model."
        words = say("Cure fraction under this model: ", shown, rests)
        if high - low > UNDETERMINED:
            given = "One printed value and a count of events do" if counted else "One printed value does"
            words = say(given, " not determine a cure fraction: under this model it is ", shown, " (Rubin's rules).")
    return [
        Heading("Rebuilt from the printed value, approximate"),
        survival_curves(
            (curve,),
            id=name.replace(".", "-") + "-rebuilt",
            title=title,
            trail=trail,
            y_title=outcome.endpoint,
            x_max=outcome.time_years,
            caption=say(
                "The point with its interval is printed; the line and its band (range over 20 versions) are compatible with it under a "
                "mixture-cure Weibull model. The way there is the model's, not the evidence's; nothing is drawn after the printed time. "
                + _held(made, counted)
            ),
        ),
        paragraph(words),
    ]
