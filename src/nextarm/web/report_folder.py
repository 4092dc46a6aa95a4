"""Show a report folder in the browser: what ``nextarm report`` wrote, and nothing else of the folder; nothing is computed.

The server's guard stands before it (Host header, token); GET and HEAD only.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from nextarm.core.errors import CallError
from nextarm.report.html import page_asset
from nextarm.web.guard import Access, Guard

#: What a report folder may hold, and the type it is sent as.
SERVED: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(report|index|evidence|studies|agents)\.html"), "text/html"),
    (re.compile(r"(results|versions)\.json"), "application/json"),
    (re.compile(r"charts/[a-z][a-z0-9-]*\.svg"), "image/svg+xml"),
    (re.compile(r"data/[a-z0-9][a-z0-9._-]*/[a-z_]+\.csv"), "text/csv"),
    (re.compile(r"data/[a-z0-9][a-z0-9._-]*/datapackage\.json"), "application/json"),
    (re.compile(r"curves/[a-z0-9][a-z0-9-]*\.(curve|at-risk|ticks|given)\.csv"), "text/csv"),
    (re.compile(r"curves/[a-z0-9][a-z0-9-]*\.about\.json"), "application/json"),
    (re.compile(r"(plans/[a-z0-9][a-z0-9_-]*|report)\.toml"), "text/plain"),
    (re.compile(r"sources\.bib"), "text/plain"),
)


def served(folder: Path, name: str) -> str | None:
    """The type of a file of a report folder; None for what is no part of a report, is not there, or is a link that leads out of it."""
    path = folder / name
    if ".." in name or not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
        return None
    return next((kind for pattern, kind in SERVED if pattern.fullmatch(name)), None)


def report_policy() -> str:
    """The policy of a report page: its own one script, named by hash, and the style inside it."""
    digest = base64.b64encode(hashlib.sha256(page_asset("script.js").encode()).digest()).decode()
    return f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; img-src data:; frame-ancestors 'none'"


def report_app(folder: str | Path, *, access: Access | None = None) -> Starlette:
    """The application that serves the report in ``folder``; :class:`CallError` if there is none."""
    root = Path(folder)
    if not (root / "report.html").is_file():
        raise CallError(f"{root} holds no report.html", cure="Make one with: nextarm report infant-all --out " + str(root))

    async def page(request: Request) -> Response:
        name = request.path_params.get("path") or "report.html"
        kind = served(root, name)
        if kind is not None:
            return FileResponse(root / name, media_type=kind, headers={"Content-Security-Policy": report_policy()})
        return PlainTextResponse("Not found: the report is at /", status_code=404)

    routes = [Route("/", page, methods=["GET"]), Route("/{path:path}", page, methods=["GET"])]
    return Starlette(routes=routes, middleware=[Middleware(Guard, access=access or Access())])
