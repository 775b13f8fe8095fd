"""The HTTP API of Prefect, as far as the emergency exit and `arena resume` use it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from arena import schedules
from arena.schedules import pause_schedules, resume_schedules, scheduling
from deployments.server import prefect_server

FOUND = "/deployments/name/trading-cycle/trading-cycle"


@pytest.fixture
def locked(httpserver: HTTPServer) -> Iterator[dict[str, int]]:
    """A server that knows the deployment, and how often it says first that its database is locked, by path."""
    busy: dict[str, int] = {}

    def answer(request: Request) -> Response:
        if busy.get(request.path, 0) > 0:
            busy[request.path] -= 1
            return Response("", 503)
        return Response('{"id": "d1", "paused": false}', content_type="application/json")

    for path in (FOUND, "/deployments/d1/pause_deployment", "/deployments/d1/resume_deployment"):
        httpserver.expect_request(path).respond_with_handler(answer)
    yield busy
    httpserver.check_assertions()


def asked(httpserver: HTTPServer) -> list[str]:
    return [request.path.removeprefix("/deployments/") for request, _ in httpserver.log]


@pytest.mark.parametrize("path", [FOUND, "/deployments/d1/resume_deployment"])
async def test_a_server_whose_database_is_locked_is_asked_again(
    httpserver: HTTPServer, locked: dict[str, int], path: str
) -> None:
    locked[path] = 2
    assert await resume_schedules(httpserver.url_for("")) == ()
    assert asked(httpserver).count(path.removeprefix("/deployments/")) == 3
    assert asked(httpserver)[-1] == "d1/resume_deployment"


async def test_a_schedule_that_cannot_be_paused_in_time_is_named(
    httpserver: HTTPServer, locked: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedules, "PATIENCE_SECONDS", 0.5)
    locked["/deployments/d1/pause_deployment"] = 1000
    assert await pause_schedules(httpserver.url_for("")) == (
        "trading-cycle/trading-cycle could not be paused (HTTPStatusError); the halt keeps it from trading",
    )
    assert len(asked(httpserver)) < 10


async def test_what_is_not_registered_is_not_paused(httpserver: HTTPServer) -> None:
    httpserver.expect_request(FOUND).respond_with_data("", 404)
    assert await pause_schedules(httpserver.url_for("")) == ()
    assert await scheduling(httpserver.url_for("")) is False


async def test_a_schedule_is_seen_on_a_busy_server_too(httpserver: HTTPServer, locked: dict[str, int]) -> None:
    locked[FOUND] = 1
    assert await scheduling(httpserver.url_for("")) is True


def test_a_deployment_is_asked_for_again_as_well(httpserver: HTTPServer, locked: dict[str, int]) -> None:
    locked[FOUND] = 2
    with prefect_server(httpserver.url_for("")) as server:
        assert server.get(FOUND)["id"] == "d1"
