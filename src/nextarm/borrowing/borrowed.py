"""What borrowing gives: the distribution of an arm's parameters, how much of the history entered, and the trail."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from nextarm.borrowing.arm_data import ArmData, BinaryData, CureData, ExposureData, names_of
from nextarm.borrowing.gridded import Gridded
from nextarm.borrowing.joint_mixture import JointMixture
from nextarm.borrowing.mixtures import Mixture
from nextarm.borrowing.multinormal import MultinormalMixture
from nextarm.core.errors import CallError
from nextarm.core.result import Result, record
from nextarm.core.trail import Trail

if TYPE_CHECKING:
    import polars as pl


@record
class ParameterSummary:
    """One parameter: mean, sd, median and central interval (natural scale; estimation scale for cure models)."""

    name: str
    mean: float
    sd: float
    median: float
    low: float
    high: float


@record
class Borrowed(Result):
    """The distribution of an arm's parameters after borrowing (a prior where there were no current data, a posterior else).

    ``control`` names what decides how much is borrowed (``a0``, ``tau``, ``weight``) with its mean and sd (None where fixed);
    ``borrowed_share`` is the share of the history's information that entered, ``borrowed_events`` and ``borrowed_n`` that share of
    its events and patients. ``distribution`` is a mixture; ``grids`` (commensurate counts) hold each parameter on the scale
    ``grid_scale`` instead.
    """

    method: str
    form: str
    names: tuple[str, ...]
    control: str
    control_mean: float
    control_sd: float | None
    borrowed_share: float
    borrowed_events: float | None
    borrowed_n: float | None
    parameters: tuple[ParameterSummary, ...]
    distribution: JointMixture | MultinormalMixture | None
    grids: tuple[Gridded, ...]
    grid_scale: str
    log_evidence: float | None
    level: float

    shown: ClassVar[tuple[str, ...]] = (
        "method",
        "control",
        "control_mean",
        "control_sd",
        "borrowed_share",
        "borrowed_events",
        "borrowed_n",
    )

    def table(self) -> pl.DataFrame:
        """One row a parameter, with what decided the borrowing."""
        import polars as pl

        rows = [
            {"parameter": p.name, "mean": p.mean, "sd": p.sd, "median": p.median, "low": p.low, "high": p.high} for p in self.parameters
        ]
        more = {"control": self.control, "control_mean": self.control_mean, "borrowed_share": self.borrowed_share}
        return pl.DataFrame([row | more for row in rows], infer_schema_length=None)

    def cdf(self, x: float, parameter: int = 0) -> float:
        """Probability that a parameter (natural scale; estimation scale for cure models) is at most ``x``."""
        if self.distribution is not None:
            return float(self.distribution.marginal(parameter).cdf(x))
        if self.grid_scale == "logit":
            if not 0.0 < x < 1.0:
                return 0.0 if x <= 0.0 else 1.0
            return float(self.grids[parameter].cdf(math.log(x / (1.0 - x))))
        return 0.0 if x <= 0.0 else float(self.grids[parameter].cdf(math.log(x)))


def summary_of_mixture(name: str, mixture: Mixture, level: float) -> ParameterSummary:
    """A mixture in numbers."""
    inside = mixture.interval(level)
    return ParameterSummary(name=name, mean=mixture.mean(), sd=mixture.sd(), median=mixture.quantile(0.5), low=inside.low, high=inside.high)


def summary_of_grid(name: str, grid: Gridded, scale: str, level: float) -> ParameterSummary:
    """A distribution on the logit or log axis in numbers of its natural scale."""
    x, mass = grid.x, grid.density * np.gradient(grid.x)
    mass = mass / mass.sum()
    value = 1.0 / (1.0 + np.exp(-x)) if scale == "logit" else np.exp(np.minimum(x, 700.0))

    def back(v: float) -> float:
        return 1.0 / (1.0 + math.exp(-v)) if scale == "logit" else math.exp(v)

    mean = float(mass @ value)
    inside = grid.interval(level)
    return ParameterSummary(
        name=name, mean=mean, sd=math.sqrt(float(mass @ (value - mean) ** 2)), median=back(grid.quantile(0.5)), low=back(inside.low),
        high=back(inside.high),
    )  # fmt: skip


def sizes_of(data: ArmData) -> tuple[float | None, float | None]:
    """Events and patients of an arm, where known."""
    if isinstance(data, BinaryData):
        return float(data.events), float(data.n)
    if isinstance(data, ExposureData):
        return float(sum(data.events)), None
    return data.events, data.n


def borrowed_result(
    history: ArmData,
    distribution: JointMixture | MultinormalMixture | None,
    *,
    method: str,
    reference: str,
    control: str,
    control_mean: float,
    control_sd: float | None,
    share: float,
    assumptions: tuple[str, ...],
    log_evidence: float | None,
    level: float,
    base: Trail | None,
    grids: tuple[Gridded, ...] = (),
    grid_scale: str = "",
    warnings: tuple[str, ...] = (),
) -> Borrowed:
    """Put the parts together; :class:`CallError` for a level outside (0, 1)."""
    if not 0.0 < level < 1.0:
        raise CallError(f"level = {level}", rule="must lie between 0 and 1, both excluded")
    names = names_of(history)
    if distribution is not None:
        parameters = tuple(summary_of_mixture(n, distribution.marginal(j), level) for j, n in enumerate(names))
    else:
        parameters = tuple(summary_of_grid(n, g, grid_scale, level) for n, g in zip(names, grids, strict=True))
    before = base or Trail(method="")
    said = ("a normal (Laplace) likelihood of the mixture-cure parameters",) if isinstance(history, CureData) else ()
    events, n = sizes_of(history)
    return Borrowed(
        trail=Trail(
            method=method,
            reference=reference,
            rows=before.rows,
            left_out=before.left_out,
            sources=before.sources,
            assumptions=(*before.assumptions, *assumptions, *said),
            inputs=before.inputs,
        ),
        warnings=warnings,
        method=method,
        form=history.form,
        names=names,
        control=control,
        control_mean=control_mean,
        control_sd=control_sd,
        borrowed_share=share,
        borrowed_events=None if events is None else share * events,
        borrowed_n=None if n is None else share * n,
        parameters=parameters,
        distribution=distribution,
        grids=grids,
        grid_scale=grid_scale,
        log_evidence=log_evidence,
        level=level,
    )
