"""GRADE for prognosis: how sure one can be of a pooled risk, and a summary of findings per 100 patients.

Evidence on the overall prognosis of a broad population starts high and goes down by domain (Iorio 2015, doi 10.1136/bmj.h870):
risk of bias, inconsistency, indirectness, imprecision, publication bias; one level for serious, two for very serious. The
judgements are a person's; where nobody has rated, the certainty is :data:`NOT_RATED` and stays so.
:func:`hints` says what the numbers show beside the domains that numbers can speak to, against
thresholds that are printed with them; it never rates. Publication bias has no test here: Egger's rests on the estimate and its
standard error being independent, and on a transformed survival one is a function of the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from nextarm.core.errors import CallError, DataError, Problem
from nextarm.core.result import Result, record
from nextarm.core.trail import Trail
from nextarm.synthesis.pool import PooledEstimate
from nextarm.synthesis.proportions import PooledProportion
from nextarm.synthesis.risk_of_bias import BiasTable

if TYPE_CHECKING:
    import polars as pl

DOMAINS: tuple[str, ...] = ("risk of bias", "inconsistency", "indirectness", "imprecision", "publication bias")
RATINGS: dict[str, int] = {"not serious": 0, "serious": 1, "very serious": 2}
LEVELS: tuple[str, ...] = ("very low", "low", "moderate", "high")
#: The certainty of a finding that no person has rated; no number makes up for it.
NOT_RATED = "not rated"
#: A pooled interval or prediction interval wider than this many patients per 100 is hinted at.
WIDE = 20.0


@record
class Downgrade:
    """One domain's rating with its reason; a rating other than ``not serious`` needs one."""

    domain: str
    rating: str
    reason: str = ""


@record
class Finding:
    """One line of the summary: patients per 100 with the outcome, limits, how sure, and why."""

    outcome: str
    time: float | None
    studies: int
    patients: int | None
    per_100: float
    per_100_low: float
    per_100_high: float
    prediction_low: float | None
    prediction_high: float | None
    certainty: str
    downgrades: tuple[Downgrade, ...]
    hints: tuple[str, ...]


@record
class SummaryOfFindings(Result):
    """The findings of a report, in the order given."""

    population: str
    findings: tuple[Finding, ...]

    def table(self) -> pl.DataFrame:
        """One row an outcome, rates per 100 patients."""
        import polars as pl

        rows = [
            {
                "outcome": f.outcome,
                "time": f.time,
                "studies": f.studies,
                "patients": f.patients,
                "per_100": f.per_100,
                "low": f.per_100_low,
                "high": f.per_100_high,
                "certainty": f.certainty,
                "why": "; ".join(f"{d.domain}: {d.rating} ({d.reason})" for d in f.downgrades if d.rating != "not serious"),
            }
            for f in self.findings
        ]
        types = {"outcome": pl.String, "time": pl.Float64, "studies": pl.Int64, "patients": pl.Int64, "per_100": pl.Float64}
        return pl.DataFrame(rows, schema=types | {"low": pl.Float64, "high": pl.Float64, "certainty": pl.String, "why": pl.String})


def certainty(downgrades: Iterable[Downgrade], *, start: str = "high") -> str:
    """The level after all downgrades, not below very low. All five domains must be rated once, with a reason where it matters.

    >>> certainty([Downgrade(domain=d, rating="not serious") for d in DOMAINS])
    'high'
    """
    if start not in LEVELS:
        raise CallError(f"start = {start!r}", rule=f"must be one of {', '.join(LEVELS)}")
    given = tuple(downgrades)
    problems = [
        Problem(f"domain = {d.domain!r}", "GRADE", f"must be one of {', '.join(DOMAINS)}") for d in given if d.domain not in DOMAINS
    ]
    problems += [
        Problem(f"rating = {d.rating!r}", d.domain, f"must be one of {', '.join(RATINGS)}") for d in given if d.rating not in RATINGS
    ]
    for domain in DOMAINS:
        times = sum(d.domain == domain for d in given)
        if times != 1:
            problems.append(Problem(domain, "GRADE", "must be rated once" if times else "is not rated"))
    problems += [Problem("reason is empty", d.domain, f"{d.rating} needs one") for d in given if RATINGS.get(d.rating) and not d.reason]
    if problems:
        raise DataError(problems=problems)
    return LEVELS[max(0, LEVELS.index(start) - sum(RATINGS[d.rating] for d in given))]


def hints(pooled: PooledEstimate | PooledProportion, *, bias: BiasTable | None = None) -> tuple[str, ...]:
    """What the numbers show beside each domain, in words with their thresholds; no rating."""
    said = []
    if isinstance(pooled, PooledProportion):
        return (*_spread(pooled), *_few(pooled.k))
    if bias is not None:
        known = {s.study: s.overall for s in bias.studies}
        poor = {"high", "serious", "critical"}
        weight = sum(s.weight for s in pooled.studies if known.get(s.label) in poor)
        unjudged = [s.label for s in pooled.studies if s.label not in known]
        said.append(f"risk of bias: studies at high risk hold {weight:.0%} of the weight")
        if unjudged:
            said.append(f"risk of bias: not judged: {', '.join(unjudged)}")
    doubtful = sum(s.weight for s in pooled.studies if {"secondary", "derived"} & set(s.marks))
    if doubtful:
        said.append(f"risk of bias: rows read second-hand or derived hold {doubtful:.0%} of the weight")
    times = sorted({s.time for s in pooled.studies if s.time is not None})
    if len(times) > 1:
        said.append(f"indirectness: studies report at {times[0]:g} to {times[-1]:g} years")
    return (*said, *_spread(pooled), *_few(pooled.k))


def _spread(pooled: PooledEstimate | PooledProportion) -> list[str]:
    """Inconsistency and imprecision by the widths of the two intervals."""
    said = []
    if pooled.prediction is not None:
        width = 100.0 * (pooled.prediction.high - pooled.prediction.low)
        words = "wider" if width > WIDE else "not wider"
        said.append(f"inconsistency: a further study is expected in a range that spans {width:.0f} patients per 100, {words} than {WIDE:g}")
    width = 100.0 * (pooled.ci.high - pooled.ci.low)
    words = "wider" if width > WIDE else "not wider"
    return [*said, f"imprecision: the interval spans {width:.0f} patients per 100, {words} than {WIDE:g}"]


def _few(k: int) -> list[str]:
    return [f"publication bias: {k} studies are too few for any look at asymmetry, and no test is valid on this scale"] if k < 10 else []


def finding(
    outcome: str,
    pooled: PooledEstimate | PooledProportion,
    downgrades: Iterable[Downgrade] | None,
    *,
    time: float | None = None,
    start: str = "high",
    bias: BiasTable | None = None,
) -> Finding:
    """One line of the summary from a pooled probability and a person's ratings; ``downgrades`` None: nobody has rated it."""
    given = tuple(downgrades or ())
    if not 0.0 <= pooled.estimate <= 1.0 or not 0.0 <= pooled.ci.low <= pooled.ci.high <= 1.0:
        raise CallError(f"{outcome} = {pooled.estimate:g}", rule="must be a pooled probability")
    sizes = list(pooled.sizes) if isinstance(pooled, PooledProportion) else [s.n for s in pooled.studies]
    return Finding(
        outcome=outcome,
        time=time,
        studies=pooled.k,
        patients=sum(n for n in sizes if n is not None) if all(n is not None for n in sizes) else None,
        per_100=100.0 * pooled.estimate,
        per_100_low=100.0 * pooled.ci.low,
        per_100_high=100.0 * pooled.ci.high,
        prediction_low=None if pooled.prediction is None else 100.0 * pooled.prediction.low,
        prediction_high=None if pooled.prediction is None else 100.0 * pooled.prediction.high,
        certainty=NOT_RATED if downgrades is None else certainty(given, start=start),
        downgrades=given,
        hints=hints(pooled, bias=bias),
    )


def summary_of_findings(population: str, findings: Iterable[Finding], *, trails: Mapping[str, Trail] | None = None) -> SummaryOfFindings:
    """Gather findings; ``trails`` (by outcome) carry their rows and sources into one trail."""
    given = tuple(findings)
    if not given:
        raise CallError("no finding", rule="a summary needs at least one")
    several = tuple((trails or {}).values())
    sources = {s.source_id: s for t in several for s in t.sources}
    return SummaryOfFindings(
        trail=Trail(
            method="GRADE for prognosis, ratings by a person only, rates per 100 patients",
            reference="10.1136/bmj.h870",
            rows=tuple(r for t in several for r in t.rows),
            sources=tuple(sources.values()),
        ),
        population=population,
        findings=given,
    )
