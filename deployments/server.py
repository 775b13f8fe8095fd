"""Asking Prefect's server by its HTTP API: without Prefect's own client, which takes seconds to load."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from tenacity import Retrying

from arena.busy_server import while_busy

BUSY_SECONDS = 20.0


class PrefectServer:
    """A server, by the paths of its API.

    Raises, from every question:
        httpx.HTTPError: It does not answer, has refused, or stays busy.
    """

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def get(self, path: str) -> Any:
        """Return what is there."""
        return self._ask("GET", path, None)

    def post(self, path: str, /, **body: Any) -> Any:
        """Send, and return the answer; None where there is no more to say than that it was done."""
        return self._ask("POST", path, body)

    def well(self) -> bool:
        """Return whether it answers."""
        try:
            return self._http.get("/health").status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def _ask(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        ask = Retrying(**while_busy(BUSY_SECONDS))
        answer: httpx.Response = ask(self._http.request, method, path, json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None


@contextmanager
def prefect_server(api_url: str) -> Iterator[PrefectServer]:
    """Yield the server of PREFECT_API_URL, on this machine."""
    with httpx.Client(base_url=api_url, timeout=30, trust_env=False) as http:
        yield PrefectServer(http)
