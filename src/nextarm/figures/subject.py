"""Whether a figure shows survival at all: what the words at its axes and their ranges say.

A ROC curve, a cumulative hazard or a calibration plot has axes from 0 to 1 and rising lines, as 1 - S has. Its shape tells
nothing; its labels do, and so does a time axis that ends at 1.
"""

from __future__ import annotations

import re

from nextarm.figures.reading import FigureRefused

#: What a figure is instead, the words at either axis that say so, and the words of both axes where one alone is not enough.
OTHERS: tuple[tuple[str, str, str], ...] = (
    ("a ROC curve", r"specificit|false[\s-]*positive|\bfpr\b", r"sensitivit|true[\s-]*positive|\btpr\b"),
    ("a curve of precision and recall", r"\brecall\b", r"\bprecision\b"),
    ("a calibration plot", r"predicted|expected\s+(risk|prob)", r"\bobserved\b|\bactual\b"),
    ("a decision curve", r"threshold", r"net\s+benefit"),
    ("a dose-response curve", r"\bdose\b|concentration", r"\bresponse\b|inhibition|viability"),
    ("a distribution", r"(?!)", r"relative\s+frequenc|\bdensity\b|histogram"),
    ("a cumulative hazard", r"(?!)", r"(cumulative|nelson.{0,8}aalen|integrated)\s*hazard|^\W*hazard\W*(rate|function)?\W*$"),
    ("a chart of ratios", r"(hazard|odds|risk)\s+ratio", r"(?!)"),
)
TIME = re.compile(
    r"\btime\b|follow[\s-]*up|survival|months?\b|years?\b|weeks?\b|days?\b|since|after|from\s+(diagnosis|random|transplant)", re.I
)
CURE = "If it shows survival all the same, give time_unit (and upward) in the marks file"


def other_subject(x_label: str | None, y_label: str | None) -> str | None:
    """What a figure shows instead of survival, by the labels of its axes; None where nothing speaks against survival."""
    for name, across, up in OTHERS:
        if (x_label and re.search(across, x_label, re.I)) or (y_label and re.search(up, y_label, re.I)):
            # One word of a pair may stand on a survival figure too ("expected", "response", "observed survival").
            both = bool(x_label and y_label)
            if both and TIME.search(x_label or "") and name not in ("a cumulative hazard", "a distribution"):
                continue
            return name
    return None


def check_subject(
    *, x_label: str | None, y_label: str | None, unit: str | None, x_range: tuple[float, float], upward: bool, settled: bool
) -> tuple[str, ...]:
    """Doubts about whether the figure shows survival.

    Args:
        x_label, y_label: labels of the axes, None where none was read. unit: time unit, None where none is named.
        x_range: first and last value of the time axis. upward: whether the curves rise. settled: whether a user said that it does.

    Returns:
        Warnings.

    Raises:
        FigureRefused: the labels name something else, or both axes run from 0 to 1 and no time is named.
    """
    other = other_subject(x_label, y_label)
    said = " and ".join(f"'{v}'" for v in (x_label, y_label) if v)
    if other is not None and settled:
        return (f"the labels {said} are those of {other}, not of survival: it was read because the marks say so",)
    if other is not None:
        raise FigureRefused(f"the figure is {other}, not survival: its axes are labelled {said}", cure=CURE)
    named = unit is not None or bool(x_label and TIME.search(x_label))
    last = x_range[1]
    if not named and not settled and 0.99 <= last <= 1.01:
        raise FigureRefused(
            "both axes run from 0 to 1 and no unit of time is named", rule="so do the axes of a ROC or calibration curve", cure=CURE
        )
    if not named and not settled and upward and 99 <= last <= 101:
        return ("the curves rise, and both axes run to 100 without a unit of time: whether they show survival is not certain",)
    if upward and not y_label and not settled:
        return ("the curves rise and no label says what they show: whether it is 1 - S is not certain",)
    return ()
