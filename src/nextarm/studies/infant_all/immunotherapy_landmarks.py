"""The landmarks of section 3: every one that the cohort and its historical control report in one analysis, with how wrong it could be."""

from __future__ import annotations

from dataclasses import dataclass

from nextarm.borrowing import (
    EValue,
    LandmarkComparison,
    ScepticalPosterior,
    TippingPoint,
    comparable_landmarks,
    compare_arms,
    e_value,
    sceptical_posterior,
    tipping_point,
)
from nextarm.evidence import Package

TREATED, CONTROL = "blin", "interfant-06-histctrl"
ENDPOINT, TIME = "DFS", 4.0


@dataclass(frozen=True)
class Landmark:
    """A landmark compared, with how wrong it could be."""

    endpoint: str
    time: float
    lock: str
    comparison: LandmarkComparison
    tipping: TippingPoint
    e: EValue | None
    sceptical: ScepticalPosterior | None

    @property
    def key(self) -> str:
        """The start of its numbers' names."""
        return f"immunotherapy.{self.endpoint.lower()}{self.time:g}"


def landmarks(package: Package) -> tuple[Landmark, ...]:
    """Every landmark that the two arms report in one analysis, each data lock by itself."""
    found = []
    for endpoint, time, lock in comparable_landmarks(package, treated=TREATED, control=CONTROL):
        c = compare_arms(package, treated=TREATED, control=CONTROL, endpoint=endpoint, time=time, data_lock=lock or None)
        ratio = c.cumulative_hazard_ratio is not None
        found.append(
            Landmark(endpoint, time, lock, c, tipping_point(c), e_value(c) if ratio else None, sceptical_posterior(c) if ratio else None)
        )
    return tuple(found)


def main_landmark(found: tuple[Landmark, ...]) -> Landmark:
    """The landmark that the section's answer is about: the one named above, else the last."""
    return next((x for x in found if x.endpoint == ENDPOINT and x.time == TIME), found[-1])
