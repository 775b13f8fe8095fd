"""Who may look: anybody on this machine, or whoever has the token. And what a browser may load: nothing from another host."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from arena.dashboard.problems import problem

COOKIE = "arena_dashboard"
OPEN = "/health"
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine alone."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Gate:
    """Asks for the token where there is one. Where there is none, the page of another host may not ask in its name.

    Args:
        token: Empty where none is wanted.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token
        self._cookie = hmac.new(token.encode(), b"arena dashboard", hashlib.sha256).hexdigest()  # the token stays with its owner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = None if scope["path"] == OPEN else self._refusal(scope)
        await (refusal or self._app)(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if not self._token:
            named = headers.get("host", "").rsplit(":", 1)[0].strip("[]")
            return None if is_loopback(named) else problem(403, "without API_TOKEN the dashboard answers to this machine alone")
        query = parse_qs(scope["query_string"].decode("latin-1"))
        if scope["path"] == "/" and self._same(query.pop("token", [""])[0], self._token):
            return self._admitted(urlencode(query, doseq=True))
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        if self._same(bearer, self._token) or self._same(_cookie_of(headers), self._cookie):
            return None
        detail = "the dashboard wants its token: Authorization: Bearer API_TOKEN, or open the page once with /?token=API_TOKEN"
        return problem(401, detail, headers={"WWW-Authenticate": "Bearer"})

    def _admitted(self, query: str) -> Response:
        """Let a browser in, and take the token out of its address."""
        response = RedirectResponse(f"/?{query}" if query else "/", 303)
        response.set_cookie(COOKIE, self._cookie, max_age=90 * 86_400, httponly=True, samesite="strict")
        return response

    @staticmethod
    def _same(given: str, wanted: str) -> bool:
        return hmac.compare_digest(given.encode(), wanted.encode())


def _cookie_of(headers: Headers) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(_HEADERS)
        await send(message)

    return sent
