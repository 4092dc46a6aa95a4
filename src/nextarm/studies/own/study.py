"""A study folder as its report reads it: the package, what was asked, its curves and its plans."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nextarm.core.errors import DataError, unreadable
from nextarm.evidence import Package, Selection, select
from nextarm.patients.traced import ENDINGS, PATIENTS, SavedCurve, saved_curve
from nextarm.report import Block, Heading, Inline, KeyFigures, Paragraph, Section, say
from nextarm.report.document import Parts
from nextarm.report.evidence_blocks import opened
from nextarm.studies.own.asked import FILE, CurveAsked, GroupAsked, ReportAsked, read_asked

CURVES = "curves"


@dataclass(frozen=True)
class OwnStudy:
    """A study folder: where it is, its package, and what its report is to answer."""

    folder: Path
    package: Package
    asked: ReportAsked

    def own(self, table: str) -> Selection | None:
        """The rows of the study itself, without those of the packages it extends; None if there are none."""
        if not any(row.package == self.package.name for row in getattr(self.package, table)):
            return None
        found = select(self.package, table=table)  # type: ignore[arg-type]  # outcomes or counts
        mark = f"{self.package.name}/"
        keep = [i for i, ref in enumerate(found.trail.rows) if not self.package.extends or ref.table.startswith(mark)]
        rows = tuple(found.trail.rows[i] for i in keep)
        trail = replace(found.trail, rows=rows, sources=tuple(s for s in found.trail.sources if s.source_id in {r.source_id for r in rows}))
        return replace(found, cells=tuple(found.cells[i] for i in keep), trail=trail)

    def curves(self) -> tuple[tuple[str, CurveAsked | None], ...]:
        """The curves of the folder by name, with how to read each; None where nobody said the unit of its times.

        Where ``report.toml`` names curves, those; else all.
        """
        if self.asked.curve:
            return tuple((c.name, c) for c in self.asked.curve)
        place = self.folder / CURVES
        names = sorted(p.name.removesuffix(ENDINGS["curve"]) for p in place.glob(f"*{ENDINGS['curve']}")) if place.is_dir() else []
        return tuple((name, self._about(name)) for name in names)

    def _about(self, name: str) -> CurveAsked | None:
        try:
            said = json.loads((self.folder / CURVES / f"{name}{ENDINGS['about']}").read_text(encoding="utf-8"))
            return CurveAsked(name=name, unit=said["unit"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def source(self, group: GroupAsked) -> SavedCurve | str:
        """The saved curve of a comparison's group, or the text of its patients; :class:`DataError` where the file is gone."""
        file = f"{group.curve}{ENDINGS['curve']}" if group.curve is not None else f"{group.patients}{PATIENTS}"
        place = self.folder / CURVES / file
        if not place.is_file():
            rule = "a kept question names it"
            cure = f"Save it again under this name, or take the question out of {FILE} (Report screen)"
            raise DataError(f"{CURVES}/{file} is gone", rule=rule, cure=cure)
        if group.curve is not None and (curve := saved_curve(place)) is not None:
            return replace(curve, files=tuple(f"{CURVES}/{Path(name).name}" for name in curve.files))
        try:
            return place.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise unreadable(f"{CURVES}/{file}", error) from None

    def plans(self) -> tuple[str, ...]:
        """The names of the plan files of the folder."""
        return tuple(sorted(p.name for p in self.folder.glob("*.toml") if p.name != FILE))


def open_study(folder: str | Path) -> OwnStudy:
    """Open a study folder; :class:`DataError` with every problem of its tables or of ``report.toml``."""
    place = Path(folder)
    if not (place / "datapackage.json").is_file():
        raise DataError(f"{place} is no study folder", rule="holds no datapackage.json", cure="Make one with: nextarm new " + str(place))
    return OwnStudy(place, opened(place), read_asked(place))


def joined(id: str, title: str, sections: Sequence[Section], lead: Parts = ()) -> Section:
    """Several sections as one, each under a heading; the lead is made of the first key figures where none is given."""
    lead = lead or _figures(sections)
    blocks: list[Block] = []
    for section in sections:
        blocks.append(Heading(section.title))
        if section.lead:
            blocks.append(Paragraph(section.lead))
        blocks += section.blocks
    return Section(id, title, lead, tuple(blocks))


def _figures(sections: Sequence[Section]) -> Parts:
    """The first key figures as a sentence: "38 % (33 to 42) pooled; 5 cohorts."."""
    found = next((b for s in sections for b in s.blocks if isinstance(b, KeyFigures)), None)
    if found is None:
        return sections[0].lead if sections else ()
    parts: list[Inline] = []
    for i, (value, label) in enumerate(found.items):
        parts += ["; " if i else "", value, f" {label}"]
    return say(parts, ".")
