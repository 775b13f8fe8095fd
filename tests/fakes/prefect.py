"""A client of Prefect's server that asks again while the server is busy."""

from __future__ import annotations

import httpx
from tenacity import Retrying

from arena.busy_server import while_busy

SECONDS = 20.0


class Patient(httpx.HTTPTransport):
    """Asks again."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer: httpx.Response = Retrying(**while_busy(SECONDS))(super().handle_request, request)
        return answer


def client(url: str = "") -> httpx.Client:
    return httpx.Client(base_url=url, timeout=90, transport=Patient(), trust_env=False)  # a server on a busy machine


PREFECT = client()
