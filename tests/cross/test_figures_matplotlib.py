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
