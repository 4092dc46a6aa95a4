"""Risk of bias by domain, in the tools' own words: RoB 2 (randomised), ROBINS-I (non-randomised), QUIPS (prognosis).

A judgement is a person's, with a reason; here it is checked and counted, never made. The overall judgement follows the tools:
RoB 2 high if any domain is high, or if several give concern (then a person must say so), low if all are low, some concerns
otherwise; ROBINS-I the worst domain; QUIPS (whose authors give no sum) the worst domain, so labelled. References: RoB 2 doi
10.1136/bmj.l4898; ROBINS-I doi 10.1136/bmj.i4919; QUIPS doi 10.7326/0003-4819-158-4-201302190-00009.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nextarm.core.errors import CallError, DataError, Problem
from nextarm.core.result import Result, record
from nextarm.core.trail import Trail

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class BiasTool:
    """A tool: its domains in order, and its judgements from best to worst; ``unknown`` is the word for no information."""

    name: str
    title: str
    domains: tuple[str, ...]
    judgements: tuple[str, ...]
    unknown: str
    doi: str


BIAS_TOOLS: tuple[BiasTool, ...] = (
    BiasTool(
        "rob2",
        "RoB 2",
        ("randomisation", "deviations from intervention", "missing outcome data", "measurement of outcome", "selective reporting"),
        ("low", "some concerns", "high"),
        "",
        "10.1136/bmj.l4898",
    ),
    BiasTool(
        "robins-i",
        "ROBINS-I",
        (
            "confounding",
            "selection of participants",
            "classification of interventions",
            "deviations from intervention",
            "missing data",
            "measurement of outcome",
            "selective reporting",
        ),
        ("low", "moderate", "serious", "critical"),
        "no information",
        "10.1136/bmj.i4919",
    ),
    BiasTool(
        "quips",
        "QUIPS",
        (
            "study participation",
            "study attrition",
            "prognostic factor measurement",
            "outcome measurement",
            "study confounding",
            "statistical analysis and reporting",
        ),
        ("low", "moderate", "high"),
        "",
        "10.7326/0003-4819-158-4-201302190-00009",
    ),
)


def bias_tool(name: str) -> BiasTool:
    """The tool named ``name``; :class:`CallError` for an unknown one."""
    for tool in BIAS_TOOLS:
        if tool.name == name:
            return tool
    raise CallError(f"tool = {name!r}", rule=f"must be one of {', '.join(t.name for t in BIAS_TOOLS)}")


@record
class BiasJudgement:
    """One cell of the table: a study's judgement in one domain, why, who judged, and the source it rests on."""

    study: str
    tool: str
    domain: str
    judgement: str
    reason: str = ""
    assessor: str = ""
    source_id: str = ""


@record
class StudyBias:
    """One study: judgements in the order of the tool's domains ("" where not judged) and the overall one."""

    study: str
    tool: str
    judgements: tuple[str, ...]
    overall: str
    complete: bool


@record
class BiasTable(Result):
    """A checked table with the overall judgement of each study."""

    cells: tuple[BiasJudgement, ...]
    studies: tuple[StudyBias, ...]

    def table(self) -> pl.DataFrame:
        """One row a study and domain, with the overall judgement as a last domain: what a traffic-light chart needs."""
        import polars as pl

        rows: list[dict[str, Any]] = []
        for s in self.studies:
            named = zip(bias_tool(s.tool).domains, s.judgements, strict=True)
            rows += [{"study": s.study, "tool": s.tool, "domain": d, "judgement": j or "not judged"} for d, j in named]
            rows.append({"study": s.study, "tool": s.tool, "domain": "overall", "judgement": s.overall})
        return pl.DataFrame(rows, schema={"study": pl.String, "tool": pl.String, "domain": pl.String, "judgement": pl.String})


def overall_judgement(tool: BiasTool, judgements: Iterable[str]) -> str:
    """The overall judgement of one study: the worst domain; "not judged" where a domain is missing and none is at the worst.

    >>> overall_judgement(bias_tool("rob2"), ("low", "some concerns", "low", "low", "low"))
    'some concerns'
    """
    given = tuple(judgements)
    ranked = [tool.judgements.index(j) for j in given if j in tool.judgements]
    worst = max(ranked, default=-1)
    if worst == len(tool.judgements) - 1:
        return tool.judgements[worst]
    if "" in given:
        return "not judged"
    if tool.unknown and tool.unknown in given:
        return tool.unknown if worst < len(tool.judgements) - 2 else tool.judgements[worst]
    return tool.judgements[worst]


def bias_table(cells: Iterable[BiasJudgement]) -> BiasTable:
    """Check judgements and gather them by study; :class:`DataError` with every unknown word and every domain judged twice."""
    given = tuple(cells)
    problems: list[Problem] = []
    seen: dict[tuple[str, str], dict[str, str]] = {}
    for number, c in enumerate(given, start=1):
        where = f"judgement {number}, {c.study or 'no study'}"
        tool = next((t for t in BIAS_TOOLS if t.name == c.tool), None)
        if not c.study:
            problems.append(Problem("study is empty", where))
        if tool is None:
            problems.append(Problem(f"tool = {c.tool!r}", where, f"must be one of {', '.join(t.name for t in BIAS_TOOLS)}"))
            continue
        words = (*tool.judgements, *((tool.unknown,) if tool.unknown else ()))
        if c.domain not in tool.domains:
            problems.append(Problem(f"domain = {c.domain!r}", where, f"must be one of {', '.join(tool.domains)}"))
        if c.judgement not in words:
            problems.append(Problem(f"judgement = {c.judgement!r}", where, f"must be one of {', '.join(words)}"))
        row = seen.setdefault((c.study, c.tool), {})
        if c.domain in row:
            problems.append(Problem(f"domain = {c.domain!r}", where, "is judged twice", "Keep the agreed judgement"))
        row[c.domain] = c.judgement
    if problems:
        raise DataError(problems=problems)
    studies = []
    for (study, name), row in seen.items():
        tool = bias_tool(name)
        judged = tuple(row.get(d, "") for d in tool.domains)
        studies.append(
            StudyBias(study=study, tool=name, judgements=judged, overall=overall_judgement(tool, judged), complete="" not in judged)
        )
    unexplained = sum(not c.reason and c.judgement != bias_tool(c.tool).judgements[0] for c in given)
    warnings: tuple[str, ...] = (f"{unexplained} judgements other than low give no reason",) if unexplained else ()
    unfinished = [s.study for s in studies if not s.complete]
    warnings += (f"not every domain is judged: {', '.join(unfinished)}",) if unfinished else ()
    return BiasTable(
        trail=Trail(method="risk of bias as judged by the assessors named"), warnings=warnings, cells=given, studies=tuple(studies)
    )


COLUMNS: tuple[str, ...] = ("study", "tool", "domain", "judgement", "reason", "assessor", "source_id")


def bias_from_csv(text: str) -> BiasTable:
    """Read a table with the columns of :data:`COLUMNS` (the last three may be absent)."""
    rows = csv.DictReader(io.StringIO(text.lstrip("\ufeff")))
    header = [h.strip() for h in rows.fieldnames or ()]
    problems = [Problem(f"column {c!r} is missing", "risk-of-bias table") for c in COLUMNS[:4] if c not in header]
    problems += [Problem(f"column {c!r}", "risk-of-bias table", f"must be one of {', '.join(COLUMNS)}") for c in header if c not in COLUMNS]
    if problems:
        raise DataError(problems=problems)
    given = [{(k or "").strip(): (v or "").strip() for k, v in row.items() if isinstance(v, str)} for row in rows]
    if not given:
        raise DataError("no judgement", where="risk-of-bias table", rule="must hold at least one row")
    return bias_table(BiasJudgement(**{c: row.get(c, "") for c in COLUMNS}) for row in given)
