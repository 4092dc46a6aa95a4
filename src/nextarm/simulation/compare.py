"""Up to four designs side by side: each simulated over the scenarios of its plan with the same random numbers.

The same seed gives the same draws to every design, so that the same infants enter, and differences between designs are
more precise than their rates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nextarm.core.errors import CallError
from nextarm.core.result import Result, record
from nextarm.core.trail import Trail
from nextarm.designs.plan import Plan
from nextarm.simulation.characteristics import OperatingCharacteristics
from nextarm.simulation.checkpoint import write_result
from nextarm.simulation.run import simulate

if TYPE_CHECKING:
    import polars as pl

#: Designs beyond which a comparison is no longer read.
MOST_DESIGNS = 4


@record
class ComparedDesigns(Result):
    """``runs[i]`` are the operating characteristics of the design called ``names[i]``."""

    names: tuple[str, ...]
    runs: tuple[OperatingCharacteristics, ...]

    def design(self, name: str) -> OperatingCharacteristics:
        """The run of the design ``name``; KeyError lists what there is."""
        return dict(zip(self.names, self.runs, strict=True))[name]

    def table(self) -> pl.DataFrame:
        """One row a scenario and design: rates and means, each with its Monte-Carlo standard error."""
        import polars as pl

        frames = [run.table().insert_column(0, pl.lit(name).alias("design")) for name, run in zip(self.names, self.runs, strict=True)]
        return pl.concat(frames, how="diagonal")


def designs_by_name(plans: Sequence[Plan]) -> dict[str, Plan]:
    """The designs to simulate: one plan's own (``as planned``) and those of its ``[[compare]]``, or those of several plans.

    :class:`CallError` for several plans of which one has ``[[compare]]``, or none.
    """
    if len(plans) == 1:
        return {"as planned" if name == "plan" else name: made for name, made in plans[0].designs()}
    if not plans or any(plan.compare for plan in plans):
        raise CallError(f"{len(plans)} plans", rule="several plans are compared without [[compare]]", cure="Give one plan with [[compare]]")
    names = [plan.trial.name for plan in plans]
    taken = [name if names.count(name) == 1 else f"{name} ({i + 1})" for i, name in enumerate(names)]
    return {name: plan.without("solve") for name, plan in zip(taken, plans, strict=True)}


def simulate_designs(
    plans: Mapping[str, Plan],
    *,
    trials: int | None = None,
    seed: int = 0,
    workers: int = 1,
    precision: float | None = None,
    out: str | Path | None = None,
    cluster: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ComparedDesigns:
    """Simulate each of ``plans`` (2 to 4, by the name of the design) under its scenarios; options as in ``simulate``.

    ``out`` has a folder ``design-1`` and so on for each, and ``results.json`` for all. Raises :class:`CallError` for
    another number of designs.
    """
    if not 2 <= len(plans) <= MOST_DESIGNS:
        raise CallError(f"{len(plans)} designs", rule=f"2 to {MOST_DESIGNS} designs are compared")
    runs, count = [], len(plans)
    for i, plan in enumerate(plans.values()):

        def ahead(done: int, total: int, before: int = i) -> None:
            if progress:
                progress(before * total + done, count * total)

        folder = None if out is None else Path(out) / f"design-{i + 1}"
        options = {"trials": trials, "seed": seed, "workers": workers, "precision": precision, "out": folder, "cluster": cluster}
        runs.append(simulate(plan, **options, progress=ahead))  # type: ignore[arg-type]
    result = ComparedDesigns(
        trail=Trail(method=runs[0].trail.method, seed=seed, assumptions=("the same random numbers for every design",)),
        warnings=tuple(f"{name}: {text}" for name, run in zip(plans, runs, strict=True) for text in run.warnings),
        names=tuple(plans),
        runs=tuple(runs),
    )
    if out is not None:
        write_result(Path(out), result.to_json(indent=2))
    return result
