"""What stands between the browser and the screens: who may ask, how much may be sent, what an answer may do.

Any page on the web can make a browser send requests to 127.0.0.1. So: the Host header must be one of this server's own
names (DNS rebinding), requests that change something must come from one of its own pages (Origin and Sec-Fetch-Site),
and answers forbid inline script, frames and other origins. Beyond this machine a token is asked for.
"""

from __future__ import annotations

import hmac
import logging
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nextarm.web.page import plain_page

#: Scripts, styles and requests of this server only; nothing inline, nothing evaluated, in no frame.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
#: Where figures are dropped.
FIGURE = re.compile(r"/study/[a-z0-9-]{1,48}/figure/upload")
SAFE = ("GET", "HEAD")
UNSAFE = ("POST",)
COOKIE = "nextarm-token"
#: Names of this machine that no other machine can answer to.
LOCAL = ("127.0.0.1", "localhost", "[::1]")

log = logging.getLogger("nextarm.web")


@dataclass(frozen=True)
class Limits:
    """What one request may be: bytes of a body (of a figure that is dropped: as many as its reader takes), signs of an address."""

    body: int = 5_000_000
    figure: int = 20_000_000
    address: int = 16_000

    def body_of(self, path: str) -> int:
        """Most bytes of a body sent to ``path``."""
        return self.figure if FIGURE.fullmatch(path) else self.body


@dataclass(frozen=True)
class Access:
    """Who may ask: the names the server answers to, its port (None: any), and the token where there is one."""

    hosts: tuple[str, ...] = LOCAL
    port: int | None = None
    token: str | None = None
    limits: Limits = field(default_factory=Limits)

    def allows_host(self, header: str) -> bool:
        """Whether a Host header (or the host of an Origin) is this server's own."""
        name, _, port = header.rpartition(":") if not header.endswith("]") and ":" in header else (header, "", "")
        if name.lower() not in self.hosts:
            return False
        return self.port is None or port == str(self.port) or (not port and self.port == 80)

    def own_origin(self, origin: str, host: str) -> bool:
        """Whether a page of ``origin`` is one of this server's pages as the browser sees it under ``host``."""
        return origin in (f"http://{host}", f"https://{host}")


def new_token() -> str:
    """A token that cannot be guessed."""
    return secrets.token_urlsafe(24)


class TooLargeError(Exception):
    """A body went beyond the limit while it was read."""


class Guard:
    """The middleware: refuses before the application sees a request, and dresses every answer."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self.app = app
        self.access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; what is not HTTP (but for the server's start and end) is turned away."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        refused = self._refused(scope)
        if refused is not None:
            await refused(scope, receive, _dressed(send))
            return
        seen, started, most = 0, False, self.access.limits.body_of(scope["path"])

        async def limited() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > most:
                raise TooLargeError
            return message

        async def noticed(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        out = _dressed(noticed)
        try:
            await self.app(scope, limited, out)
        except TooLargeError:
            if not started:
                await self._too_large(most)(scope, receive, out)
        except Exception:
            log.exception("a request failed: %s", scope["path"])
            if not started:
                words = "Something went wrong in nextarm itself; the server's window says what. Nothing was changed by this page."
                html = "text/html" in Headers(scope=scope).get("accept", "")
                said = HTMLResponse(plain_page(words, status=500), 500) if html else PlainTextResponse(words, 500)
                await said(scope, receive, out)

    def _refused(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if len(headers.getlist("host")) != 1 or not self.access.allows_host(host):
            return PlainTextResponse("This server answers only to its own name (see the address it printed at its start).", 421)
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > self.access.limits.address:
            return PlainTextResponse("The address is too long.", 414)
        if scope["method"] not in SAFE + UNSAFE:
            return PlainTextResponse("Only GET, HEAD and POST are answered.", 405, {"Allow": "GET, HEAD, POST"})
        if self.access.token is not None:
            answer = self._without_token(scope, headers)
            if answer is not None:
                return answer
        if scope["method"] in UNSAFE:
            return self._foreign(headers, host) or self._announced_too_large(headers, self.access.limits.body_of(scope["path"]))
        return None

    def _foreign(self, headers: Headers, host: str) -> Response | None:
        """Refuse a change that does not come from one of our own pages, or does not say where it comes from."""
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        fine = (origin is not None or site is not None) and (origin is None or self.access.own_origin(origin, host))
        if fine and site in (None, "same-origin"):
            return None
        return PlainTextResponse("Changes are taken from this server's own pages only.", 403)

    def _announced_too_large(self, headers: Headers, most: int) -> Response | None:
        announced = headers.get("content-length", "0")
        if not announced.isascii() or not announced.isdigit():
            return PlainTextResponse("Content-Length is not a number.", 400)
        return self._too_large(most) if int(announced) > most else None

    def _too_large(self, most: int) -> Response:
        return PlainTextResponse(f"What was sent is too large: at most {most / 1e6:g} MB.", 413)

    def _without_token(self, scope: Scope, headers: Headers) -> Response | None:
        """Nothing where the request carries the token; a page that keeps it as a cookie where the address does."""
        assert self.access.token is not None
        kept = headers.get("authorization", "").removeprefix("Bearer ")
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            cookie = None
        if _same(kept, self.access.token) or (cookie is not None and _same(cookie.value, self.access.token)):
            return None
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = [value for name, value in query if name == "token"]
        if scope["method"] in SAFE and given and _same(given[0], self.access.token):
            rest = urlencode([(n, v) for n, v in query if n != "token"])
            path = "/" + scope["path"].lstrip("/\\")  # "//host" would be another server
            answer = RedirectResponse(path + (f"?{rest}" if rest else ""), 303)
            answer.set_cookie(COOKIE, self.access.token, httponly=True, samesite="strict", path="/")
            return answer
        return PlainTextResponse("This server asks for the token it printed at its start: open that address.", 401)


def _same(a: str, b: str) -> bool:
    return hmac.compare_digest(a.encode("utf-8", "replace"), b.encode())


def _dressed(send: Send) -> Send:
    async def out(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message["headers"])
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return out


def hosts_for(address: str, more: Iterable[str] = ()) -> tuple[str, ...]:
    """The names that a server bound to ``address`` answers to."""
    own = () if address in ("0.0.0.0", "::") else (f"[{address}]" if ":" in address else address,)
    return tuple(dict.fromkeys(n.lower() for n in (*LOCAL, *own, *more)))
