"""Make a study folder of one's own: empty tables, their descriptor, an example plan and a README."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from nextarm.core.errors import CallError, OutputError
from nextarm.evidence.columns import fields_of
from nextarm.evidence.datapackage import descriptor_text
from nextarm.evidence.loading import BUNDLED, DESCRIPTOR
from nextarm.evidence.reading import nearest
from nextarm.evidence.schema import TABLES


@dataclass(frozen=True)
class NewStudy:
    """The folder made and the files in it; iterating gives their paths."""

    folder: Path
    files: tuple[str, ...]

    def __iter__(self) -> Iterator[Path]:
        return (self.folder / name for name in self.files)


def new_study(folder: str | Path, *, extends: Sequence[str] = ("infant-all",), title: str = "") -> NewStudy:
    """Make ``folder`` with empty evidence tables, ``datapackage.json``, ``plan.toml`` and ``README.md``.

    The package is named after the folder and extends the bundled packages in ``extends`` (none: ``()``). All files are
    written beside the folder first, so that an interrupted run leaves nothing half made.

    Raises :class:`CallError` if the folder's name cannot name a package or ``extends`` is unknown, :class:`OutputError`
    if the folder holds anything or cannot be written.
    """
    folder = Path(folder)
    name = re.sub(r"[^a-z0-9._-]+", "-", Path(os.path.abspath(folder)).name.lower()).strip("-._")
    if not name or name in BUNDLED:
        rule = "names a bundled package" if name in BUNDLED else "cannot name a package"
        raise CallError(f"folder = {str(folder)!r}", rule=rule, cure="Use letters, digits and hyphens, such as my-study")
    for other in extends:
        if other not in BUNDLED:
            cure = nearest(other, BUNDLED) or f"Bundled: {', '.join(BUNDLED)}"
            raise CallError(f"extends = {other!r}", rule="is not a bundled package", cure=cure)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        rule = "is there already and not empty" if folder.is_dir() else "is a file"
        raise OutputError(str(folder), rule=rule, cure="Give a new folder")
    texts = {f"{table}.csv": _header(table) for table, _ in TABLES}
    texts[DESCRIPTOR] = descriptor_text(name, title=title, extends=tuple(extends))
    said = f"It extends {', '.join(extends)}: rows here may refer to its arms and sources, and every selection holds its rows too."
    template = files("nextarm.evidence").joinpath("data", "new-study")
    readme = template.joinpath("README.md").read_text(encoding="utf-8")
    readme = readme.replace("{name}", title or name).replace("{folder}", str(folder))
    texts["README.md"] = readme.replace("{extends}", said if extends else "It stands alone: it extends no other package.")
    texts["plan.toml"] = template.joinpath("plan.toml").read_text(encoding="utf-8")
    _write_all(folder, texts)
    return NewStudy(folder, tuple(sorted(texts)))


def _header(table: str) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow([f.header for f in fields_of(dict(TABLES)[table])])
    return out.getvalue()


def _write_all(folder: Path, texts: dict[str, str]) -> None:
    made: str | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent)
        for name, text in texts.items():
            Path(made, name).write_text(text, encoding="utf-8", newline="\n")
        os.chmod(made, 0o755)
        if folder.exists():
            folder.rmdir()
        os.rename(made, folder)
        made = None
    except OSError as error:
        raise OutputError(f"{folder} cannot be written", rule=error.strerror or str(error)) from None
    finally:
        if made is not None:
            shutil.rmtree(made, ignore_errors=True)
