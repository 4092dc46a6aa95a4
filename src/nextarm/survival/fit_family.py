"""From the name of a model, such as ``mixture-cure:weibull``, to its family."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any, cast

from nextarm.core.errors import CallError
from nextarm.survival.models import CURES, LATENCIES
from nextarm.survival.models.cure_terms import CureLink, cured_family
from nextarm.survival.models.family import Family
from nextarm.survival.models.piecewise_exponential import PiecewiseExponential
from nextarm.survival.models.promotion_time_cure import PromotionTimeCure

CURE_LINKS: tuple[str, ...] = ("logit", "log-log")


def family_of(model: str, cuts: Sequence[float] = (), cure_link: str = "") -> Family:
    """The family of ``model``: a model's name, or a cure model's and its latency's with a colon between.

    ``cuts`` belong to the piecewise exponential model. ``cure_link`` "" is logit in a mixture and log-log in a
    promotion-time model. Raises :class:`CallError` for unknown names.
    """
    kind, _, inner = model.rpartition(":")
    latencies = {cls.name: cls for cls in LATENCIES}
    cures = tuple(cls.name for cls in CURES)
    if inner not in latencies or (kind and kind not in cures):
        known = [*latencies, *(f"{c}:{name}" for c in cures for name in latencies)]
        near = difflib.get_close_matches(f"{inner}:weibull" if inner in cures else model, known, 1)
        rule = f"must be one of {', '.join(latencies)}, alone or after {' or '.join(c + ':' for c in cures)}"
        raise CallError(f"model = {model!r}", rule=rule, cure=f"Did you mean {near[0]!r}?" if near else "")
    cls: Any = latencies[inner]
    if cls is PiecewiseExponential:
        family: Family = cls.family(cuts)
    elif len(cuts):
        raise CallError(f"cuts = {list(cuts)}", rule=f"{inner} has none", cure="Use them with piecewise-exponential")
    else:
        family = cls.family()
    link = cure_link or default_cure_link(kind)
    if not kind:
        if cure_link:
            raise CallError(f"cure_link = {cure_link!r}", rule=f"{inner} has no cure fraction")
        return family
    if link not in CURE_LINKS:
        raise CallError(f"cure_link = {cure_link!r}", rule=f"must be one of {', '.join(CURE_LINKS)}")
    return cured_family(kind, family, cast(CureLink, link))


def default_cure_link(kind: str) -> str:
    """The link of the cure fraction where none is asked for."""
    return "log-log" if kind == PromotionTimeCure.name else "logit"
