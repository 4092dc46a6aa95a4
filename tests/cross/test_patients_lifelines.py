"""Rebuilt patients analysed by lifelines, against lifelines on the true patients."""

from __future__ import annotations

import numpy as np
import pytest

from nextarm.patients import reconstruct
from patients_figures import figure

lifelines = pytest.importorskip("lifelines")


def test_lifelines_sees_the_same_curve_and_the_same_hazard_ratio() -> None:
    import pandas as pd

    figs = {"ctl": figure(21, n=120, cure=0.35), "exp": figure(22, n=120, cure=0.55)}
    frames = {"true": [], "made": []}
    for k, (name, fig) in enumerate(figs.items()):
        made = reconstruct(fig.vector, at_risk=fig.at_risk, ticks=fig.ticks, unit="months", versions=1).patients
        for key, t, e in (("true", fig.time, fig.event), ("made", made.time * 12.0, made.event)):
            frames[key].append(pd.DataFrame({"time": t, "event": e, "arm": float(k)}))
            curve = lifelines.KaplanMeierFitter().fit(t, e)
            frames.setdefault(f"{key}-{name}", []).append(curve.predict(np.arange(1.0, 59.0, 1.0)))
        gap = np.abs(frames[f"true-{name}"][0].to_numpy() - frames[f"made-{name}"][0].to_numpy())
        assert gap.max() < 0.006
    ratios = [
        lifelines.CoxPHFitter().fit(pd.concat(frames[k], ignore_index=True), "time", "event").params_["arm"] for k in ("true", "made")
    ]
    assert ratios[1] == pytest.approx(ratios[0], abs=0.002)
