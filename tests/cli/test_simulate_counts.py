"""nextarm simulate --out for designs without a calendar of survival: results.json and report.html, exit code 0."""

from __future__ import annotations

from pathlib import Path

import pytest

from nextarm import verbs
from nextarm.designs import plan_from_data

ARMS = {"response": {"new": {"response": 0.5}}, "both": {"new": {"response": 0.5, "toxicity": 0.1}}}
DESIGNS = {
    "response": {"kind": "simon-two-stage", "null_response": 0.3, "r1": 5, "n1": 15, "r": 18, "n": 46},
    "both": {
        "kind": "efficacy-toxicity",
        "alpha": 0.1,
        "alpha_toxicity": 0.1,
        "null_response": 0.3,
        "null_toxicity": 0.3,
        "looks": [0.5, 1.0],
    },
}


@pytest.mark.parametrize("which", sorted(DESIGNS))
def test_a_design_for_counts_has_a_report_of_its_virtual_trials(tmp_path: Path, which: str) -> None:
    plan = plan_from_data(
        {
            "trial": {"name": "counts", "endpoint": "MRD", "milestone": 0.1},
            "accrual": {"rate": 15.0, "duration": 2.0, "follow_up": 0.1},
            "arms": ARMS[which],
            "design": DESIGNS[which],
        }
    )
    found = verbs.simulate(plan, trials=1024, seed=1, out=tmp_path)
    page = verbs.simulation_report(found, plan, out=tmp_path)
    assert page is not None
    text = page.read_text(encoding="utf-8")
    assert "Virtual trials" in text
    assert "What does one such trial look like?" not in text
