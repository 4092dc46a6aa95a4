"""Figures that matplotlib and lifelines draw of simulated patients, against lifelines' own estimate of the patients."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

from nextarm.figures.read_file import read_file

pytest.importorskip("pypdfium2")
mpl = pytest.importorskip("matplotlib")
lifelines = pytest.importorskip("lifelines")


def patients(n: int, scale: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    event, follow = scale * rng.exponential(size=n), rng.uniform(6, 40, n)
    return np.minimum(event, follow), event <= follow


DATA = {"Control": patients(40, 12.0, 1), "New drug": patients(50, 25.0, 2)}


def figure(*, kind: str, options: dict[str, Any], table: bool) -> bytes:
    mpl.use("Agg")
    import matplotlib.pyplot as plt
    from lifelines.plotting import add_at_risk_counts

    buffer = io.BytesIO()
    with mpl.rc_context(options):
        fig, ax = plt.subplots(figsize=(6, 5))
        fits = [lifelines.KaplanMeierFitter(label=a).fit(t, e) for a, (t, e) in DATA.items()]
        for fit in fits:
            fit.plot_survival_function(ax=ax, show_censors=True, ci_show=True)
        ax.set_xlabel("Time (months)")
        ax.set_ylim(0, 1.05)
        if table:
            add_at_risk_counts(*fits, ax=ax)
        fig.savefig(buffer, format=kind, bbox_inches="tight")
        plt.close(fig)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("kind", "options"),
    [("svg", {"svg.fonttype": "path"}), ("svg", {"svg.fonttype": "none"}), ("pdf", {"pdf.fonttype": 3}), ("pdf", {"pdf.fonttype": 42})],
    ids=lambda v: str(v),
)
@pytest.mark.parametrize("table", [False, True])
def test_lifelines_figures_come_back(kind: str, options: dict[str, Any], table: bool) -> None:
    reading, _ = read_file(figure(kind=kind, options=options, table=table), kind=kind)  # type: ignore[arg-type]
    assert [c.arm for c in reading.curves] == list(DATA)
    assert reading.time_unit == "months"
    for curve in reading.curves:
        time, event = DATA[curve.arm]
        fit = lifelines.KaplanMeierFitter().fit(time, event)
        drops = np.sort(time[event])
        np.testing.assert_allclose(curve.time[1:], drops, atol=0.01)
        np.testing.assert_allclose(curve.survival[1:], fit.predict(drops).to_numpy(), atol=5e-4)
        np.testing.assert_allclose(curve.ticks, np.sort(time[~event]), atol=0.01)
        if table:
            want = [len(time), *(int(np.sum(time > t)) for t in curve.at_risk_times[1:])]  # lifelines counts after the time
            assert curve.at_risk.tolist() == want


@pytest.mark.parametrize("lowest", [0.65, 0.7])
@pytest.mark.parametrize("printed", [("0", "0.8", "0.9", "1"), ("0", "80", "90", "100")])
def test_a_number_far_below_the_labels_that_does_not_lie_on_their_line_is_doubted(lowest: float, printed: tuple[str, ...]) -> None:
    """The axis is broken: its lowest tick mark is labelled 0 though it stands at 0.7 (even spacing) or 0.65 on the scale of the others."""
    import matplotlib.pyplot as plt

    buffer = io.BytesIO()
    with mpl.rc_context({"svg.fonttype": "none"}):
        fig, ax = plt.subplots(figsize=(6, 4.5))
        ax.step([0, 2, 7, 14, 20, 23], [1, 0.97, 0.93, 0.9, 0.86, 0.86], where="post", label="Control")
        ax.set(xlim=(0, 24), ylim=(lowest, 1), xticks=range(0, 25, 4), xlabel="Time (months)", ylabel="Overall survival")
        ax.set_yticks([lowest, 0.8, 0.9, 1], printed)
        fig.savefig(buffer, format="svg")
        plt.close(fig)
    reading, _ = read_file(buffer.getvalue(), kind="svg")
    assert reading.grade == "C"
    assert any("number 0 among the labels of the y axis" in w and "not certain" in w for w in reading.warnings)
    np.testing.assert_allclose(reading.curves[0].survival, [1, 0.97, 0.93, 0.9, 0.86], atol=5e-4)  # the stretch that is even is right
