"""Serving over HTTP on one address: whoever waits is told when it is ready, and a port that is taken is one sentence."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from arena.errors import ConfigurationError


class Server(uvicorn.Server):
    """Says when it is ready.

    Args:
        greeting: The line that it says.
    """

    def __init__(self, config: uvicorn.Config, greeting: str) -> None:
        super().__init__(config)
        self._greeting = greeting

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        if self.started:
            sys.stdout.write(f"{self._greeting}\n")
            sys.stdout.flush()


@contextmanager
def listening(host: str, port: int, settings: str) -> Iterator[socket.socket]:
    """Yield a socket for a server; port 0 takes a free one.

    Args:
        settings: What says where to listen, such as `--port`.

    Raises:
        ConfigurationError: The address cannot be listened on.
    """
    # asyncio sets TCP_NODELAY only on sockets that say they are TCP; without it every answer waits 40 ms for an acknowledgement.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise ConfigurationError(
                f"{host}, port {port} cannot be listened on ({error.strerror}): stop what uses it, or give another {settings}"
            ) from error
        yield listener
