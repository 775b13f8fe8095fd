"""Asking Prefect's server by its HTTP API: without Prefect's own client, which takes seconds to load."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

BUSY_SECONDS = 20.0  # its database is SQLite: while that is locked it answers 503, and means: ask again
PAUSE_SECONDS = 0.5


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

    def post(self, path: str, **body: Any) -> Any:
        """Send, and return the answer."""
        return self._ask("POST", path, body)

    def well(self) -> bool:
        """Return whether it answers."""
        try:
            return self._http.get("/health").status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def _ask(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            answer = self._http.request(method, path, json=body)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or time.monotonic() > deadline:
                return answer.raise_for_status().json()
            time.sleep(PAUSE_SECONDS)


@contextmanager
def prefect_server(api_url: str) -> Iterator[PrefectServer]:
    """Yield the server of PREFECT_API_URL, on this machine."""
    with httpx.Client(base_url=api_url, timeout=30, trust_env=False) as http:
        yield PrefectServer(http)
