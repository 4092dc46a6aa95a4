"""Packages of invented cohorts, and what a section says as plain text; the tests of the study's sections use both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest

from nextarm.evidence import Arm, Outcome, Package, SourceRow, Study, load_package
from nextarm.report import (
    Cell,
    Chart,
    DataTable,
    Definitions,
    Details,
    KeyFigures,
    ListBlock,
    Note,
    Paragraph,
    RowGroup,
    Section,
)
from nextarm.report.document import Number
from nextarm.studies.infant_all import germline_designs, next_trial_kinds, next_trial_worked, report


def invented(
    estimates: Sequence[float],
    *,
    pool_set: str = "frontline-kmt2a-r",
    se: float | None = 0.03,
    groups: Sequence[str] | None = None,
    n: Sequence[int] | None = None,
    first_year: int = 1990,
    step: int = 3,
    time: float = 5.0,
) -> Package:
    """One cohort an estimate, ``step`` years apart, all read at ``time``; each its own group unless ``groups`` says otherwise."""
    k = range(len(estimates))
    return Package(
        name="invented",
        sources=(SourceRow(source_id="made-up", first_author="Nobody", year=2020, line=2),),
        studies=tuple(
            Study(
                study_id=f"s{i}", name=f"Trial {chr(65 + i)}", cooperative_group=groups[i] if groups else f"Group {chr(65 + i)}",
                enrol_start=str(first_year + step * i), enrol_end=str(first_year + step * i), enrol_basis="stated",
                source_id="made-up", line=i + 2,
            )
            for i in k
        ),
        arms=tuple(
            Arm(arm_id=f"a{i}", study_id=f"s{i}", pool_set=pool_set, label="all", subtype="KMT2A-g", stratum="all", line=i + 2) for i in k
        ),
        outcomes=tuple(
            Outcome(
                arm_id=f"a{i}", endpoint="EFS", time_years=time, time_origin="diagnosis", time_origin_basis="stated", estimate=estimates[i],
                se=se, n=n[i] if n else 100, source_id="made-up", where_seen="table", line=i + 2,
            )
            for i in k
        ),
    )  # fmt: skip


def plain(parts: Any) -> str:
    """A text as a reader sees it."""
    if isinstance(parts, str):
        return parts
    if isinstance(parts, tuple):
        return "".join(plain(p) for p in parts)
    return "" if parts is None else str(parts.text)


def cells(block: Any) -> Iterator[Any]:
    """Every piece of text of a block (strings and numbers), tables and charts and folded parts too."""
    if isinstance(block, tuple):
        for part in block:
            yield from cells(part)
    elif isinstance(block, str | Number):
        yield block
    elif isinstance(block, Paragraph | Note | Cell):
        yield from block.parts
    elif isinstance(block, ListBlock | KeyFigures | Definitions):
        yield from cells(block.items)
    elif isinstance(block, DataTable):
        yield block.caption
        yield from cells((*block.rows, block.note))
    elif isinstance(block, RowGroup):
        yield block.title
    elif isinstance(block, Chart):
        yield from cells((block.title, block.caption, block.table))
    elif isinstance(block, Details):
        yield from cells(block.blocks)
    elif hasattr(block, "text"):
        yield block.text


def everything(section: Section) -> list[Any]:
    """All strings and numbers of a section, its lead first."""
    return [*section.lead, *(piece for block in section.blocks for piece in cells(block))]


def numbers(section: Section) -> dict[str, Number]:
    """The numbers of a section by name."""
    return {n.name: n for n in everything(section) if isinstance(n, Number)}


@contextmanager
def few_trials() -> Iterator[None]:
    """The sections with few virtual trials, for tests of what they say and not of how exactly."""
    with pytest.MonkeyPatch.context() as patch:
        for module, names in (  # 1,024: the fewest that a type I error is taken from
            (next_trial_worked, ("TRIALS", "CELL_TRIALS", "ERROR_TRIALS")),
            (next_trial_kinds, ("TRIALS",)),
            (germline_designs, ("TRIALS",)),
        ):
            for name in names:
                patch.setattr(module, name, 1024 if name == "ERROR_TRIALS" else 256)
        yield


@cache
def bundled(name: str) -> Section:
    """A section on the bundled evidence, made once with few virtual trials, whoever asks."""
    with few_trials():
        return report.section(name.replace("_", "-"), load_package())
