"""What a user asks of a figure: read it, save a correction, undo, rebuild the patients. Calls verbs and keeps what they say."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nextarm import verbs
from nextarm.core.errors import CallError, NextarmError, Problem
from nextarm.web.figure.store import NAME, FigureStore, new_store

UNITS = ("years", "months", "weeks", "days")
#: What the next screen takes: ending of its file in the study's folder of curves, and our file.
HANDED = {".curve.csv": "curves", ".ticks.csv": "ticks", ".at-risk.csv": "at_risk", ".given.csv": "given"}
#: Heights of a letter that make the width of a figure on the page, for the names at its lines.
LETTERS = 75
#: Suffix of a kind of file.
SUFFIX = {"jpeg": "jpg"}


def problems_of(error: NextarmError) -> list[dict[str, str]]:
    """The problems of an error as JSON data."""
    return [as_data(p) for p in error.problems]


def as_data(problem: Problem) -> dict[str, str]:
    """A problem as JSON data; options of the command line are called by the name they have on the page."""
    cure = problem.cure.replace("--page", "the page").replace("--panel", "the panel").replace("--unit", "the time unit")
    cure = cure.replace("in the marks file", "by the handles").replace("of the marks file", "by the handles")
    text = str(Problem(problem.what, "", problem.rule, cure))
    return {"what": problem.what, "where": problem.where, "rule": problem.rule, "cure": cure, "text": text}


def drop(study: Path, *, title: str, data: bytes) -> FigureStore:
    """Keep a file that was dropped; an error of the reader if it is no figure file, and then nothing is kept."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        name = "".join(c for c in Path(title.replace("\\", "/")).name if c.isprintable())[:80] or "figure"
        waiting = Path(folder) / "dropped"
        waiting.write_bytes(data)
        try:
            found = verbs.picture_figure(waiting)
        except NextarmError as error:
            raise type(error)(problems=[Problem(p.what, name, p.rule, p.cure) for p in error.problems]) from None
    store = new_store(study, name)
    source = f"source.{SUFFIX.get(found.kind, found.kind)}"
    store.begin(title=name, source=source, data=data, picture={"width": found.width, "height": found.height}, png=found.png)
    return store


def whole(value: Any, name: str, *, low: int = 0, high: int = 10_000_000) -> int:
    """A whole number from a request."""
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise CallError(f"{name} = {str(value)[:40]}", rule=f"must be a whole number from {low} to {high}")
    return value


def read(store: FigureStore, sent: dict[str, Any]) -> None:
    """Read the figure, or read it again with what was marked. A refusal of the first reading is kept as a step, a later one is raised."""
    state = store.state()
    version = whole(sent.get("version"), "version")
    store.check(state, version)
    page = whole(sent["page"], "page", low=1, high=10_000) if sent.get("page") is not None else None
    panel = whole(sent["panel"], "panel", low=1, high=100) if sent.get("panel") is not None else None
    now = store.step(state["step"])
    before = _reading(store, now)
    marks = verbs.figure_marks(sent["changes"], reading=before) if sent.get("changes") else None
    number = state["reads"] + 1
    place = store.folder / "reads" / str(number)
    action = str(sent.get("action", ""))[:60]
    try:
        found = verbs.read_figure(store.folder / state["source"], page=page, panel=panel, marks=marks, out=place)
    except NextarmError as refusal:
        if before is not None or (getattr(refusal, "marks", None) is None and not getattr(refusal, "found", ())):
            raise
        given = sent.get("changes") or _first_guess(store, page or 1, refusal)
        said = {"problems": problems_of(refusal), "found": list(getattr(refusal, "found", ())), "rulers": (place / "rulers.png").is_file()}
        _picture(store, state, page or 1)
        step = {"read": None, "refused": number, "said": said, "what": "reading refused", "changes": given, "page": page or 1}
        store.add(step, version=version, action=action, reads=number)
        return
    _picture(store, state, found.page)
    what = "read" if before is None else "read again"
    marked = {k: v for k in ("region", "exclude") if (v := (sent.get("changes") or {}).get(k))}  # they count for the next reading too
    step = {"read": number, "what": what, "changes": verbs.draft_figure(found) | marked, "page": found.page, "panel": found.panel}
    store.add(step, version=version, action=action, reads=number)


def by_hand(store: FigureStore, sent: dict[str, Any]) -> None:
    """Handles to begin with on a figure that was not read, so that its axes can be marked without waiting for a reading."""
    state = store.state()
    version = whole(sent.get("version"), "version")
    store.check(state, version)
    if store.step(state["step"]).get("changes") is not None:
        raise CallError("the handles are there already")
    step = {"read": None, "what": "marked by hand", "changes": _first_guess(store, 1, None), "page": 1}
    store.add(step, version=version, action=str(sent.get("action", ""))[:60])


def _picture(store: FigureStore, state: dict[str, Any], page: int) -> None:
    """See that there is a picture of ``page``."""
    if store.json(f"picture-{page}.json") is None:
        found = verbs.picture_figure(store.folder / state["source"], page=page)
        store.write({f"picture-{page}.png": found.png, f"picture-{page}.json": {"width": found.width, "height": found.height}})


def _first_guess(store: FigureStore, page: int, refusal: NextarmError | None) -> dict[str, Any]:
    """Handles to begin with after a refusal or without a reading: two points an axis without values, and the colours the reader saw."""
    size = store.json(f"picture-{page}.json") or store.json("picture-1.json")
    w, h = size["width"], size["height"]
    marks = getattr(refusal, "marks", None)
    picks = json.loads(marks.model_dump_json())["curves"] if marks is not None else []
    x = [{"pixel": round(w * f, 1), "value": None} for f in (0.15, 0.9)]
    y = [{"pixel": round(h * f, 1), "value": v} for f, v in ((0.85, None), (0.1, None))]
    return {"x_axis": x, "y_axis": y, "picks": picks}


def save(store: FigureStore, sent: dict[str, Any]) -> None:
    """Keep one action: everything set by hand after it. Malformed changes are refused; wrong ones are kept and told."""
    state = store.state()
    now = store.step(state["step"])
    verbs.check_changes(sent.get("changes"))
    step = now | {"what": str(sent.get("what", "changed"))[:120], "changes": sent["changes"]}
    store.add(step, version=whole(sent.get("version"), "version"), action=str(sent.get("action", ""))[:60])


def rebuild(store: FigureStore, sent: dict[str, Any]) -> None:
    """Rebuild the patients from the figure as it is now; writes patients.csv, versions.csv and the rest beside it."""
    state = store.state()
    store.check(state, whole(sent.get("version"), "version"))
    now = store.step(state["step"])
    before = _reading(store, now)
    if before is None:
        raise CallError("the figure has not been read yet")
    found = verbs.adjust_figure(before, now["changes"])
    unit = sent.get("unit") or found.time_unit
    if unit not in UNITS:
        raise CallError("the figure does not say its time unit", rule="must be years, months, weeks or days", cure="Choose it")
    options: dict[str, Any] = {"unit": unit}
    for name in ("n", "events"):
        given = sent.get(name) or {}
        if not isinstance(given, dict):
            raise CallError(f"{name} must be given for each arm")
        known = {str(k): whole(v, f"{name} of {k}", low=1 if name == "n" else 0, high=1_000_000) for k, v in given.items() if v is not None}
        if known:
            options[name] = known if len(found.curves) > 1 else next(iter(known.values()))
    made = verbs.reconstruct(found, seed=1, **options)
    lines = verbs.rebuilt_lines(found, made, unit=unit)
    numbers = ("arm", "n", "events", "mean_residual", "max_residual")
    arms = [{k: getattr(a, k) for k in numbers} | {"line": lines.get(a.arm, [])} for a in made.arms]
    checks, curve = made.table().to_dicts(), _curve_name(store)
    said = {
        "made": now.get("made"), "unit": unit, "grade": made.checks.grade, "arms": arms, "checks": checks, "warnings": list(made.warnings),
        "curve": curve, "repairs": [{"arm": r.arm, "what": r.what, "count": r.count} for r in made.repairs],
        "options": options,
    }  # fmt: skip
    files: dict[str, Any] = dict(verbs.figure_csv(found)) | {"given.csv": _given([c.arm for c in found.curves], sent)}
    files |= {
        "figure.json": found.to_json(indent=1) + "\n", "changes.json": now["changes"], "reconstruction.json": made.to_json(indent=1),
        "patients.csv": made.patients.to_frame(unit).write_csv(), "versions.csv": made.versions.to_frame(unit).write_csv(),
        "rebuilt.json": said,
    }  # fmt: skip
    with store.lock:
        store.check(store.state(), state["version"])
        store.hand_on(curve, {kind: files[f"{name}.csv"] for kind, name in HANDED.items()}, verbs.figure_about(found, unit=unit))
        store.write(files)


def _given(arms: list[str], sent: dict[str, Any]) -> str:
    """What was printed of each arm, patients and events, as a CSV file; an arm of which nothing was is left out."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("arm", "n", "events"))
    known = [(a, (sent.get("n") or {}).get(a), (sent.get("events") or {}).get(a)) for a in arms]
    writer.writerows((a, n, e) for a, n, e in known if n is not None or e is not None)
    return out.getvalue()


def _curve_name(store: FigureStore) -> str:
    """The name of the figure's curve among those of the study; a curve of that name that came from elsewhere is left alone."""
    before = store.json("rebuilt.json")
    if isinstance(before, dict) and isinstance(before.get("curve"), str) and NAME.fullmatch(before["curve"]):
        return str(before["curve"])
    return store.free_name()


def _reading(store: FigureStore, step: dict[str, Any]) -> Any:
    number = step.get("read")
    return None if number is None else verbs.saved_figure(store.folder / "reads" / str(int(number)) / "figure.json")


def adjusted(store: FigureStore) -> Any:
    """The figure as it is now; :class:`CallError` if it was not read."""
    now = store.step(store.state()["step"])
    found = _reading(store, now)
    if found is None:
        raise CallError("the figure has not been read yet", cure="Mark its axes on the Figure screen")
    return verbs.adjust_figure(found, now["changes"])


def tried(store: FigureStore, sent: dict[str, Any]) -> dict[str, Any]:
    """What the figure would be with these changes: residuals while a handle is dragged. Nothing is kept."""
    before = _reading(store, store.step(store.state()["step"]))
    verbs.check_changes(sent.get("changes"))
    if before is None:
        return {"adjusted": None, "problems": []}
    try:
        found = verbs.adjust_figure(before, sent["changes"])
    except NextarmError as error:
        return {"adjusted": None, "problems": problems_of(error)}
    return {"adjusted": _summary(found) | {"residuals": verbs.residuals(found)}, "problems": []}


def same(store: FigureStore, study: Path | None) -> dict[str, str]:
    """The same in Python and on the command line, with files that are there: as far as the figure has come."""
    place = (store.folder if study is None else Path(study.name) / store.folder.relative_to(study)).as_posix()
    state = store.state()
    now, source = store.step(state["step"]), f"{place}/{state['source']}"
    rebuilt = store.json("rebuilt.json")
    lines = ["import nextarm"]
    if now.get("read") is None:
        marks = f"reads/{now['refused']}/marks.json" if now.get("refused") else ""
        if marks and (store.folder / marks).is_file():
            lines += [f'marks = "{place}/{marks}"  # to be filled', f'figure = nextarm.read_figure("{source}", marks=marks)']
        else:
            lines.append(f'figure = nextarm.read_figure("{source}")')
    elif rebuilt is not None and rebuilt.get("made") == now.get("made"):
        lines.append(f'figure = nextarm.saved_figure("{place}/figure.json")  # as corrected here')
    else:
        lines = ["import json", "from pathlib import Path", "", *lines]
        lines.append(f'read = nextarm.saved_figure("{place}/reads/{now["read"]}/figure.json")  # as the reader saw it')
        lines.append(f'step = json.loads(Path("{place}/steps/{state["step"]:06d}.json").read_text(encoding="utf-8"))')
        lines.append('figure = nextarm.adjust_figure(read, step["changes"])  # as corrected here')
    lines.append("patients = nextarm.reconstruct(figure)")
    return {"Python": "\n".join(lines), "Command": f"nextarm read-figure {source} --out read --reconstruct"}


def view(store: FigureStore, *, base: str, study: Path | None = None) -> dict[str, Any]:
    """Everything the page shows of a figure now."""
    state = store.state()
    now = store.step(state["step"])
    page = int(now.get("page") or 1)
    size = store.json(f"picture-{page}.json")
    vector = state["source"].endswith(".svg")
    facts: dict[str, Any] = {k: state[k] for k in ("title", "version", "step", "last", "reads")}
    least = 1 if state["reads"] else 0
    facts |= {
        "what": now.get("what", ""), "undo": state["step"] > least, "redo": state["step"] < state["last"],
        "page": page, "panel": now.get("panel"),
        "picture": {"href": f"{base}/{state['source'] if vector else f'picture-{page}.png'}"} | size,
        "changes": now.get("changes"), "refusal": now.get("said"), "reading": None, "adjusted": None, "problems": [], "rebuilt": None,
        "same": same(store, study),
    }  # fmt: skip
    before = _reading(store, now)
    if before is not None:
        facts["reading"] = _summary(before)
        try:
            found = verbs.adjust_figure(before, now["changes"])
            facts["adjusted"] = _summary(found) | {"residuals": verbs.residuals(found)}
        except NextarmError as error:
            facts["problems"] = problems_of(error)
    rebuilt = store.json("rebuilt.json")
    if rebuilt is not None:
        facts["rebuilt"] = rebuilt | {"current": rebuilt.get("made") == now.get("made")}
    return facts


def _summary(reading: Any) -> dict[str, Any]:
    """What the page says about a reading."""
    frame = reading.table().to_dicts()
    numbers = ("label", "residual_px", "percent", "source", "slope", "intercept")
    axes = {name: {k: getattr(getattr(reading, name), k) for k in numbers} for name in ("x_axis", "y_axis")}
    box = reading.box
    return axes | {
        "look": verbs.figure_look(reading, height=reading.width / LETTERS),
        "grade": reading.grade, "method": reading.method, "upward": reading.upward, "time_unit": reading.time_unit, "curves": frame,
        "warnings": [*reading.warnings, *(f"{c.arm}: {w}" for c in reading.curves for w in c.warnings)],
        "set_by_hand": list(reading.trail.assumptions), "box": [box.left, box.top, box.right, box.bottom],
    }  # fmt: skip


Act = Callable[[FigureStore, dict[str, Any]], None]
#: What a page may ask for by name.
ACTS: dict[str, Act] = {"read": read, "save": save, "rebuild": rebuild, "by-hand": by_hand}
