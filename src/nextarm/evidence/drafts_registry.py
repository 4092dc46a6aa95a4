"""ClinicalTrials.gov version 2 JSON: one study, a page of studies, or a list; with results where they are posted.

A study gives a source, a study, its arms of results and one draft a measurement: an outcome where the unit is a probability or
percentage of participants, a count where it is participants. Endpoint, time and time origin are for the reader to fill: the title and time
frame stand in the note as posted.
"""

from __future__ import annotations

import json
import re
from typing import Any

from nextarm.core.errors import DataError
from nextarm.evidence.drafts import Malformed, Parsed, year_in

_NCT = re.compile(r"NCT\d{8}")
Cells = dict[str, str]


def read_clinical_trials(text: str) -> Parsed:
    """All studies of the text; :class:`DataError` if it is not JSON or holds no study."""
    try:
        data = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        place = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise DataError("the text is not JSON", where=place, cure="Download the study again") from None
    one = [data] if isinstance(data, dict) and "protocolSection" in data else None
    studies = data.get("studies", one) if isinstance(data, dict) else data
    if not isinstance(studies, list) or not studies:
        raise DataError("no study in the JSON", rule="must be ClinicalTrials.gov version 2: protocolSection, or studies")
    kept, bad = [], []
    for number, study in enumerate(studies, start=1):
        where = f"study {number}"
        try:
            kept.append((where, tuple(_tables(study))))
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            bad.append(Malformed(where, str(error) or type(error).__name__, json.dumps(study)[:80]))
    return Parsed(len(studies), tuple(kept), tuple(bad))


def _at(data: Any, *path: str) -> Any:
    for name in path:
        if not isinstance(data, dict):
            return None
        data = data.get(name)
    return data


def _word(data: Any, *path: str) -> str:
    value = _at(data, *path)
    return "" if value is None or isinstance(value, dict | list) else str(value)


def _tables(study: Any) -> list[tuple[str, Cells]]:
    protocol = _at(study, "protocolSection")
    number = _word(protocol, "identificationModule", "nctId")
    if not _NCT.fullmatch(number):
        raise ValueError(f"nctId = {number!r}: must be NCT and eight digits")
    title = _word(protocol, "identificationModule", "briefTitle")
    if not title:
        raise ValueError("has no briefTitle")
    key = number.lower()
    sponsor = _word(protocol, "sponsorCollaboratorsModule", "leadSponsor", "name")
    status = _at(protocol, "statusModule") or {}
    updated = _word(status, "resultsFirstPostDateStruct", "date") or _word(status, "lastUpdatePostDateStruct", "date")
    design = _at(protocol, "designModule") or {}
    enrolled = _word(design, "enrollmentInfo", "count")
    actual = _word(design, "enrollmentInfo", "type") == "ACTUAL"
    limits = [_word(protocol, "eligibilityModule", edge) for edge in ("minimumAge", "maximumAge")]
    source = {
        "source_id": key,
        "first_author": sponsor,
        "year": year_in(updated),
        "journal": "ClinicalTrials.gov",
        "title_short": title,
        "url": f"https://clinicaltrials.gov/study/{number}",
    }
    begin = _word(status, "startDateStruct", "date")
    made: list[tuple[str, Cells]] = [
        ("sources", source),
        (
            "studies",
            {
                "study_id": key,
                "name": _word(protocol, "identificationModule", "acronym") or title,
                "cooperative_group": sponsor,
                "registry_id": number,
                "design": " ".join(
                    _word(design, "designInfo", part).lower().replace("_", " ") for part in ("allocation", "interventionModel")
                ),
                "enrol_start": begin,
                "age_limit": " to ".join(x for x in limits if x),
                "n_total": enrolled if actual and enrolled.isdigit() else "",
                "note": f"overall status {_word(status, 'overallStatus')}; start is the registry's start date, enrolment end is not stated"
                + ("" if actual or not enrolled else f"; planned enrolment {enrolled}"),
            },
        ),
    ]
    return [*made, *_results(study, key)]


def _results(study: Any, key: str) -> list[tuple[str, Cells]]:
    """Arms of the results, then one draft a measurement."""
    arms: dict[str, Cells] = {}
    rows: list[tuple[str, Cells]] = []
    for measure in _at(study, "resultsSection", "outcomeMeasuresModule", "outcomeMeasures") or []:
        groups = {g["id"]: str(g.get("title", "")) for g in measure.get("groups", [])}
        people = [d for d in measure.get("denoms", []) if d.get("units") == "Participants"]
        sizes = {c["groupId"]: str(c.get("value", "")) for d in people for c in d.get("counts", [])}
        sizes = {group: size for group, size in sizes.items() if size.isdigit() and int(size) > 0}
        for group, label in groups.items():
            arm = _arm_id(key, label, group)
            arms.setdefault(arm, {"arm_id": arm, "study_id": key, "label": label, "n": sizes.get(group, "")})
        for part in measure.get("classes", []):
            for category in part.get("categories", []):
                for m in category.get("measurements", []):
                    group = str(m.get("groupId", ""))
                    cells = {"arm_id": _arm_id(key, groups.get(group, ""), group), "n": sizes.get(group, "")}
                    rows.append(_measured(measure, (str(part.get("title", "")), str(category.get("title", ""))), m, cells))
    return [*(("arms", cells) for cells in arms.values()), *rows]


def _arm_id(key: str, label: str, group: str) -> str:
    return f"{key}-{re.sub(r'[^a-z0-9]+', '-', label.lower()).strip('-') or group.lower()}"


def _measured(measure: Any, titles: tuple[str, str], m: Any, cells: Cells) -> tuple[str, Cells]:
    """One measurement as an outcome (a probability), a count (participants), or a count without a number (any other unit)."""
    unit, title = str(measure.get("unitOfMeasure", "")), str(measure.get("title", ""))
    dispersion, value = str(measure.get("dispersionType", "")), str(m.get("value", ""))
    posted = [title, f"time frame: {measure.get('timeFrame', '')}", *titles, f"{measure.get('paramType', '')} {value} {unit}"]
    posted += [f"limits {m['lowerLimit']} to {m['upperLimit']} ({dispersion})"] if "lowerLimit" in m and "upperLimit" in m else []
    posted += [f"spread {m['spread']} ({dispersion})"] if m.get("spread") else []
    cells = cells | {"where_seen": "registry results", "note": " | ".join(x for x in (*posted, str(m.get("comment", ""))) if x)}
    kind = unit.lower()
    percent = "percent" in kind
    if percent or "proportion" in kind or "probability" in kind:
        wide = "95%" in dispersion.replace(" ", "")
        limits = {"ci_low": _scaled(m.get("lowerLimit"), percent), "ci_high": _scaled(m.get("upperLimit"), percent)} if wide else {}
        return "outcomes", cells | {"estimate": _scaled(value, percent)} | limits
    people = kind in ("participants", "patients")
    return "counts", cells | {"what": " | ".join(x for x in (title, *titles) if x), "events": value if people and value.isdigit() else ""}


def _scaled(value: Any, percent: bool) -> str:
    try:
        number = float(value) / (100.0 if percent else 1.0)
    except (TypeError, ValueError):
        return ""
    return f"{number:.10g}" if 0.0 <= number <= 1.0 else ""
