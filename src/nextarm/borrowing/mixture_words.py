"""A mixture in words, for a reader at the command line."""

from __future__ import annotations

from typing import Any

from nextarm.borrowing.beta_mixture import BetaMixture
from nextarm.borrowing.ess import METHODS, effective_sample_size
from nextarm.core.errors import RefusedError


def mixture_words(mixture: Any) -> list[str]:
    """The components of a beta mixture, one a line, and the effective sample size of any mixture by three definitions."""
    lines = []
    if isinstance(mixture, BetaMixture):
        parts = zip(mixture.weights, mixture.a, mixture.b, strict=True)
        lines = [f"  {w:.3f} Beta({a:.2f}, {b:.2f})" for w, a, b in parts]
    for method in METHODS:
        try:
            lines.append(f"effective sample size, {method:<7} {effective_sample_size(mixture, method=method):.1f}")
        except RefusedError as refusal:
            lines.append(f"effective sample size, {method:<7} not defined: {refusal}")
    return lines
