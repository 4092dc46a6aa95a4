"""The application: addresses to screens, and ``serve``.

``/`` is the first page; ``/study/NAME/STEP`` a screen, whose whole state is its address; ``.json`` and ``.csv`` beside it;
``/study/NAME/STEP/chart/ID.svg`` and ``.png``, ``/study/NAME/STEP/table/N.csv`` with the same query; ``/runs/KEY`` long runs.
Screens are plain functions that run in worker threads; at most :data:`AT_ONCE` compute at the same time.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from nextarm.core.errors import CallError, NextarmError, Problem
from nextarm.report.charts.svg import for_file, to_png
from nextarm.report.ledger import charts_of
from nextarm.verbs.loading import before_loading, load, loaded
from nextarm.web.address import Query
from nextarm.web.figure import Frame, figure_routes
from nextarm.web.guard import Access, Guard, hosts_for, new_token
from nextarm.web.home import BUNDLED, Home
from nextarm.web.page import asset, json_of, own_page, page_of, plain_page
from nextarm.web.registry import STEPS
from nextarm.web.report_folder import report_app
from nextarm.web.runs import BusyError, Runs
from nextarm.web.screen import Ask, Content, Drawings, File, Shown, Step, table_csv, tables_of

#: Screens that compute at the same time, those that may wait, and how long one waits (seconds).
AT_ONCE, WAITING, PATIENCE = 2, 12, 20.0
#: Answers kept.
KEPT = 60
#: Seconds that the first screens wait for a first page before they are computed anyway.
FIRST_PAGE = 2.0
#: Screens asked once after start, with the question of each; those with a question only while nobody else asks.
FIRST_SCREENS = (
    ("evidence", ""), ("synthesis", ""), ("borrowing", ""), ("patients", ""), ("design", ""), ("report", "look="),
    ("borrowing", "view=patients&a_origin=diagnosis&b_origin=diagnosis"), ("evidence", "view=pooled"),
)  # fmt: skip
#: What is said where too much is asked for at once, and what helps where a form asked for it.
BUSY = "Two runs are going on and the queue is full. Wait for one, or cancel one."
BUSY_CURE = "They stand under Runs beside the steps; what you sent is still in the form"
#: Seconds without a question after which work is done ahead.
QUIET = 0.4


class Server:
    """What all requests share: the folder of studies, the runs, the drawings kept."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.runs = Runs()
        self.drawings = Drawings()
        self._room = threading.BoundedSemaphore(AT_ONCE)
        self._line = threading.BoundedSemaphore(AT_ONCE + WAITING)
        self._kept: OrderedDict[tuple[object, ...], Shown] = OrderedDict()
        self._lock = threading.Lock()
        self.begun = threading.Event()
        self.opened: dict[str, threading.Event] = {step.key: threading.Event() for step in STEPS if step.ahead}
        self._since = 0.0
        self._ends = threading.Event()

    def end(self) -> None:
        """The server ends: runs stop at their next progress, and no more work is done ahead."""
        self._ends.set()
        for waiting in (self.begun, *self.opened.values()):
            waiting.set()
        self.runs.stop_all()

    def in_turn(self, work: Callable[[], Response]) -> Response:
        """Do ``work`` when it is its turn; :class:`BusyError` where too many wait."""
        if not self._line.acquire(blocking=False):
            raise BusyError
        try:
            if not self._room.acquire(timeout=PATIENCE):
                raise BusyError
            try:
                return work()
            finally:
                self._room.release()
                self._since = time.monotonic()
        finally:
            self._line.release()

    def quiet(self) -> bool:
        """Wait until nobody has asked for :data:`QUIET` seconds and no run goes on; False if the server ends before."""
        while time.monotonic() - self._since < QUIET or any(run.active for run in self.runs.listed()):
            if self._ends.wait(QUIET / 4):
                return False
        return not self._ends.is_set()

    def ask(self, study: str, query: Query, path: str, *, rough: bool = False) -> Ask:
        """The question of a request."""
        try:
            return Ask(self.home.study(study), query, self.home, self.runs, path, rough)
        except CallError as error:
            raise HTTPException(404, str(error)) from None

    def shown(self, step: Step, ask: Ask) -> Shown:
        """Ask a screen, or give the answer it gave to the same question while nothing has changed."""
        if step.key in ("start", "figure"):  # lists of what is there, of which the stamp of a study knows nothing
            return self._asked(step, ask)
        runs = tuple((r.key, r.state, r.revision) for r in self.runs.listed())
        key = (step.key, ask.study.name, ask.query, ask.study.stamp(), runs)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        found = self._asked(step, ask)
        if not found.content.rough and (found.content.run is None or not found.content.run.active):
            with self._lock:
                self._kept[key] = found
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
        return found

    def _asked(self, step: Step, ask: Ask) -> Shown:
        """Ask a screen; what is wrong with the question is part of the answer."""
        try:
            return Shown(step, step.forms(ask), step.content(ask))
        except NextarmError as error:
            try:
                forms = step.forms(ask)
            except NextarmError:
                forms = ()
            return Shown(step, forms, Content(()), error.problems)

    def screen(self, study: str, step: Step, kind: str, query: Query, path: str, sheet: str = "", *, rough: bool = False) -> Response:
        """A screen as a page, JSON or CSV; ``sheet`` as in :meth:`Drawings.of`; of a page a ``rough`` first answer may do."""
        ask = self.ask(study, query, path, rough=rough and not kind)
        shown = self.shown(step, ask)
        status = 422 if shown.problems else 200
        if kind == "json":
            return Response(json_of(shown, address=path), status, media_type="application/json")
        if kind == "csv":
            tables = tables_of(shown.report())
            text = shown.content.csv or (table_csv(tables[0]) if tables else "")
            text = text or "".join(f"{p}\n" for p in shown.problems)
            return _file(text, "text/csv", f"{study}-{step.key}.csv", status)
        text = page_of(shown, ask=ask, drawings=self.drawings.of(shown.report(), sheet), steps=STEPS)
        self.begun.set()
        return Response(text, status, media_type="text/html")

    def chart(self, study: str, step: Step, name: str, query: Query, path: str) -> Response:
        """A chart of a screen as SVG or PNG."""
        shown = self.shown(step, self.ask(study, query, path))
        wanted, _, kind = name.rpartition(".")
        for chart in charts_of(shown.report()):
            if chart.id == wanted and kind in ("svg", "png"):
                svg = for_file(self.drawings.one(chart.wide), label=chart.alt)
                if kind == "svg":
                    return _file(svg, "image/svg+xml", f"{study}-{chart.id}.svg")
                return _file(to_png(svg), "image/png", f"{study}-{chart.id}.png")
        raise HTTPException(404, "There is no such chart on this screen.")

    def given(self, study: str, step: Step, name: str, query: Query, path: str) -> Response:
        """A file that a screen gives out."""
        if step.file is None:
            raise HTTPException(404, "This screen has no files.")
        try:
            return _given(step.file(self.ask(study, query, path), name))
        except NextarmError as error:
            raise HTTPException(404, str(error)) from None

    def table(self, study: str, step: Step, name: str, query: Query, path: str) -> Response:
        """A table of a screen as CSV, by its place."""
        tables = tables_of(self.shown(step, self.ask(study, query, path)).report())
        place = name.removesuffix(".csv")
        if name.endswith(".csv") and place.isascii() and place.isdigit() and len(place) < 5 and 1 <= int(place) <= len(tables):
            return _file(table_csv(tables[int(place) - 1]), "text/csv", f"{study}-{step.key}-{place}.csv")
        raise HTTPException(404, "There is no such table on this screen.")


def _given(found: File) -> Response:
    headers = {"Content-Disposition": f'{"attachment" if found.attached else "inline"}; filename="{found.name}"'}
    if found.policy:
        headers["Content-Security-Policy"] = found.policy
    return Response(found.content, 200, headers, media_type=found.kind)


def _file(content: str | bytes, kind: str, name: str, status: int = 200) -> Response:
    headers = {"Content-Disposition": f'inline; filename="{name}"'}
    if kind == "image/svg+xml":  # opened by itself it is a page: it may draw, nothing else
        headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return Response(content, status, headers, media_type=kind)


def _step(key: str) -> Step:
    for step in STEPS:
        if step.key == key:
            return step
    raise HTTPException(404, "There is no such page; the first page is at /.")


def _path(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def _routes(server: Server) -> list[Route]:
    def asked(request: Request) -> Query:
        try:
            return Query.read(request.url.query)
        except CallError as error:
            raise HTTPException(400, str(error)) from None

    def first(request: Request) -> Response:
        found = asked(request)
        return before_loading(lambda: server.screen(BUNDLED, _step("start"), "html", found, _path(request)))

    def open_study(request: Request) -> Response:
        server.ask(request.path_params["study"], Query(), "")
        return RedirectResponse(f"/study/{request.path_params['study']}/evidence", 303)

    def screen(request: Request) -> Response:
        key, _, kind = request.path_params["step"].partition(".")
        if kind not in ("", "json", "csv"):
            raise HTTPException(404, "A page has .json and .csv beside it, nothing else.")
        if key in server.opened:
            server.opened[key].set()
        found, sheet, rough = asked(request), request.headers.get("nextarm-sheet", ""), "nextarm-whole" not in request.headers
        study, step = request.path_params["study"], _step(key)
        return server.in_turn(lambda: server.screen(study, step, kind, found, _path(request), sheet, rough=rough))

    def part(request: Request) -> Response:
        params, found = request.path_params, asked(request)
        if params["part"] == "file":
            return server.given(params["study"], _step(params["step"]), params["name"], found, _path(request))
        make = {"chart": server.chart, "table": server.table}.get(params["part"])
        if make is None:
            raise HTTPException(404, "There is no such page.")
        return server.in_turn(lambda: make(params["study"], _step(params["step"]), params["name"], found, _path(request)))

    async def act(request: Request) -> Response:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/x-www-form-urlencoded":
            raise HTTPException(415, "A form must be sent as application/x-www-form-urlencoded.")
        body = await request.body()
        return await run_in_threadpool(done, request, body)

    def done(request: Request, body: bytes) -> Response:
        params = request.path_params
        step = _step(params["step"])
        action = step.actions.get(params["action"])
        if action is None:
            raise HTTPException(404, "There is no such action.")
        ask = server.ask(params["study"], Query(), f"/study/{params['study']}/{step.key}")
        try:
            sent = Query.read(body.decode("utf-8"))
        except (CallError, UnicodeDecodeError):
            raise HTTPException(400, "The form is not readable.") from None
        try:
            return RedirectResponse(action(ask, sent), 303)
        except (NextarmError, BusyError) as error:
            status, words, headers = _words(error)
            problems = error.problems if isinstance(error, NextarmError) else (Problem(words.rstrip("."), cure=BUSY_CURE),)
            shown = Shown(step, step.forms(replace(ask, query=sent)), Content(()), problems)
            return Response(page_of(shown, ask=ask, drawings={}, steps=STEPS), status, headers, media_type="text/html")

    def run(request: Request) -> Response:
        key, _, kind = request.path_params["key"].partition(".")
        found = server.runs.find(key)
        if found is None:
            raise HTTPException(404, "This run is not known: it was of another start of the server, or long ago.")
        if kind == "json":
            return JSONResponse(found.facts())
        return RedirectResponse(found.address, 303)

    def cancel(request: Request) -> Response:
        found = server.runs.find(request.path_params["key"])
        if found is None:
            raise HTTPException(404, "This run is not known.")
        server.runs.cancel(found.key)
        return RedirectResponse(found.address, 303)

    def static(request: Request) -> Response:
        found = asset(request.path_params["name"])
        if found is None:
            raise HTTPException(404, "There is no such file.")
        return Response(found[0], media_type=found[1], headers={"Cache-Control": "no-cache"})

    return [
        Route("/", first, methods=["GET"]),
        Route("/assets/{name}", static, methods=["GET"]),
        Route("/runs/{key}", run, methods=["GET"]),
        Route("/runs/{key}/cancel", cancel, methods=["POST"]),
        Route("/study/{study}", open_study, methods=["GET"]),
        Route("/study/{study}/{step}", screen, methods=["GET"]),
        Route("/study/{study}/{step}/{action}", act, methods=["POST"]),
        Route("/study/{study}/{step}/{part}/{name:path}", part, methods=["GET"]),
    ]


class Loaded:
    """The middleware that answers nothing but the first page and its files before all that computes is loaded."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer once :func:`load` is through."""
        if not loaded() and scope["type"] == "http" and scope["path"] != "/" and not scope["path"].startswith("/assets/"):
            await run_in_threadpool(load)
        await self.app(scope, receive, send)


def _figure(server: Server) -> list[Route]:
    """The Figure screen, in the frame of all."""

    def page(study: str, title: str, question: str, body: str) -> str:
        ask = server.ask(study, Query(), f"/study/{study}/figure")
        return own_page(ask, step="figure", title=title, question=question, body=body, steps=STEPS)

    return figure_routes(Frame(folder=lambda name: server.home.study(name).folder, page=page, steps=tuple(s.key for s in STEPS)))


def web_app(home: str | Path, *, access: Access | None = None) -> Starlette:
    """The application over the folder of studies ``home`` (made when the first study is)."""
    server = Server(Home(home))

    def refuse(request: Request, error: Exception) -> Response:
        status, words, headers = _words(error)
        if request.url.path.endswith(".json"):
            return JSONResponse({"error": words}, status, headers)
        return Response(plain_page(words, status=status), status, headers, media_type="text/html")

    @asynccontextmanager
    async def life(app: Starlette) -> AsyncIterator[None]:
        threading.Thread(target=warm, args=(server,), daemon=True).start()
        yield
        server.end()

    handlers: Any = {HTTPException: refuse, BusyError: refuse, NextarmError: refuse}
    before = [Middleware(Guard, access=access or Access()), Middleware(Loaded)]
    app = Starlette(routes=[*_figure(server), *_routes(server)], middleware=before, exception_handlers=handlers, lifespan=life)
    app.state.server = server
    return app


def _words(error: Exception) -> tuple[int, str, dict[str, str]]:
    if isinstance(error, HTTPException):
        words = {404: "There is no such page; the first page is at /.", 405: "This page is not changed in this way."}
        plain = error.detail if error.detail not in ("Not Found", "Method Not Allowed") else words[error.status_code]
        return error.status_code, plain, dict(error.headers or {})
    if isinstance(error, BusyError):
        return 429, BUSY, {"Retry-After": "10"}
    return 422, str(error), {}


def warm(server: Server) -> None:
    """Compute the first screens once, so that they are there when somebody asks; the very first page does not share its time with that."""
    server.begun.wait(FIRST_PAGE)
    load()
    for key, question in FIRST_SCREENS:
        if question and not server.quiet():
            return
        with suppress(Exception):  # a warm-up that fails is shown when the page is asked for
            path = f"/study/{BUNDLED}/{key}" + (f"?{question}" if question else "")
            server.screen(BUNDLED, _step(key), "html", Query.read(question), path)
    for step in STEPS:
        if step.ahead is not None:
            pieces = step.ahead()
            with suppress(Exception):  # as above
                next(pieces, None)
                server.opened[step.key].wait()
                for _ in pieces if server.quiet() else ():
                    if not server.quiet():
                        return


def serve(folder: str | Path, *, port: int = 8765, host: str = "127.0.0.1", names: tuple[str, ...] = ()) -> None:
    """Serve the studies in ``folder`` until interrupted; a folder that ``nextarm report`` wrote is shown as it is.

    ``host`` other than this machine's own makes a token, printed once; ``names`` are host names it then answers to.
    Raises :class:`CallError` for a port outside 1024 to 65535.
    """
    import sys

    import uvicorn

    if not 1024 <= port <= 65535:
        raise CallError(problems=[Problem(f"port = {port}", rule="must lie between 1024 and 65535")])
    local = host in ("127.0.0.1", "localhost", "::1")
    token = None if local else new_token()
    access = Access(hosts=hosts_for(host, names), port=port, token=token)
    root = Path(folder)
    app = report_app(root, access=access) if (root / "report.html").is_file() else web_app(root, access=access)
    ending = f"/?token={token}" if token else "/"
    shown = f"[{host}]" if ":" in host else host
    print(f"nextarm is at http://{shown}:{port}{ending} (Ctrl-C ends)", file=sys.stderr, flush=True)
    uvicorn.run(app, host=host, port=port, log_level="warning", server_header=False, access_log=False)


__all__ = ["report_app", "serve", "web_app"]
