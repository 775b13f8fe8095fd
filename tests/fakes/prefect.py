"""A client of Prefect's server that asks again while the server's database, SQLite, is locked: a 503 means just that there."""

from __future__ import annotations

import time

import httpx

SECONDS = 20.0


class Unlocked(httpx.HTTPTransport):
    """Asks again."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        deadline = time.monotonic() + SECONDS
        while True:
            answer = super().handle_request(request)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or time.monotonic() > deadline:
                return answer
            answer.close()
            time.sleep(0.3)


def client(url: str = "") -> httpx.Client:
    return httpx.Client(base_url=url, timeout=30, transport=Unlocked(), trust_env=False)


PREFECT = client()
