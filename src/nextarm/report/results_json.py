"""results.json: every number of a report with its unit, section and trail, and the versions that made it.

The file is strict JSON (no NaN). A number refers to its trail by key, since many numbers of one analysis share one::

    {"report": {...}, "environment": {...}, "numbers": [{"name": ..., "value": ..., "trail": "t1"}, ...],
     "trails": {"t1": {"method": ..., "rows": [...], ...}}}

:func:`read_results` gives the same :class:`~nextarm.report.document.Number` records back.
"""

from __future__ import annotations

import json
from typing import Any

from nextarm.core.errors import DataError
from nextarm.core.result import from_data, to_data
from nextarm.core.trail import Trail, environment
from nextarm.report.document import Number, Report
from nextarm.report.formats import parse_format
from nextarm.report.ledger import Ledger, ledger_of, plain_text


def results_json(report: Report, *, ledger: Ledger | None = None) -> str:
    """Write every number of ``report`` as JSON text (two spaces of indent, numbers in reading order)."""
    book = ledger or ledger_of(report)
    numbers: list[dict[str, Any]] = []
    for entry in book.entries:
        n = entry.number
        numbers.append(
            {
                "name": n.name,
                "value": n.value,
                "low": n.low,
                "high": n.high,
                "level": n.level,
                "unit": parse_format(n.format)[1].unit,
                "format": n.format,
                "text": n.text,
                "missing": n.missing,
                "marks": list(n.marks),
                "section": entry.section,
                "trail": f"t{entry.trail + 1}",
            }
        )
    sections = [{"id": s.id, "title": s.title, "answer": plain_text(s.lead)} for s in report.sections]
    data = {
        "report": {"title": report.title, "subtitle": report.subtitle, "made_on": report.made_on, "sections": sections},
        "environment": environment(),
        "numbers": numbers,
        "trails": {f"t{i}": to_data(trail) for i, trail in enumerate(book.trails, start=1)},
    }
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def read_results(text: str) -> dict[str, Number]:
    """Read what :func:`results_json` wrote: the numbers by name, with their trails; :class:`DataError` if it is not that."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError("the text is not JSON", where=f"line {error.lineno}", rule=error.msg) from None
    if not isinstance(data, dict) or not isinstance(data.get("numbers"), list) or not isinstance(data.get("trails"), dict):
        raise DataError("the text is not a results file", rule="must hold 'numbers' and 'trails'")
    trails = {key: from_data(Trail, value, f"trails.{key}") for key, value in data["trails"].items()}
    fields = ("name", "value", "format", "low", "high", "level", "missing")
    found: dict[str, Number] = {}
    for i, row in enumerate(data["numbers"]):
        try:
            found[row["name"]] = Number(**{f: row[f] for f in fields}, trail=trails[row["trail"]], marks=tuple(row["marks"]))
        except (KeyError, TypeError) as error:
            raise DataError(f"numbers[{i}] lacks or misnames {error}", rule="must be as results_json writes it") from None
    return found
