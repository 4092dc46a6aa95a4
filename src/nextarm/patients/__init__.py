"""Curves and what is printed beside them to patients, in several plausible versions.

May import: core, evidence, survival, figures.
"""

from nextarm.patients.clean import Repair
from nextarm.patients.competing import incidence_at, reconstruct_competing
from nextarm.patients.landmarks import from_landmarks
from nextarm.patients.reconstruct import reconstruct
from nextarm.patients.record import ArmFit, CheckItem, Checks, Reconstruction
from nextarm.patients.soft import Landmark, Printed

__all__ = [
    "ArmFit",
    "CheckItem",
    "Checks",
    "Landmark",
    "Printed",
    "Reconstruction",
    "Repair",
    "from_landmarks",
    "incidence_at",
    "reconstruct",
    "reconstruct_competing",
]
