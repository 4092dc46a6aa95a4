"""In which part of the illness an arm was treated: read from the words of its stratum, since no column says it.

A derived grouping for choosing rows, never a reason to pool. The first rule that fits decides; the words are listed here
and nowhere else.
"""

from __future__ import annotations

from typing import Final

from nextarm.evidence.schema import Arm

#: Setting, what it means, and the words of ``stratum`` that decide it; ``frontline`` is what remains.
SETTINGS: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    ("relapsed", "relapsed or refractory leukaemia, or after a change of lineage", ("relapse", "refractory", "after antigen-targeted")),
    ("survivors", "people alive after treatment, found by a survey", ("survivor",)),
    ("population", "a registry of a whole population", ("population",)),
    ("first remission", "groups that only hold patients who reached a first remission", ("cr1", "transplanted")),
    ("persistent MRD", "patients chosen for residual disease", ("mrd-positive",)),
    ("any", "any remission or line of treatment", ()),
    ("frontline", "newly diagnosed, all other arms (some hold only patients who came through induction: see the notes)", ()),
)
SETTING_NAMES: Final = tuple(name for name, _, _ in SETTINGS)


def setting_of(arm: Arm) -> str:
    """The setting of ``arm``, one of :data:`SETTING_NAMES`.

    >>> setting_of(Arm(arm_id="a", stratum="KMT2A-r in CR1")), setting_of(Arm(arm_id="b", stratum="all"))
    ('first remission', 'frontline')
    """
    stratum = arm.stratum.lower()
    for name, _, words in SETTINGS:
        if any(word in stratum for word in words) or (name == "any" and stratum == "any"):
            return name
    return "frontline"
