"""Up to four designs side by side: each simulated over the scenarios of its plan with the same random numbers.

The same seed gives the same draws to every design, so that the same infants enter, and differences between designs are
more precise than their rates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from nextarm.core.errors import CallError
from nextarm.core.result import Result, record
from nextarm.core.trail import Trail
from nextarm.designs.plan import Plan
from nextarm.simulation.characteristics import OperatingCharacteristics
from nextarm.simulation.checkpoint import write_result
from nextarm.simulation.dose_result import DoseCharacteristics
from nextarm.simulation.platform_result import PlatformCharacteristics
from nextarm.simulation.run import AnyCharacteristics, result_kind, simulate_any
from nextarm.simulation.totals import RunOptions

if TYPE_CHECKING:
    import polars as pl

#: Designs beyond which a comparison is no longer read.
MOST_DESIGNS = 4


@record
class SideBySide(Result):
    """Designs compared; ``runs[i]`` of the classes below are the operating characteristics of the design called ``names[i]``."""

    names: tuple[str, ...]

    def by_name(self) -> dict[str, Any]:
        """Each run by the name of its design."""
        return dict(zip(self.names, getattr(self, "runs"), strict=True))  # noqa: B009 (the classes below have them)

    def design(self, name: str) -> Any:
        """The run of the design ``name``; KeyError lists what there is."""
        return self.by_name()[name]

    def table(self) -> pl.DataFrame:
        """One row a scenario and design (and arm or dose): rates and means, each with its Monte-Carlo standard error."""
        import polars as pl

        frames = [run.table().insert_column(0, pl.lit(name).alias("design")) for name, run in self.by_name().items()]
        made: pl.DataFrame = pl.concat(frames, how="diagonal")
        return made


@record
class ComparedDesigns(SideBySide):
    """Designs that reject a null or do not."""

    runs: tuple[OperatingCharacteristics, ...]


@record
class ComparedPlatforms(SideBySide):
    """Platforms: each arm has its own rates."""

    runs: tuple[PlatformCharacteristics, ...]


@record
class ComparedDoses(SideBySide):
    """Dose finding designs: each dose has its own rates."""

    runs: tuple[DoseCharacteristics, ...]


Compared = ComparedDesigns | ComparedPlatforms | ComparedDoses
_KINDS: dict[type, type[Any]] = {
    OperatingCharacteristics: ComparedDesigns,
    PlatformCharacteristics: ComparedPlatforms,
    DoseCharacteristics: ComparedDoses,
}


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


def simulate_designs(plans: Mapping[str, Plan], **options: Unpack[RunOptions]) -> Compared:
    """Simulate each of ``plans`` (2 to 4, by the name of the design) under its scenarios; options as in ``simulate``.

    ``out`` has a folder ``design-1`` and so on for each, and ``results.json`` for all. Raises :class:`CallError` for
    another number of designs, and for designs whose results do not stand side by side (a platform beside a fixed design).
    """
    if not 2 <= len(plans) <= MOST_DESIGNS:
        raise CallError(f"{len(plans)} designs", rule=f"2 to {MOST_DESIGNS} designs are compared")
    kinds = {name: result_kind(plan) for name, plan in plans.items()}
    if len(set(kinds.values())) > 1:
        words = ", ".join(f"{name!r} is {plan.design.kind}" for name, plan in plans.items())
        raise CallError(
            f"{len(plans)} designs, of which {words}",
            rule="platforms are compared with platforms, dose finding with dose finding, and the others among themselves",
        )
    progress, out = options.pop("progress", None), options.pop("out", None)
    runs: list[AnyCharacteristics] = []
    for i, plan in enumerate(plans.values()):

        def ahead(done: int, total: int, before: int = i) -> None:
            if progress:
                progress(before * total + done, len(plans) * total)

        folder = None if out is None else Path(out) / f"design-{i + 1}"
        mine: RunOptions = {**options, "out": folder, "progress": ahead}
        runs.append(simulate_any(plan, **mine))
    trail = Trail(method=runs[0].trail.method, seed=options.get("seed", 0), assumptions=("the same random numbers for every design",))
    warnings = tuple(f"{name}: {text}" for name, run in zip(plans, runs, strict=True) for text in run.warnings)
    result: Compared = _KINDS[type(runs[0])](trail=trail, warnings=warnings, names=tuple(plans), runs=tuple(runs))
    if out is not None:
        write_result(Path(out), result.to_json(indent=2))
    return result
