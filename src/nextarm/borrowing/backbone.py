"""The guard of a backbone: a history of other treatment never enters the prior of an arm that will have an agent.

The control of the next trial is the backbone it is built on. Whether an arm had it is read from the evidence (``agents`` and
``treatment_class`` of the arm), never guessed from a name.
"""

from __future__ import annotations

from collections.abc import Iterable

from nextarm.core.errors import CallError, DataError, Problem
from nextarm.evidence import Package


def require_backbone(package: Package, arms: Iterable[str], backbone: str) -> None:
    """Raise :class:`DataError` naming every arm of ``arms`` that did not have the agent ``backbone``.

    An arm of chemotherapy alone is refused whatever its agents column says. Raises :class:`CallError` where no arm of
    the package had the agent: it is then a slip of the pen.

    >>> from nextarm.evidence import load_package
    >>> require_backbone(load_package(), ["blin"], "blinatumomab")
    """
    wanted = backbone.strip().lower()
    known = {name.lower() for arm in package.arms for name in arm.agent_names}
    if wanted not in known:
        raise CallError(f"backbone = {backbone!r}", rule="no arm of the package had it", cure=f"Agents: {', '.join(sorted(known))}")
    problems = []
    for name in dict.fromkeys(arms):
        arm = package.arm(name)
        had = {a.lower() for a in arm.agent_names}
        if wanted in had and not arm.treatment_class.lower().startswith("chemotherapy"):
            continue
        problems.append(
            Problem(
                f"{name} ({arm.treatment_class})",
                f"package {package.name}",
                f"did not have {backbone}, the backbone of the new arm",
                "Choose arms that were treated as the new arm will be",
            )
        )
    if problems:
        raise DataError(problems=problems)
