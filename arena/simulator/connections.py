"""Connections that can be cut without an answer: HTTP alone has no way to say nothing."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

_CONNECTION = "connection"  # in the state that uvicorn hands to every request


class CuttableProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, whose requests know their connection and can cut it.

    Attributes:
        silent: Whether its request will get no answer.
    """

    silent = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn itself has it
        """Take the connection's state for itself: uvicorn's is shared by all."""
        self.app_state = {**self.app_state, _CONNECTION: self}
        super().connection_made(transport)

    def cut(self) -> None:
        """End the connection at once, without another byte."""
        self.transport.abort()

    def shutdown(self) -> None:
        """End with the server, which waits for answers that are still to come."""
        super().shutdown()
        if self.silent:
            self.cut()


class NoAnswer(Response):
    """In an answer's place: silence for a while, or until the client hangs up, then the connection's end.

    Args:
        seconds: Of wall time.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__()
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send nothing."""
        connection: CuttableProtocol = scope["state"][_CONNECTION]
        connection.silent = True
        with suppress(TimeoutError):
            async with asyncio.timeout(self._seconds):
                await _hung_up(receive)
        connection.cut()
        await _hung_up(receive)  # uvicorn takes an end before this for a defect of the application


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
