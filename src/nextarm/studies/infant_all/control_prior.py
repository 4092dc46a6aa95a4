"""Predictive prior of the control arm of a next trial: table and chart, with its worth in infants, for any history of survival.

Normal likelihood on the complementary log-log scale with the printed precision, so that censoring is in it; the between-study sd tau is
half-normal at three scales, because with few cohorts the prior of tau decides how far the next arm may lie from them. The effective
sample size is that of the beta mixture fitted to the prior: infants all followed to the time named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from nextarm.borrowing import BetaMixture, MapPrior, effective_sample_size, fit_mixture, map_prior
from nextarm.core.errors import NextarmError, RefusedError
from nextarm.core.trail import Trail
from nextarm.report import Block, DataTable, RowGroup, number, say
from nextarm.report.charts import LineSeries, lines
from nextarm.report.document import Inline, Number, Parts, Row
from nextarm.synthesis import StudyEstimate, half_normal

#: Scales of the half-normal prior on tau: little, moderate and large differences between trials; the middle one is used in words.
TAU_SCALES = (0.15, 0.3, 0.5)
USED = 0.3
ROBUST = 0.2


@dataclass(frozen=True)
class History:
    """Cohorts that a prior is made of, with what to call them."""

    key: str
    words: str
    studies: tuple[StudyEstimate, ...]
    trail: Trail
    #: Priors worked out so far, by scale: a section asks for the same one in its words, its chart and its table.
    made: dict[float, ControlPrior | None] = field(default_factory=dict, init=False, compare=False, repr=False)


@dataclass(frozen=True)
class ControlPrior:
    """The prior from one history at one scale of tau, its beta mixture, and the same made robust."""

    history: History
    scale: float
    prior: MapPrior
    mixture: BetaMixture
    robust: BetaMixture

    @property
    def trail(self) -> Trail:
        """The prior's trail."""
        return self.prior.trail

    def infants(self, *, robust: bool = False, method: str = "elir") -> float | None:
        """Effective sample size in infants; None where it is not defined."""
        try:
            return effective_sample_size(self.robust if robust else self.mixture, method=method)
        except RefusedError:
            return None


def control_prior(history: History, scale: float = USED) -> ControlPrior | None:
    """The prior of ``history``; None where no study can be used."""
    if scale not in history.made:
        history.made[scale] = _control_prior(history, scale)
    return history.made[scale]


def _control_prior(history: History, scale: float) -> ControlPrior | None:
    try:
        prior = map_prior(history.studies, likelihood="normal", tau=half_normal(scale), base=history.trail)
        mixture = fit_mixture(prior, family="beta").mixture
    except NextarmError:
        return None
    assert isinstance(mixture, BetaMixture)
    return ControlPrior(history, scale, prior, mixture, mixture.robustify(ROBUST))


def infants_number(found: ControlPrior, *, name: str, robust: bool = False, method: str = "elir") -> Number:
    """The prior's worth in infants."""
    words = {"elir": "expected local information ratio", "moment": "matched first two moments"}[method]
    trail = replace(
        found.trail,
        method=f"effective sample size of the prior, {words}" + (f", with a uniform component of weight {ROBUST:g}" if robust else ""),
    )
    return number(found.infants(robust=robust, method=method), "count", name=name, trail=trail, missing="not defined")


def prior_number(found: ControlPrior, *, name: str) -> Number:
    """The median of the prior with its 95 % predictive interval; the median of a prior from a single row is that row's own value."""
    trail = replace(found.trail, of_row=len(found.trail.rows) == 1)
    return number(found.prior.median, "percent", name=name, trail=trail, interval=found.prior.ci)


def prior_blocks(histories: Sequence[History], *, name: str, title: str, what: str, note: Inline | Parts = ()) -> list[Block]:
    """A table of the priors and a chart of the first history's densities; empty where no history can be used.

    ``what`` names the quantity, ``name`` begins the numbers' names.
    """
    table: list[Row | RowGroup] = []
    curves: list[LineSeries] = []
    for h in histories:
        made = [p for p in (control_prior(h, s) for s in TAU_SCALES) if p is not None]
        if not made:
            continue
        table.append(RowGroup(h.words))
        for p in made:
            key = f"{name}.{h.key}.tau{round(100 * p.scale)}"
            table.append(
                (
                    f"half-normal, scale {p.scale:g}",
                    prior_number(p, name=key),
                    infants_number(p, name=f"{key}.ess"),
                    infants_number(p, name=f"{key}.ess-moment", method="moment"),
                    infants_number(p, name=f"{key}.ess-robust", robust=True),
                )
            )
        if not curves:
            curves = _curves(made)
    if not table:
        return []
    first = next(p for p in (control_prior(h) for h in histories) if p is not None)
    return [
        lines(
            curves,
            id=name.replace(".", "-"),
            title=title,
            x_title=what + ", %",
            y_title="density",
            format="decimal(1)",
            x_format="count",
            points=False,
            x_domain=(0.0, 100.0),
            trail=first.trail,
            caption=say(
                f"From {histories[0].words}. The scale is that of the half-normal prior on the between-study standard deviation of "
                "log(-log S); "
                "robust: a uniform component is added."
            ),
        ),
        DataTable(
            caption=title,
            columns=("Prior on the differences between trials", what, "Worth in infants", "by moments", "made robust"),
            rows=tuple(table),
            sortable=False,
            narrow="stack",
            note=say(
                "Median and 95 % predictive interval of the next arm's true value. Worth in infants: expected local information "
                "ratio of the "
                "beta mixture fitted to the prior, infants all followed to that time; by moments is the more cautious. Robust: a uniform "
                "component of weight 20 %. ",
                note,
            ),
        ),
    ]


def _curves(made: Sequence[ControlPrior]) -> list[LineSeries]:
    grid = tuple(i / 200.0 for i in range(10, 200))
    x = tuple(100.0 * g for g in grid)
    series = [LineSeries(name=f"scale {p.scale:g}", x=x, y=tuple(float(p.mixture.density(g)) for g in grid), trail=p.trail) for p in made]
    used = next((p for p in made if p.scale == USED), made[0])
    robust = LineSeries(name=f"scale {used.scale:g}, robust", x=x, y=tuple(float(used.robust.density(g)) for g in grid), trail=used.trail)
    return [*series, robust]
