"""The addresses of the Figure screen.

``/study/NAME/figure`` lists figures and takes a dropped file (POST ``upload``, the bytes as they are); ``/study/NAME/figure/ID`` is
one figure, ``ID.json`` and ``ID.csv`` the reading as corrected; ``ID/view.json`` what the page shows. POST ``ID/read``, ``by-hand``,
``save``, ``go`` and ``rebuild`` are the actions, each with the version of the figure it was made on: 409 where somebody else was first;
``try`` tells what a change would do and keeps nothing.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from nextarm import verbs
from nextarm.core.errors import CallError, NextarmError, Problem
from nextarm.web.figure import work
from nextarm.web.figure.store import Conflict, FigureStore, figures_in

#: Largest file taken, bytes: that of the reader itself; largest record of an action.
MOST_FILE, MOST_ACTION = 20_000_000, 2_000_000
#: Readings and reconstructions at the same time.
AT_ONCE = 2
ASSETS = {
    "figure.css": "text/css",
    "figure.js": "text/javascript",
    "stage.js": "text/javascript",
    "grid.js": "text/javascript",
    "entry.js": "text/javascript",
    "drop.js": "text/javascript",
}
PICTURES = {".png": "image/png", ".svg": "image/svg+xml", ".csv": "text/csv", ".json": "application/json"}
FILES = re.compile(r"picture-\d{1,5}\.png|source\.svg|(patients|versions|curves|ticks|at_risk)\.csv|(figure|changes|reconstruction)\.json")
QUESTION = "Drop a published survival curve: read on this machine, drawn over the figure, corrected by hand, rebuilt to patients."
BUSY = "Two readings are going on. Wait until one is done and try again."
CHANGED = "This figure was changed in another tab or window since this page was loaded. Nothing was overwritten."


@dataclass(frozen=True)
class Frame:
    """What the server lends to the screen.

    ``folder`` gives the folder of a study (None: the bundled study, in which nothing is saved; :class:`CallError`: there is none),
    ``page`` puts a title, a subtitle and the body of a screen into the frame of all pages, ``steps`` the keys of the other screens.
    """

    folder: Callable[[str], Path | None]
    page: Callable[[str, str, str, str], str]
    steps: tuple[str, ...] = ()


@cache
def environment() -> Environment:
    """The templates of the screen."""
    loader = PackageLoader("nextarm.web", "figure/templates")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, auto_reload=False)


@cache
def asset(name: str) -> str | None:
    """A style sheet or module of the screen; None if there is none."""
    return (resources.files("nextarm.web") / "figure" / "static" / name).read_text(encoding="utf-8") if name in ASSETS else None


def figure_routes(frame: Frame) -> list[Route]:
    """The routes of the screen, to stand before those of the other screens."""
    room = threading.BoundedSemaphore(AT_ONCE)

    def study_of(request: Request) -> Path | None:
        try:
            return frame.folder(request.path_params["study"])
        except CallError as error:
            raise HTTPException(404, str(error)) from None

    def store_of(request: Request) -> FigureStore:
        folder = study_of(request)
        if folder is None:
            raise HTTPException(404, "The bundled study is for reading; no figures are kept in it.")
        try:
            store = FigureStore(folder, request.path_params["figure"])
            store.state()
        except NextarmError as error:
            raise HTTPException(404, str(error)) from None
        return store

    def base(request: Request) -> str:
        return f"/study/{request.path_params['study']}/figure"

    def first(request: Request) -> Response:
        folder = study_of(request)
        figures = [] if folder is None else [(n, t, _told(s)) for n, t, s in figures_in(folder)]
        body = environment().get_template("figures.html").render(
            base=base(request), figures=figures, writable=folder is not None, new=f"/study/{request.path_params['study']}/start/new"
        )  # fmt: skip
        return Response(frame.page(request.path_params["study"], "Figure", QUESTION, body), media_type="text/html")

    def screen(request: Request) -> Response:
        name, _, kind = request.path_params["figure"].partition(".")
        request.path_params["figure"] = name
        store = store_of(request)
        if kind in ("json", "csv"):
            found = work.adjusted(store)
            text = found.to_json(indent=1) if kind == "json" else verbs.figure_csv(found)["curves.csv"]
            return Response(text, media_type=PICTURES[f".{kind}"])
        if kind:
            raise HTTPException(404, "A figure has .json and .csv beside it, nothing else.")
        state = store.state()
        study = study_of(request)
        patients = f"/study/{request.path_params['study']}/patients" if "patients" in frame.steps else ""
        subtitle = "Is what was read what was printed?"
        body = environment().get_template("figure.html").render(
            base=f"{base(request)}/{name}", list=base(request), state=state, units=work.UNITS, patients=patients,
                same=work.same(store, study), is_read=store.step(state["step"]).get("read") is not None,
        )  # fmt: skip
        return Response(frame.page(request.path_params["study"], state["title"], subtitle, body), media_type="text/html")

    def shown(request: Request) -> Response:
        store = store_of(request)
        return JSONResponse(work.view(store, base=f"{base(request)}/{store.name}", study=study_of(request)))

    def file(request: Request) -> Response:
        store, name = store_of(request), request.path_params["file"]
        path = store.folder / name
        if not FILES.fullmatch(name) or not path.is_file():
            raise HTTPException(404, "There is no such file.")
        headers = {"Content-Disposition": f'inline; filename="{store.name}-{name}"', "X-Content-Type-Options": "nosniff"}
        if name.endswith(".svg"):  # a stranger's drawing: opened by itself it may draw, and nothing else
            headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
        return Response(path.read_bytes(), media_type=PICTURES[path.suffix], headers=headers)

    async def upload(request: Request) -> Response:
        return await _told_off(take, request)

    async def act(request: Request) -> Response:
        return await _told_off(do, request)

    async def take(request: Request) -> Response:
        folder = await run_in_threadpool(study_of, request)
        if folder is None:
            return _said(422, "The bundled study is for reading. Make a study of your own on the first page, then drop the figure there.")
        data = await _body(request, MOST_FILE)
        title = request.query_params.get("name", "")[:200] or "figure"

        def done() -> Response:
            if not room.acquire(timeout=20):
                return _said(429, BUSY)
            try:
                store = work.drop(folder, title=title, data=data)
            finally:
                room.release()
            return JSONResponse({"address": f"{base(request)}/{store.name}"}, 201)

        return await run_in_threadpool(_guarded, done)

    async def do(request: Request) -> Response:
        name = request.path_params["act"]
        if name not in (*work.ACTS, "go", "try"):
            raise HTTPException(404, "There is no such action.")
        store = await run_in_threadpool(store_of, request)
        sent = _record(await _body(request, MOST_ACTION))

        def done() -> Response:
            if name == "try":
                return JSONResponse(work.tried(store, sent))
            heavy = name in ("read", "rebuild")
            if heavy and not room.acquire(timeout=20):
                return _said(429, BUSY)
            try:
                if name == "go":
                    version = work.whole(sent.get("version"), "version")
                    store.go(work.whole(sent.get("step"), "step"), version=version, action=str(sent.get("action", ""))[:60])
                else:
                    work.ACTS[name](store, sent)
            finally:
                if heavy:
                    room.release()
            return JSONResponse(work.view(store, base=f"{base(request)}/{store.name}", study=study_of(request)))

        return await run_in_threadpool(_guarded, done)

    def static(request: Request) -> Response:
        text = asset(request.path_params["name"])
        if text is None:
            raise HTTPException(404, "There is no such file.")
        return Response(text, media_type=ASSETS[request.path_params["name"]], headers={"Cache-Control": "no-cache"})

    return [
        Route("/figure-assets/{name}", static, methods=["GET"]),
        Route("/study/{study}/figure", first, methods=["GET"]),
        Route("/study/{study}/figure/upload", upload, methods=["POST"]),
        Route("/study/{study}/figure/{figure}", screen, methods=["GET"]),
        Route("/study/{study}/figure/{figure}/view.json", shown, methods=["GET"]),
        Route("/study/{study}/figure/{figure}/{file}", file, methods=["GET"]),
        Route("/study/{study}/figure/{figure}/{act}", act, methods=["POST"]),
    ]


async def _told_off(answer: Callable[[Request], Awaitable[Response]], request: Request) -> Response:
    """The answer; a refusal as JSON, as the scripts of the page read it."""
    try:
        return await answer(request)
    except HTTPException as error:
        return _said(error.status_code, error.detail)


async def _body(request: Request, most: int) -> bytes:
    """The bytes sent, 413 as soon as there are too many."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise HTTPException(413, f"What was sent is too large: at most {most / 1e6:g} MB.")
        parts.append(part)
    return b"".join(parts)


def _record(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise HTTPException(400, "The request is not JSON.") from None
    if not isinstance(found, dict):
        raise HTTPException(400, "The request must be one JSON object.")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _guarded(done: Callable[[], Response]) -> Response:
    """An answer in every case: 409 for a version that is old, 422 with the problems for what cannot be done."""
    try:
        return done()
    except Conflict:
        return _said(409, CHANGED)
    except NextarmError as error:
        found = list(getattr(error, "found", ()))
        return JSONResponse({"error": str(error), "problems": work.problems_of(error), "found": found}, 422)


def _said(status: int, words: str) -> Response:
    headers = {"Retry-After": "5"} if status == 429 else None
    problem = work.as_data(Problem(words.rstrip(".")))
    return JSONResponse({"error": words, "problems": [problem | {"text": words}], "found": []}, status, headers)


def _told(state: dict[str, Any]) -> str:
    """One line about a figure in the list."""
    if state.get("broken"):
        return "cannot be read any more"
    if not state["reads"]:
        return "not read yet"
    return f"{state['last']} {'step' if state['last'] == 1 else 'steps'} kept"
