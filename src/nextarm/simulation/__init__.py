"""Virtual trials: the plain oracle, blocks and workers, operating characteristics.

May import: core to designs.
"""

from nextarm.simulation.block import patients_of
from nextarm.simulation.characteristics import Mean, OperatingCharacteristics, Rate, ScenarioCounts
from nextarm.simulation.platform_result import PlatformCharacteristics
from nextarm.simulation.run import simulate, simulate_platform

__all__ = [
    "Mean",
    "OperatingCharacteristics",
    "PlatformCharacteristics",
    "Rate",
    "ScenarioCounts",
    "patients_of",
    "simulate",
    "simulate_platform",
]
