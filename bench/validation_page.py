"""Write docs/validation.md from the dossier that ``nextarm verify --slow`` wrote (without ``--slow`` it says how many were not run).

``python bench/validation_page.py build/verify/verify.json`` replaces the part of the page between its two marks; what
stands outside (accuracy tables of single rooms, each made by the command named there) is kept.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from datetime import date
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "validation.md"
START, END = "<!-- cases: made by make validate -->", "<!-- end of cases -->"
KINDS = ("published", "other program", "closed form", "limit case", "second implementation")
OUTSIDE = KINDS[:3]


def table(columns: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def worst(outcome: dict) -> float:
    shares = [abs(c["got"] - c["expected"]) / c["allowed"] for c in outcome["checks"] if c["got"] is not None and c["allowed"] > 0]
    return max(shares, default=0.0)


def page(found: dict) -> str:
    outcomes = found["outcomes"]
    passed = sum(o["passed"] for o in outcomes)
    outside = sum(o["kind"] in OUTSIDE for o in outcomes)
    left = len(found["not_run"])
    environment = ", ".join(f"{k} {v}" for k, v in found["environment"].items() if k in ("python", "numpy", "scipy", "numba", "machine"))
    rooms = list(dict.fromkeys(o["room"] for o in outcomes))
    count = Counter((o["room"], o["kind"]) for o in outcomes)
    rows = [[room, *(str(count[room, kind] or "") for kind in KINDS), str(sum(count[room, k] for k in KINDS))] for room in rooms]
    rows.append(["all", *(str(sum(count[r, k] for r in rooms)) for k in KINDS), str(len(outcomes))])
    groups = Counter((o["room"], o["kind"], o["source"]) for o in outcomes)
    largest = {key: max(worst(o) for o in outcomes if (o["room"], o["kind"], o["source"]) == key) for key in groups}
    sources = [
        [room, kind, source.replace("|", "/"), str(n), f"{largest[room, kind, source]:.3f}"] for (room, kind, source), n in groups.items()
    ]
    return "\n".join(
        [
            f"Made on {date.today().isoformat()} with nextarm {found['trail']['version']} ({environment}): "
            f"{passed} of {len(outcomes)} cases passed; {outside} have an expected value that this project did not make"
            + (f"; {left} slow cases were not run for this page (`make validate` does).\n" if left else ".\n"),
            table(["room", *KINDS, "all"], rows),
            "What the cases were compared with, and the worst difference of each group as a share of its tolerance:\n",
            table(["room", "kind", "expected value from", "cases", "worst"], sources),
        ]
    )


def main() -> int:
    found = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    text = PAGE.read_text(encoding="utf-8")
    head, rest = text.split(START)
    PAGE.write_text(f"{head}{START}\n{page(found)}\n{END}{rest.split(END)[1]}", encoding="utf-8")
    print(f"written: {PAGE.name}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
