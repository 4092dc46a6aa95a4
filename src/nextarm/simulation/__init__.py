"""Virtual trials: the plain oracle, blocks and workers, operating characteristics.

May import: core to designs.
"""

from nextarm.simulation.block import patients_of
from nextarm.simulation.characteristics import Mean, OperatingCharacteristics, Rate, ScenarioCounts
from nextarm.simulation.dose_result import DoseCharacteristics
from nextarm.simulation.platform_result import PlatformCharacteristics
from nextarm.simulation.run import simulate, simulate_doses, simulate_platform
from nextarm.simulation.same_trials import simulate_guarded

__all__ = [
    "DoseCharacteristics",
    "Mean",
    "OperatingCharacteristics",
    "PlatformCharacteristics",
    "Rate",
    "ScenarioCounts",
    "patients_of",
    "simulate",
    "simulate_doses",
    "simulate_guarded",
    "simulate_platform",
]
