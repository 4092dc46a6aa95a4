"""RIS and nbib: lines of a tag, a dash and a value. Unknown tags are passed over; a line that is none goes to the one before."""

from __future__ import annotations

import re
from collections.abc import Callable

from nextarm.evidence.drafts import Malformed, Parsed, clean_doi, year_in

_RIS = re.compile(r"^([A-Z][A-Z0-9])  -(?: (.*))?$")
_NBIB = re.compile(r"^([A-Z][A-Z0-9]{1,3}) *- (.*)$")

Tags = dict[str, list[str]]


def read_ris(text: str) -> Parsed:
    """RIS: a record runs from ``TY`` to ``ER``; one without its ``ER`` is still read, text outside records is malformed."""
    found: list[tuple[int, Tags]] = []
    bad: list[Malformed] = []
    now: Tags | None = None
    last = ""
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), start=1):
        match = _RIS.match(line.rstrip())
        tag, value = (match.group(1), (match.group(2) or "").strip()) if match else ("", line.strip())
        if tag == "TY":
            now = {"TY": [value]}
            found.append((number, now))
        elif tag == "ER":
            now = None
        elif now is None:
            if line.strip():
                bad.append(Malformed(f"line {number}", "stands outside a record (TY to ER)", line.strip()[:80]))
            continue
        elif tag:
            now.setdefault(tag, []).append(value)
        elif value and last in now:
            now[last][-1] += f" {value}"
        last = tag or last
    return _made(found, _ris_cells, bad)


def read_nbib(text: str) -> Parsed:
    """MEDLINE: records begin with ``PMID`` and are parted by empty lines; continued lines are indented."""
    found: list[tuple[int, Tags]] = []
    bad: list[Malformed] = []
    now: Tags | None = None
    last = ""
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), start=1):
        if not line.strip():
            now = None
            continue
        match = _NBIB.match(line)
        if now is None:
            now = {}
            found.append((number, now))
            last = ""
        if match:
            last = match.group(1)
            now.setdefault(last, []).append(match.group(2).strip())
        elif line.startswith(" ") and last:
            now[last][-1] += f" {line.strip()}"
        else:
            bad.append(Malformed(f"line {number}", "is neither a tag with a value nor the rest of one", line.strip()[:80]))
    return _made([(n, tags) for n, tags in found if tags], _nbib_cells, bad)


def _made(found: list[tuple[int, Tags]], read: Callable[[Tags], dict[str, str]], bad: list[Malformed]) -> Parsed:
    kept, broken = [], []
    for number, tags in found:
        row = read(tags)
        if not row.get("title_short"):
            first = next((f"{tag} {values[0]}" for tag, values in tags.items() if values), "")
            broken.append(Malformed(f"record at line {number}", "has no title", first[:80]))
            continue
        kept.append((f"record at line {number}", (("sources", row),)))
    return Parsed(len(found), tuple(kept), (*bad, *broken))


def _first(tags: Tags, *names: str) -> str:
    return next((value for name in names for value in tags.get(name, []) if value), "")


def _family(author: str) -> str:
    return author.split(",")[0].strip()


def _ris_cells(tags: Tags) -> dict[str, str]:
    author = _first(tags, "AU", "A1", "A2")
    return {
        "first_author": _family(author),
        "year": year_in(_first(tags, "PY", "Y1", "DA")),
        "journal": _first(tags, "JO", "JF", "T2", "JA", "J2"),
        "title_short": _first(tags, "TI", "T1", "CT"),
        "doi": next((d for v in (*tags.get("DO", []), *tags.get("UR", [])) if (d := clean_doi(v))), ""),
        "pmid": next((v for v in tags.get("AN", []) if re.fullmatch(r"\d{1,9}", v)), ""),
        "url": next((v for v in tags.get("UR", []) if v.startswith(("http://", "https://"))), ""),
    }


def _nbib_cells(tags: Tags) -> dict[str, str]:
    short = _first(tags, "AU")
    pmid = _first(tags, "PMID")
    return {
        # "Pieters R": the family name is all but the initials.
        "first_author": _family(_first(tags, "FAU")) or re.sub(r"\s+[A-Z]{1,4}$", "", short) or _first(tags, "CN"),
        "year": year_in(_first(tags, "DP", "DEP")),
        "journal": _first(tags, "TA", "JT"),
        "title_short": _first(tags, "TI", "BTI"),
        "doi": next((clean_doi(v) for v in (*tags.get("LID", []), *tags.get("AID", [])) if v.endswith("[doi]")), ""),
        "pmid": pmid if re.fullmatch(r"\d{1,9}", pmid) else "",
        "url": f"https://pubmed.ncbi.nlm.nih.gov/{pmid}/" if re.fullmatch(r"\d{1,9}", pmid) else "",
    }
