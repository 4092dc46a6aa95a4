"""The Figure screen in a plain frame of its own, with the policy of the server, so that its tests need nothing else of the page."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nextarm.core.errors import CallError, NextarmError
from nextarm.report.charts.palette import css_variables
from nextarm.web.figure import Frame, figure_routes

POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'"


class Policy:
    """Sets the content security policy on every answer that has none."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def out(message: Message) -> None:
            if message["type"] == "http.response.start" and b"content-security-policy" not in dict(message["headers"]):
                message["headers"].append((b"content-security-policy", POLICY.encode()))
            await send(message)

        await self.app(scope, receive, out)


def app(home: Path) -> Starlette:
    """An application over the studies in ``home``; ``infant-all`` is the bundled one."""

    def folder(name: str) -> Path | None:
        if name == "infant-all":
            return None
        if not name.isalnum() or not (home / name).is_dir():
            raise CallError(f"there is no study {name!r}")
        return home / name

    def page(study: str, title: str, question: str, body: str) -> str:
        head = '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        head += '<meta name="viewport" content="width=device-width, initial-scale=1">'
        head += f'<title>{title}</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/report.css"></head>'
        main = f'<header class="top"><h1>{title}</h1><p class="subtitle">{question}</p></header><main id="main">{body}</main>'
        return f'{head}<body><div class="page alone"><div></div><div class="column">{main}</div></div></body></html>'

    def css(request: Request) -> Response:
        light, dark = css_variables("light"), css_variables("dark")
        themes = f":root{{color-scheme:light;{light}}}@media (prefers-color-scheme:dark){{:root{{color-scheme:dark;{dark}}}}}"
        return Response(
            themes + (resources.files("nextarm.report") / "templates" / "style.css").read_text(encoding="utf-8"), media_type="text/css"
        )

    def refuse(request: Request, error: Exception) -> Response:
        return PlainTextResponse(str(error), 422)

    routes = [Route("/report.css", css), *figure_routes(Frame(folder=folder, page=page, steps=("figure", "patients")))]
    return Starlette(routes=routes, middleware=[Middleware(Policy)], exception_handlers={NextarmError: refuse})
