"""What shows no survival is refused with the reason, or read with a doubt that costs the grade; never with grade A or B."""

from __future__ import annotations

import pytest

from nextarm.figures.marks import Marks
from nextarm.figures.read_file import read_file
from nextarm.figures.reading import FigureRefused
from nextarm.figures.subject import check_subject, other_subject

pytest.importorskip("matplotlib")
from not_survival import KINDS, draw

NAMED = {
    "roc": "a ROC curve", "roc in per cent": "a ROC curve", "cumulative hazard": "a cumulative hazard", "lift": "precision and recall",
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_drawing_of_something_else_is_refused(kind: str) -> None:
    with pytest.raises(FigureRefused, match=NAMED.get(kind, r"no survival curve|not survival")) as caught:
        read_file(draw(kind, form="svg"), kind="svg")
    assert caught.value.exit_code == 8
    assert caught.value.problems[0].cure


@pytest.mark.parametrize("kind", ["roc", "roc in per cent", "cumulative hazard", "dose and response", "lift", "calibration"])
def test_without_labels_it_is_refused_or_doubted(kind: str) -> None:
    try:
        reading, _ = read_file(draw(kind, form="svg", labels=False), kind="svg")
    except FigureRefused as refusal:
        assert str(refusal)  # noqa: PT017 (either outcome is right)
        return
    assert reading.grade in ("C", "D")
    assert any("not certain" in w for w in reading.warnings)


@pytest.mark.parametrize("kind", ["roc", "bars"])
def test_a_picture_of_something_else_is_refused(kind: str) -> None:
    pytest.importorskip("rapidocr")
    with pytest.raises(FigureRefused, match=r"not survival|no curve was found"):
        read_file(draw(kind), kind="png")


def test_a_user_may_say_that_it_is_survival_all_the_same() -> None:
    reading, _ = read_file(draw("cumulative hazard", form="svg"), kind="svg", marks=Marks(time_unit="months", upward=True))
    assert any("the marks say so" in w for w in reading.warnings)


@pytest.mark.parametrize(
    ("x_label", "y_label"),
    [
        ("Time (months)", "Survival probability"), ("Months since randomization", "Observed survival"), ("Follow-up, years", "Response duration"),
        ("Time from first dose (days)", "Event-free survival (%)"), ("Age (years)", "Cumulative incidence"), (None, None),
        ("Years", "Sensitivity analysis: overall survival"), ("Time, weeks", "Probability of remaining in response"),
        ("Months", "Cumulative subdistribution"), ("Time to treatment failure", "Proportion without failure"),
    ],
)  # fmt: skip
def test_labels_of_survival_figures_name_nothing_else(x_label: str | None, y_label: str | None) -> None:
    assert other_subject(x_label, y_label) is None


def test_a_time_axis_that_ends_at_one_needs_a_unit() -> None:
    options = {"x_label": None, "y_label": "Survival", "x_range": (0.0, 1.0), "upward": False}
    with pytest.raises(FigureRefused, match="both axes run from 0 to 1"):
        check_subject(**options, unit=None, settled=False)  # type: ignore[arg-type]
    assert check_subject(**options, unit="years", settled=False) == ()  # type: ignore[arg-type]
    assert check_subject(**options, unit=None, settled=True) == ()  # type: ignore[arg-type]
