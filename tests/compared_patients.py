"""A study with patients of its own, a registry and a curve, drawn by rule and evidence of nothing, to be compared."""

from __future__ import annotations

from pathlib import Path

import nextarm

CURVE = "time,survival\n0,1\n6,0.8\n12,0.6\n24,0.5\n36,0.45\n48,0.45\n"
RISK = "time,at_risk\n0,60\n12,35\n24,25\n36,18\n48,9\n"
OURS = ["time,event,age,cns", *(f"{t / 10},{int(t % 3 == 0)},{t * 7 % 11},{t % 2}" for t in range(2, 62))]
REGISTRY = ["time,event,age,cns", *(f"{t / 14},{int(t % 5 < 3)},{t * 5 % 13},{int(t % 3 == 0)}" for t in range(2, 82))]
#: Two kept questions: ours against the curve, with drift; ours against the registry, weighted.
ASKED = """[[comparison]]
treated = { patients = "ours", unit = "years", origin = "diagnosis" }
control = { curve = "trial-x", unit = "months", origin = "diagnosis" }
times = [2.0, 3.0]
drift = "frontline-kmt2a-r"

[[comparison]]
treated = { patients = "ours", unit = "years", origin = "diagnosis" }
control = { patients = "registry", unit = "years", origin = "diagnosis" }
times = [2.0]
adjust = ["age", "cns"]
"""


def study_to_compare(folder: Path) -> Path:
    """Make the study in ``folder``."""
    nextarm.new_study(folder)
    (folder / "plan.toml").unlink(missing_ok=True)
    (folder / "curves").mkdir(exist_ok=True)
    for name, text in {
        "trial-x.curve.csv": CURVE,
        "trial-x.at-risk.csv": RISK,
        "trial-x.about.json": '{"unit": "months"}',
        "ours.patients.csv": "\n".join(OURS) + "\n",
        "registry.patients.csv": "\n".join(REGISTRY) + "\n",
    }.items():
        (folder / "curves" / name).write_text(text)
    return folder
