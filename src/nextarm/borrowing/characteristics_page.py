"""The page docs/validation-borrowing.md: type I error and power of every borrowing method under drift, made by one call."""

from __future__ import annotations

from pathlib import Path

from nextarm.borrowing.operating_characteristics import (
    CONTROLS,
    CURE0,
    DELTA_P,
    DRIFTS,
    FORMS,
    HISTORY,
    METHODS,
    P0,
    RATE0,
    RATES0,
    SIMULATIONS,
    SIZES,
    THRESHOLD,
    TREATED,
    Characteristic,
    controls_saved,
    operating_characteristics,
)  # fmt: skip


def write_borrowing_page(path: str | Path = "docs/validation-borrowing.md") -> tuple[Characteristic, ...]:
    """Run everything and write the page; the same page each time."""
    everything: list[Characteristic] = []
    parts = []
    for form in FORMS:
        found = operating_characteristics(form)
        everything += found
        parts.append(_section(form, found, controls_saved(form, found)))
    worst = max((c for c in everything if c.method != "no borrowing"), key=lambda c: c.type1_error)
    adaptive = max((c for c in everything if c.method not in ("no borrowing", "pooling")), key=lambda c: c.type1_error)
    head = f"""# Operating characteristics of borrowing under drift

Written by `nextarm.borrowing.characteristics_page.write_borrowing_page`, which gives the same page again.

A randomised trial of {TREATED} treated and {CONTROLS} controls borrows from {HISTORY} historical controls. Their data are those
expected under the historical truth, so error and power are given the history and not averaged over it. The hazard of the
current controls is the historical one times exp(drift), log hazard ratios from -0.3 to 0.3; the treated hazard is the
controls' (type I error) or half of it (power). Treatment is called better when its posterior probability is above {THRESHOLD},
so the nominal one-sided level is 0.025. Negative drift, where controls of today do better than those of the past, makes a
useless treatment look good; no method that borrows is free of it.

First priors: uniform (probability), Gamma(0.5, 0.5) (hazards a year), normal with sd 1.8, 1, 1 (cure parameters). Commensurate:
tau ~ half-normal(0.5). Robust predictive prior: one study, tau ~ half-normal(0.25), vague component 0.2. Self-adapting mixture:
{DELTA_P} of a probability or cure fraction, log 1.5 of a hazard. Seeds are fixed in the source.

Worst cell: {_named(worst)}. Worst without pooling: {_named(adaptive)}.

"Controls saved": how many more controls a trial without borrowing needs for the same power without drift (interpolated between
{SIZES[0]} and {SIZES[-1]}). It is bought with the type I error beside it.
"""
    Path(path).write_text(head + "\n" + "\n".join(parts), encoding="utf-8")
    return tuple(everything)


def _named(c: Characteristic) -> str:
    return f"{c.method}, {c.form}, drift {c.drift:+.1f}, type I error {c.type1_error:.3f} (SE {c.type1_se:.4f})"


_TRUTHS = {
    "binary": f"Events by a fixed time, historical share {P0}. Enumerated: no Monte-Carlo error.",
    "exponential": f"Historical hazard {RATE0} a year, censoring uniform from 2 to 4 years.",
    "piecewise-exponential": f"Historical hazards {RATES0[0]} to 1 year, {RATES0[1]} after; better: a lower cumulative hazard at 3 years.",
    "mixture-cure": f"Historical cure fraction {CURE0}, Weibull latency (shape 1.3, scale 0.9 years); normal estimates of the three "
    "parameters with the covariance of a fit to 4,000 patients, scaled to the arm; drift and effect multiply the log of the cure fraction.",
}


def _section(form: str, found: tuple[Characteristic, ...], saved: dict[str, float | None]) -> str:
    n = SIMULATIONS.get(form)
    head = "| method | " + " | ".join(f"{d:+.1f}" for d in DRIFTS) + " |"
    rule = "|" + "---|" * (len(DRIFTS) + 1)
    lines = [f"## {form}", "", _TRUTHS[form] + (f" {n:,} trials a cell." if n else ""), "", "Type I error", "", head, rule]
    lines += [_row(m, [c for c in found if c.method == m], "type1") for m in METHODS]
    lines += ["", "Power", "", head[:-1] + "| controls saved |", rule + "---|"]
    for m in METHODS:
        value = saved[m]
        words = f"more than {SIZES[-1] - CONTROLS}" if value is None else f"{value:.0f}"
        lines.append(_row(m, [c for c in found if c.method == m], "power") + f" {words} |")
    return "\n".join(lines) + "\n"


def _row(method: str, cells: list[Characteristic], what: str) -> str:
    def one(c: Characteristic) -> str:
        value, se = (c.type1_error, c.type1_se) if what == "type1" else (c.power, c.power_se)
        return f"{value:.3f}" + (f" ({se:.4f})" if se else "")

    return f"| {method} | " + " | ".join(one(c) for c in cells) + " |"
