"""Show a report folder in the browser, on this machine only.

The page is what ``nextarm report`` wrote: nothing is computed here. The server binds to 127.0.0.1, answers GET and HEAD
only, serves the files a report consists of and nothing else, and refuses requests whose Host header is not its own
(DNS rebinding).
"""

from __future__ import annotations

import re
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from nextarm.core.errors import CallError

#: What a report folder may hold, and the type it is sent as.
SERVED: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"report\.html"), "text/html"),
    (re.compile(r"results\.json"), "application/json"),
    (re.compile(r"charts/[a-z][a-z0-9-]*\.svg"), "image/svg+xml"),
)
HOSTS = ["127.0.0.1", "localhost", "[::1]"]
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src 'self' data:",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def report_app(folder: str | Path) -> Starlette:
    """The application that serves the report in ``folder``; :class:`CallError` if there is none."""
    root = Path(folder)
    if not (root / "report.html").is_file():
        raise CallError(f"{root} holds no report.html", cure="Make one with: nextarm report infant-all --out " + str(root))

    async def page(request: Request) -> Response:
        name = request.path_params.get("path") or "report.html"
        for pattern, kind in SERVED:
            if pattern.fullmatch(name) and (root / name).is_file():
                return FileResponse(root / name, media_type=kind, headers=HEADERS)
        return PlainTextResponse("Not found: the report is at /", status_code=404, headers=HEADERS)

    return Starlette(
        routes=[Route("/", page), Route("/{path:path}", page)],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS, www_redirect=False)],
    )


def serve(folder: str | Path, *, port: int = 8765) -> None:
    """Serve the report in ``folder`` on 127.0.0.1 until interrupted."""
    import uvicorn

    if not 1024 <= port <= 65535:
        raise CallError(f"port = {port}", rule="must lie between 1024 and 65535")
    uvicorn.run(report_app(folder), host="127.0.0.1", port=port, log_level="warning", server_header=False)
