"""Survival truths from a fit: ``survival = { posterior = "FILE" }``, and a design's power over draws of them.

FILE is what ``nextarm fit --out`` writes (JSON). In a plan the truth is the fit's estimate; what is not known of it is in
:func:`power_over_draws`, which evaluates the design under many draws of the parameters, and in :func:`drawn_scenarios`,
which adds draws to a plan as scenarios for the virtual trials. Arms that name one file share each draw.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nextarm.core.errors import CallError, NextarmError, RefusedError
from nextarm.core.result import Interval, Result, record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray

if TYPE_CHECKING:
    from nextarm.designs.plan import Plan
    from nextarm.designs.truths import Distribution
    from nextarm.survival.fit_result import Fit


@record
class PowerOverDraws(Result):
    """Power of a design averaged over what is not known of its truths.

    ``assurance`` the mean of ``powers`` (draws,) with its ``standard_error`` from the number of draws; ``interval`` where
    the middle 95 % of powers lie; ``power_at_estimate`` with the fits' estimates as the truth.
    """

    assurance: float
    standard_error: float
    power_at_estimate: float
    interval: Interval
    powers: FloatArray

    shown = ("assurance", "standard_error", "power_at_estimate")


def fitted_truth(spec: Mapping[str, Any], *, path: str = "") -> Distribution:
    """The estimate of the fit that ``spec`` names; :class:`CallError` naming ``path`` if it cannot serve."""
    key = f"{path}." if path else ""
    if unknown := set(spec) - {"posterior", "arm"}:
        raise CallError(f"{key}{min(unknown)}", rule="is not known beside posterior", cure="Give posterior and, if wished, arm")
    for name in ("posterior", "arm"):
        if name in spec and not isinstance(spec[name], str):
            raise CallError(f"{key}{name} = {spec[name]!r}", rule="must be a text in quotes")
    try:
        return _fit(spec["posterior"]).distribution(arm=spec.get("arm"))
    except NextarmError as error:
        raise CallError(f"{key}posterior = {spec['posterior']!r}", rule=str(error).rstrip(".")) from None


def located(data: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """``data`` with every relative ``posterior`` file taken from ``folder``, where the plan stands."""
    made: dict[str, Any] = {}
    for key, value in data.items():
        if key == "posterior" and isinstance(value, str):
            made[key] = str((folder / value).resolve())
        elif isinstance(value, Mapping):
            made[key] = located(value, folder)
        elif isinstance(value, list):
            made[key] = [located(v, folder) if isinstance(v, Mapping) else v for v in value]
        else:
            made[key] = value
    return made


def power_over_draws(plan: Plan, *, draws: int = 200, seed: int = 0) -> PowerOverDraws:
    """Evaluate the plan's design (at its own size) under ``draws`` draws of the arms that come from fits.

    Raises :class:`RefusedError` if no arm does, :class:`CallError` for fewer than 2 draws.
    """
    if draws < 2:
        raise CallError(f"draws = {draws}", rule="must be at least 2")
    own = plan.without("solve", "scenario", "grid", "compare")
    powers = np.array([own.changed({"arms": arms}).evaluate().power for arms in _drawn(own, draws, seed)])
    low, high = (float(np.quantile(powers, q)) for q in (0.025, 0.975))
    return PowerOverDraws(
        trail=Trail(
            method=f"power averaged over {draws} draws of the fitted truths, normal on the estimation scale",
            seed=seed,
            inputs=tuple(sorted({spec["posterior"] for spec in _fitted(own).values()})),
            assumptions=("the fitted models, accrual and dropout of the plan",),
        ),
        assurance=float(powers.mean()),
        standard_error=float(powers.std(ddof=1) / np.sqrt(draws)),
        power_at_estimate=own.evaluate().power,
        interval=Interval(low=low, high=high, kind="of the draws"),
        powers=powers,
    )


def drawn_scenarios(plan: Plan, *, draws: int = 20, seed: int = 0) -> Plan:
    """The plan with ``draws`` more scenarios, each with one draw of the fitted arms, for the virtual trials."""
    data = plan.to_data()
    extra = [{"name": f"draw {i}", "arms": arms} for i, arms in enumerate(_drawn(plan, draws, seed), 1)]
    return plan.changed({"scenario": [*data.get("scenario", ()), *extra]})


def _fitted(plan: Plan) -> dict[str, Mapping[str, Any]]:
    return {name: arm.survival for name, arm in plan.arms.items() if "posterior" in arm.survival}


def _drawn(plan: Plan, draws: int, seed: int) -> list[dict[str, Any]]:
    """Changes of the arms for each draw."""
    from nextarm.survival import model_to_spec

    fitted = _fitted(plan)
    if not fitted:
        raise RefusedError("no arm comes from a fit", rule='at least one must have survival = { posterior = "FILE" }')
    files = sorted({spec["posterior"] for spec in fitted.values()})
    arms = {
        name: _fit(spec["posterior"]).distributions(draws, seed=seed + files.index(spec["posterior"]), arm=spec.get("arm"))
        for name, spec in fitted.items()
    }
    return [{name: {"survival": model_to_spec(models[i])} for name, models in arms.items()} for i in range(draws)]


def _fit(path: str) -> Fit:
    file = Path(path)
    try:
        return _read(str(file), file.stat().st_mtime_ns)
    except OSError:
        raise CallError(f"{path}", rule="is not a file that can be read", cure="Give the JSON of a fit") from None


@lru_cache(maxsize=32)
def _read(path: str, changed: int) -> Fit:
    from nextarm.survival.fit_result import Fit

    return Fit.from_json(Path(path).read_text(encoding="utf-8"))
