"""Where others can reach the dashboard, no route tells anything without the token, and without one it does not start."""

from __future__ import annotations

import http.client
import ipaddress
import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import httpx
import psutil
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

import arena.dashboard
from arena.dashboard.app import create_app, serve
from arena.dashboard.judging import JudgementFile
from arena.domain.competitor import SeasonId
from arena.errors import ConfigurationError
from scripts.environment import without_settings
from scripts.processes import free_port, python
from tests.fakes.dashboard import answering, booked, endpoints, source
from tests.fakes.judgement import judgement, write_judgement

ROOT = Path(__file__).resolve().parents[2]
STATIC = Path(arena.dashboard.__file__).parent / "static"
TEST = SeasonId("test")
TOKEN = "s3cret-and-long"
WRONG = (
    {},
    {"Authorization": "Bearer wrong"},
    {"Authorization": f"Basic {TOKEN}"},
    {"Authorization": f"Bearer {TOKEN}x"},
    {"Authorization": "Bearer "},
    {"Cookie": f"arena_dashboard={TOKEN}"},
    {"Cookie": "arena_dashboard="},
    {"Host": "127.0.0.1"},
    {"X-Forwarded-For": "127.0.0.1", "Forwarded": "for=127.0.0.1"},
)
CROOKED = ("/health/", "//health", "/health/../status", "/health/..%2fstatus", "/health;/status", "/HEALTH", "/static/../status")


def own_address() -> str:
    """An address of this machine that others reach; loopback where it has no other."""
    found = (each.address for every in psutil.net_if_addrs().values() for each in every if each.family.name == "AF_INET")
    return next((each for each in found if not ipaddress.ip_address(each).is_loopback), "127.0.0.1")


@pytest.fixture
def own_addresses() -> frozenset[str]:
    return frozenset({own_address()})


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("season")
    write_judgement(folder / "verdict.json", judgement(3))
    with booked(folder, 3) as books:
        judged = replace(source(books.path, books.season_id), judgement=JudgementFile(folder / "verdict.json"))
        with answering(judged, TOKEN, own_address()) as client:
            yield client


def addresses(app: FastAPI) -> dict[str, str]:
    """An address of every route, and of every file."""
    described = endpoints(app.openapi())
    found = {}
    for route in iter_route_contexts(app.routes):
        assert route.path is not None
        if "{name:path}" in route.path:
            names = [each.relative_to(STATIC).as_posix() for each in STATIC.rglob("*") if each.is_file()]
            found |= {name: route.path.replace("{name:path}", name) for name in names}
        else:
            found[route.path] = described.get(route.path, route.path)
    return found


def asked(client: httpx.Client, method: str, target: str, headers: dict[str, str]) -> tuple[int, str, bytes]:
    """Send a target as it is written; of an answer without an end only its beginning is read."""
    with closing(http.client.HTTPConnection(client.base_url.host, client.base_url.port, timeout=10)) as connection:
        connection.request(method, target, headers=headers)
        answer = connection.getresponse()
        endless = answer.getheader("content-type", "").startswith("text/event-stream")
        return answer.status, answer.getheader("content-type", ""), b"" if endless else answer.read()


def test_no_route_tells_anything_without_the_token_but_health(outside: httpx.Client, tmp_path: Path) -> None:
    app = create_app(source(tmp_path / "arena.sqlite", TEST), TOKEN)
    found = addresses(app)
    assert len(found) > 20 and {"/", "/events", "/openapi.json", "/status", "page.js"} <= found.keys()
    for name, target in found.items():
        known, _, told = asked(outside, "GET", target, {"Authorization": f"Bearer {TOKEN}"})
        assert known == 200, (name, told)
        for headers in WRONG:
            status, kind, told = asked(outside, "GET", target, headers)
            if name == "/health":
                assert status == 200
            else:
                assert (status, kind) == (401, "application/problem+json"), (name, headers)
                assert len(told) < 250 and TOKEN.encode() not in told
        for method in ("HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            assert asked(outside, method, target, {})[0] == (405 if name == "/health" else 401), (method, name)


@pytest.mark.parametrize("target", [*CROOKED, f"/status?token={TOKEN}", "/?token=", "/?token=wrong", "/nothing", "/docs"])
def test_no_crooked_way_leads_in(outside: httpx.Client, target: str) -> None:
    assert asked(outside, "GET", target, {})[0] == 401


def test_the_command_does_not_start_without_a_token_where_others_reach_it(tmp_path: Path) -> None:
    host = own_address()
    if ipaddress.ip_address(host).is_loopback:
        host = "0.0.0.0"
    (tmp_path / "arena.env").write_text(f"SEASON=test\nAPI_HOST={host}\nAPI_PORT={free_port()}\n")
    environ = {**without_settings(os.environ), "ARENA_ENV_FILE": str(tmp_path / "arena.env"), "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        python("-m", "arena.cli", "dashboard"), env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert (
        ended.returncode != 0
        and f"API_HOST={host} can be reached from other machines: set API_TOKEN" in ended.stdout + ended.stderr
    )
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "198.51.100.7", "fe80::1", "arena.example", "127.0.0.1.example", "localhost.example", ""]
)
def test_only_loopback_needs_no_token(tmp_path: Path, host: str) -> None:
    with pytest.raises(ConfigurationError, match="set API_TOKEN"):
        serve(source(tmp_path / "none", TEST), host, 1, "")
