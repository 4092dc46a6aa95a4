"""The folder of studies: which there are, and the only way to read and write files in them.

A study is a sub-folder with a ``datapackage.json``. Names of studies and files are a few plain signs, and the resolved
path must lie in the folder: no name, link or ``..`` leads out of it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

from nextarm.core.errors import CallError, DataError, OutputError
from nextarm.report import write_texts

BUNDLED = "infant-all"
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,47}")
FILE = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
DESCRIPTOR = "datapackage.json"
#: Largest file read from a study.
LARGEST = 5_000_000


@dataclass(frozen=True)
class Study:
    """A study that is open: the bundled one (no folder, nothing is written) or a folder."""

    name: str
    folder: Path | None = None

    @property
    def package(self) -> str | Path:
        """What the verbs take."""
        return BUNDLED if self.folder is None else self.folder

    @property
    def shown(self) -> str:
        """What stands in a command."""
        return BUNDLED if self.folder is None else str(self.folder)

    def path(self, *parts: str) -> Path:
        """The path of a file in the study; :class:`CallError` for a name that could lead out of it."""
        if self.folder is None:
            raise CallError(
                "the bundled study is for reading", rule="nothing is saved in it", cure="Make a study of your own on the first page"
            )
        for part in parts:
            if not FILE.fullmatch(part) or ".." in part:
                raise CallError(f"file = {part!r}", rule="must be small letters, digits, '.', '_' and '-'")
        path = self.folder.joinpath(*parts)
        if not path.resolve().is_relative_to(self.folder.resolve()):
            raise CallError(f"file = {'/'.join(parts)!r}", rule="leads out of the study folder")
        return path

    def read(self, *parts: str) -> str:
        """The text of a file."""
        path = self.path(*parts)
        try:
            if path.stat().st_size > LARGEST:
                raise DataError("/".join(parts), rule=f"is larger than {LARGEST / 1e6:g} MB")
            return path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise DataError(f"there is no file {'/'.join(parts)!r} in the study") from None
        except (OSError, UnicodeDecodeError):
            raise DataError("/".join(parts), rule="cannot be read as UTF-8 text") from None

    def write(self, texts: dict[tuple[str, ...], str]) -> None:
        """Write files whole or not at all."""
        write_texts({self.path(*parts): text for parts, text in texts.items()})

    def stamp(self) -> tuple[tuple[str, int, int], ...]:
        """What tells whether a file of the study has changed: names, times and sizes, without the runs."""
        if self.folder is None:
            return ()
        places = (self.folder, *(self.folder / name for name in ("curves", "design", "report")))
        found = _facts(p for place in places for p in _inside(place))
        return tuple(sorted((str(p), s.st_mtime_ns, s.st_size) for p, s in found if S_ISREG(s.st_mode)))

    def files(self, *folder: str, suffix: str) -> list[str]:
        """Names of the files of a sub-folder (or of the study itself) that end in ``suffix``, without it."""
        if self.folder is None:
            return []
        place = self.path(*folder) if folder else self.folder
        found = place.glob(f"*{suffix}") if place.is_dir() else ()
        return sorted(p.name.removesuffix(suffix) for p in found if p.is_file() and FILE.fullmatch(p.name))


def _inside(folder: Path) -> list[Path]:
    """What lies in a folder that may come and go, without the hidden files that a write fills before it renames them."""
    try:
        return [p for p in folder.iterdir() if not p.name.startswith(".")]
    except OSError:
        return []


def _facts(paths: Iterable[Path]) -> Iterator[tuple[Path, os.stat_result]]:
    """What the system says of each path that is still there: other requests write and remove meanwhile."""
    for path in paths:
        try:
            about = path.stat()
        except OSError:
            continue
        yield path, about


class Home:
    """The folder of studies."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder).absolute()

    def study(self, name: str) -> Study:
        """The study called ``name``; :class:`CallError` if there is none."""
        if name == BUNDLED:
            return Study(BUNDLED)
        if NAME.fullmatch(name):
            folder = self.folder / name
            if (folder / DESCRIPTOR).is_file() and folder.resolve().is_relative_to(self.folder.resolve()):
                return Study(name, folder)
        raise CallError(f"there is no study {name[:60]!r}", cure="The first page lists those there are")

    def recent(self) -> list[tuple[Study, float]]:
        """The user's studies with the time of the last change, the latest first."""
        found = [p for p in _inside(self.folder) if NAME.fullmatch(p.name) and (p / DESCRIPTOR).is_file()]
        dated = [(Study(p.name, p), max((s.st_mtime for _, s in _facts((p, *_inside(p)))), default=0.0)) for p in found]
        return sorted(dated, key=lambda pair: -pair[1])

    def place_for(self, name: str) -> Path:
        """Where a new study of this name would stand."""
        if not NAME.fullmatch(name) or name == BUNDLED:
            raise CallError(
                f"name = {name[:60]!r}",
                rule="must be 1 to 48 small letters, digits and hyphens, not a hyphen first, and not that of the bundled study",
            )
        place = self.folder / name
        if place.exists():
            raise OutputError(f"a study or folder {name!r}", rule="is there already", cure="Open it, or choose another name")
        return place
