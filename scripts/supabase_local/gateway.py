"""What stands before PostgREST at Supabase: it looks at the key and tells PostgREST whose it is. It has bad days on request."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from enum import StrEnum
from typing import Never

import aiohttp
from aiohttp import web
from yarl import URL

from scripts.processes import NotReady
from scripts.supabase_local.keys import ROLES, token

PREFIX = "/rest/v1"
MAX_BODY_BYTES = 1 << 30
JWT_SECONDS = 60
# Of one connection, not of a request (RFC 9110, 7.6.1); lengths and encodings are set anew.
HOP_BY_HOP = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "content-length", "host"}


class Fault(StrEnum):
    """How a request can fail."""

    REFUSED = "refused"  # the connection is closed before anything is carried out
    UNAVAILABLE = "unavailable"  # 503, and nothing is carried out
    LOST = "lost"  # it is carried out, and the connection is closed in the answer's place
    SILENT = "silent"  # nothing is carried out and nothing is answered; the connection stays open


@dataclass(slots=True, kw_only=True)
class Trouble:
    """A fault that strikes the next requests."""

    fault: Fault
    path: str  # behind /rest/v1/, such as `orders` or `rpc/append`; empty: every path
    left: int  # times it is yet to strike
    struck: int = 0


class Gateway:
    """A listener on loopback in a thread of its own."""

    def __init__(self, upstream: Callable[[], str]) -> None:
        self.url = ""
        self._upstream = upstream
        self._troubles: list[Trouble] = []
        self._lock = threading.Lock()

    def trouble(self, fault: Fault, path: str = "", times: int = 1) -> Trouble:
        """Make the next requests of a path fail; they count in the order of arrival."""
        trouble = Trouble(fault=fault, path=path.strip("/"), left=times)
        with self._lock:
            self._troubles.append(trouble)
        return trouble

    def calm(self) -> None:
        """Forget all trouble that has not struck."""
        with self._lock:
            self._troubles.clear()

    async def serve(self, port: int, ready: Future[asyncio.Event]) -> None:
        """Listen until the event that `ready` is given is set."""
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        app.router.add_route("*", "/{path:.*}", self._answer)
        # A client that has gone ends a silent request; at the end nobody is waited for (aiohttp reads 0 as for ever).
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.01)
        await runner.setup()
        try:
            async with aiohttp.ClientSession(auto_decompress=False, timeout=aiohttp.ClientTimeout(total=None)) as self._session:
                await web.TCPSite(runner, "127.0.0.1", port).start()
                self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
                done = asyncio.Event()
                ready.set_result(done)
                await done.wait()
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        if not request.path.startswith(PREFIX + "/"):
            return _problem(404, "no Route matched with those values")
        trouble = self._next_trouble(request.path.removeprefix(PREFIX).strip("/"))
        if trouble is Fault.UNAVAILABLE:
            return _problem(503, "the server is temporarily unavailable")
        if trouble is Fault.REFUSED:
            _hang_up(request)
        if trouble is Fault.SILENT:
            await asyncio.Event().wait()
        # A client that goes away does not undo what it has asked for, there as here.
        response = await asyncio.shield(self._forward(request))
        if trouble is Fault.LOST:
            _hang_up(request)
        return response

    async def _forward(self, request: web.Request) -> web.Response:
        key = request.headers.get("apikey")
        if key is None:
            return _problem(401, "No API key found in request")
        if key not in ROLES and key.count(".") != 2:  # a JWT may be a key: PostgREST judges it
            return _problem(401, "Invalid API key")
        url = URL(self._upstream() + request.raw_path.removeprefix(PREFIX), encoded=True)
        headers = _end_to_end(request.headers) | {"Authorization": _authorization(key, request.headers.get("Authorization"))}
        try:
            async with self._session.request(
                request.method, url, headers=headers, data=await request.read(), allow_redirects=False
            ) as answer:
                return web.Response(status=answer.status, headers=_end_to_end(answer.headers), body=await answer.read())
        except aiohttp.ClientError:
            return _problem(502, "An invalid response was received from the upstream server")

    def _next_trouble(self, path: str) -> Fault | None:
        with self._lock:
            for trouble in self._troubles:
                if trouble.left > 0 and trouble.path in ("", path):
                    trouble.left -= 1
                    trouble.struck += 1
                    return trouble.fault
        return None


@contextlib.contextmanager
def serving(upstream: Callable[[], str], port: int | None) -> Iterator[Gateway]:
    """Serve until the block is left.

    Args:
        upstream: Tells where PostgREST listens now.
        port: Of loopback; any free one if None.

    Raises:
        NotReady: The port is taken.
    """
    gateway = Gateway(upstream)
    ready: Future[asyncio.Event] = Future()
    loop = asyncio.new_event_loop()

    def work() -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                runner.run(gateway.serve(port or 0, ready))
        except OSError as error:
            ready.set_exception(NotReady(f"the gateway cannot listen on 127.0.0.1:{port}: {error.strerror}"))

    thread = threading.Thread(target=work, name="gateway", daemon=True)
    thread.start()
    done = ready.result()
    try:
        yield gateway
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()


def _authorization(key: str, given: str | None) -> str:
    """Say in whose name the request is: a user's own token, or else the role of the key."""
    if given is not None and given != f"Bearer {key}":
        return given
    return f"Bearer {token(ROLES[key], JWT_SECONDS) if key in ROLES else key}"


def _end_to_end(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in HOP_BY_HOP | {"authorization"}}


def _problem(status: int, message: str) -> web.Response:
    return web.json_response({"message": message}, status=status)


def _hang_up(request: web.Request) -> Never:
    if request.transport is not None:
        request.transport.abort()
    raise asyncio.CancelledError
