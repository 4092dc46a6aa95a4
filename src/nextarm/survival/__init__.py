"""Estimators, tests and models of time to event for one arm or several.

May import: core, evidence.
"""

from nextarm.survival.table import Patients, make_patients, read_patients

__all__ = ["Patients", "make_patients", "read_patients"]
