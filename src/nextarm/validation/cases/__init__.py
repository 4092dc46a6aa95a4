"""The validation cases, one module a room, joined here by hand: no scanning."""

from __future__ import annotations

from nextarm.validation.case import Case


def all_cases() -> tuple[Case, ...]:
    """Every case of every room, in the order of the rooms."""
    from nextarm.validation.cases import (
        borrowing,
        borrowing_calibration,
        borrowing_priors,
        designs,
        evidence,
        figures,
        patients,
        simulation,
        simulation_power,
        survival,
        survival_models,
        synthesis,
    )

    rooms = (
        evidence,
        survival,
        survival_models,
        figures,
        patients,
        synthesis,
        borrowing,
        borrowing_priors,
        borrowing_calibration,
        designs,
        simulation,
        simulation_power,
    )
    return tuple(case for room in rooms for case in room.CASES)
