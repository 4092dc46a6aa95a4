"""Which arms share patients: what may not be pooled or compared as if it were independent.

Known from the tables: an arm is inside its parent; a note says ``shares patients with X, Y-* and Z`` (arms, studies, or
arms by prefix), ``survivors of X`` or ``overlaps X``. Two arms of one study that stand in the same ``pool_set`` are the
curator's word that they are disjoint; other pairs of one study are disjoint only where their subtypes exclude each other.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nextarm.evidence.package import Package
    from nextarm.evidence.schema import Arm

_SAYS = re.compile(r"(?:shares patients with|survivors of|overlaps(?: in time with)?)\s+([^;:.()]*)")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*\*?")


def documented_overlap(package: Package, arm: Arm) -> frozenset[str]:
    """The arms whose patients ``arm`` shares by its own note, its ancestors' notes or its study's note."""
    own = [arm, *(package.arm(a) for a in package.ancestors(arm))]
    notes = [a.note for a in own] + [s.note for s in package.studies if s.study_id == arm.study_id]
    names = {name for note in notes for said in _SAYS.findall(note) for name in _NAME.findall(said)}
    return frozenset(
        other.arm_id
        for other in package.arms
        if any(other.arm_id == n or other.study_id == n or ("*" in n and fnmatchcase(other.arm_id, n)) for n in names)
    )


def shared_patients(package: Package, first: str, second: str, *, documented_only: bool = False) -> str:
    """Say why the arms ``first`` and ``second`` share, or may share, patients; ``""`` where they do not.

    With ``documented_only`` two arms of one study count as disjoint unless the tables say otherwise.

    >>> from nextarm.evidence import load_package
    >>> shared_patients(load_package(), "mll10-r", "mll10-hr")
    'mll10-hr is part of mll10-r'
    >>> shared_patients(load_package(), "mll10-r", "mll03-r")
    ''
    """
    a, b = package.arm(first), package.arm(second)
    if first == second:
        return f"{first} is the same arm"
    up_a, up_b = package.ancestors(a), package.ancestors(b)
    if second in up_a:
        return f"{first} is part of {second}"
    if first in up_b:
        return f"{second} is part of {first}"
    for arm, other, up_other in ((a, b, up_b), (b, a, up_a)):
        shared = documented_overlap(package, arm)
        inside = {x for x in shared if other.arm_id in package.ancestors(x)}
        if shared & {other.arm_id, *up_other} or inside:
            return f"{arm.arm_id} shares patients with {other.arm_id} (its note)"
    if documented_only or a.study_id != b.study_id or (a.pool_set and a.pool_set == b.pool_set):
        return ""
    if a.subtype != b.subtype and "any" not in (a.subtype, b.subtype):
        return ""
    return f"{first} and {second} are groups of one study ({a.study_id}) and nothing says that they are disjoint"
