"""The reports of the bundled studies and of study folders, as parts made of data and calls.

May import: core to report.
"""

from nextarm.studies.part import Part
from nextarm.studies.registry import STUDIES, build, parts_of

__all__ = ["STUDIES", "Part", "build", "parts_of"]
