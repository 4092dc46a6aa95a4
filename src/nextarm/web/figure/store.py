"""The work on one figure, as files in the study folder; every action is a step, and no step is ever lost by a kill.

``figures/NAME/`` holds the file as it came (``source.*``), a picture of it, ``reads/K/`` (what the reader found or why it refused),
``steps/000012.json`` (what was set by hand, after action 12) and ``state.json``, which says at which step the work is. A step is
written whole before ``state.json`` is replaced, so a killed server leaves the step before or the step after, never half.

``version`` counts every change, undo and redo too. A change that was made on another version is refused: two tabs cannot
overwrite each other.
"""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from typing import Any

from nextarm.core.errors import CallError, DataError
from nextarm.report import write_texts

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,47}")
FOLDER = "figures"
#: The study's folder of curves, from which other screens take them.
CURVES = "curves"
#: Largest record read back.
LARGEST = 8_000_000
#: One lock a figure, whoever asks first: ``setdefault`` is one step, where a ``defaultdict`` may give two threads a lock each.
_LOCKS: dict[str, threading.RLock] = {}


class Conflict(Exception):  # noqa: N818 (an answer: somebody else was first)
    """The figure was changed since the page was loaded."""


def slug(name: str) -> str:
    """A plain name for a folder, from the name of a file.

    >>> slug("Figure 2 (EFS).PNG")
    'figure-2-efs'
    """
    plain = re.sub(r"[^a-z0-9]+", "-", name.rpartition(".")[0].lower() or name.lower()).strip("-")[:40].strip("-")
    return plain or "figure"


class FigureStore:
    """The folder of one figure."""

    def __init__(self, study: Path, name: str) -> None:
        if not NAME.fullmatch(name):
            raise CallError(f"figure = {name[:60]!r}", rule="must be small letters, digits and hyphens")
        self.name = name
        self.study = study
        self.folder = study / FOLDER / name
        if self.folder.exists() and not self.folder.resolve().is_relative_to(study.resolve()):
            raise CallError(f"figure = {name!r}", rule="leads out of the study folder")
        self.lock = _LOCKS.setdefault(str(self.folder.absolute()), threading.RLock())

    def exists(self) -> bool:
        """Whether there is such a figure."""
        return (self.folder / "state.json").is_file()

    def json(self, *parts: str) -> Any:
        """A record of the folder; None where it is not there, :class:`DataError` where it is broken."""
        path = self.folder.joinpath(*parts)
        try:
            if path.stat().st_size > LARGEST:
                raise DataError("/".join(parts), rule=f"is larger than {LARGEST / 1e6:g} MB")
            return json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError):
            raise DataError(f"{self.name}/{'/'.join(parts)} cannot be read", cure="Put back the file, or drop the figure again") from None

    def write(self, files: dict[str, Any]) -> None:
        """Write files whole; what is not text or bytes is written as JSON."""
        texts = {n: v if isinstance(v, str | bytes) else json.dumps(v, ensure_ascii=False, allow_nan=False) for n, v in files.items()}
        write_texts({self.folder / n: v for n, v in texts.items()})

    def free_name(self) -> str:
        """A name that no curve of the study has: that of the figure, where it is free."""
        for name in (self.name, *(f"{self.name[:36].rstrip('-')}-figure-{k}" for k in range(1, 100))):
            if not (self.study / CURVES / f"{name}.curve.csv").exists():
                return name
        raise CallError(f"there are too many curves called {self.name!r} in the study")

    def hand_on(self, name: str, texts: dict[str, str], about: str) -> None:
        """Put CSV files, by their ending, into the study's folder of curves with ``about.json``; one without rows takes an old one away."""
        place = self.study / CURVES
        if not place.resolve().is_relative_to(self.study.resolve()):
            raise CallError(f"the folder {CURVES!r}", rule="leads out of the study folder")
        full = {ending: text for ending, text in texts.items() if text.count("\n") > 1}
        write_texts({place / f"{name}{ending}": text for ending, text in full.items()} | {place / f"{name}.about.json": about})
        for ending in texts.keys() - full.keys():
            (place / f"{name}{ending}").unlink(missing_ok=True)

    def state(self) -> dict[str, Any]:
        """Where the work is; :class:`CallError` if there is no such figure."""
        found = self.json("state.json")
        if not isinstance(found, dict) or not all(isinstance(found.get(k), int) for k in ("version", "step", "last", "reads")):
            raise CallError(f"there is no figure {self.name!r} in this study", cure="The Figure screen lists those there are")
        return found

    def begin(self, *, title: str, source: str, data: bytes, picture: dict[str, Any], png: bytes) -> None:
        """The first files of a figure."""
        start = {"format": "nextarm-figure-work", "title": title, "source": source, "version": 1, "step": 0, "last": 0, "reads": 0}
        self.write({source: data, "picture-1.png": png, "picture-1.json": picture, "steps/000000.json": {"read": None, "what": "dropped"}})
        self.write({"state.json": start | {"action": ""}})

    def step(self, number: int) -> dict[str, Any]:
        """One step."""
        found = self.json("steps", f"{number:06d}.json")
        if not isinstance(found, dict):
            raise DataError(f"step {number} of {self.name} is missing", cure="Drop the figure again")
        return found

    def check(self, state: dict[str, Any], version: int) -> None:
        """:class:`Conflict` if the work is at another version than the page that asks."""
        if state["version"] != version:
            raise Conflict

    def add(self, step: dict[str, Any], *, version: int, action: str, **more: Any) -> None:
        """A new step after the one the work is at; what was undone before it is forgotten. :class:`Conflict` as in :meth:`check`.

        ``action`` is the page's own name of what it did: asked twice (the answer was lost), it is done once.
        """
        with self.lock:
            state = self.state()
            if action and state.get("action") == action:
                return
            self.check(state, version)
            number = state["step"] + 1
            self.write({f"steps/{number:06d}.json": step | {"made": version + 1}})
            self.write({"state.json": state | {"version": version + 1, "step": number, "last": number, "action": action} | more})

    def go(self, step: int, *, version: int, action: str) -> None:
        """Undo or redo: the work is at another step."""
        with self.lock:
            state = self.state()
            if action and state.get("action") == action:
                return
            self.check(state, version)
            if not 0 <= step <= state["last"] or (step == 0 and state["reads"]):
                raise CallError("there is nothing more to undo" if step < state["step"] else "there is nothing more to redo")
            self.write({"state.json": state | {"version": version + 1, "step": step, "action": action}})


def new_store(study: Path, title: str) -> FigureStore:
    """A place for a new figure, named after its file; its folder is made at once, so that two files dropped together get one each."""
    base = slug(title)
    for number in range(1, 1000):
        store = FigureStore(study, base if number == 1 else f"{base}-{number}")
        try:
            store.folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError:
            pass  # told where the first file cannot be written
        return store
    raise CallError(f"there are too many figures called {base!r}", cure="Rename the file")


def figures_in(study: Path) -> list[tuple[str, str, dict[str, Any]]]:
    """Name, title and state of every figure of a study, by name."""
    found = []
    place = study / FOLDER
    for path in sorted(place.iterdir()) if place.is_dir() else ():
        if NAME.fullmatch(path.name) and (path / "state.json").is_file():
            try:
                state = FigureStore(study, path.name).state()
            except (CallError, DataError):
                state = {"title": path.name, "broken": True}
            found.append((path.name, str(state.get("title", path.name)), state))
    return found


def figure_of(study: Path, curve: str) -> str | None:
    """The figure of the study from which a curve in its folder of curves was saved; None if there is none."""
    for name, _, _ in figures_in(study):
        try:
            said = FigureStore(study, name).json("rebuilt.json")
        except (CallError, DataError):
            continue
        if isinstance(said, dict) and said.get("curve") == curve:
            return name
    return None
