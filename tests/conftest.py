"""What holds for every test: nothing leaves this machine, and a missing data set is said, not hidden."""

from __future__ import annotations

import ipaddress
import logging
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

from arena import redaction
from tests.fakes.supabase import supabase, supabase_stack  # noqa: F401  fixtures for every test

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
SEASONS = (
    "tests/bench/",
    *(f"tests/e2e/test_{name}.py" for name in ("demo", "deployments", "local_model", "recover", "schedule")),
)


settings.register_profile("fast", max_examples=20)  # `make test-fast`
settings.register_profile("long", max_examples=1000)  # `make test ARGS=--hypothesis-profile=long`, for a night


class OneSeasonAtATime(LoadFileScheduling):
    """Gives whole files to the testers, and all that start a Prefect server for a season to one of them.

    Such a season has processes enough for every core; two would make each other, and what else is tested, slow.
    """

    def _split_scope(self, nodeid: str) -> str:
        return "seasons" if nodeid.startswith(SEASONS) else str(super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneSeasonAtATime:
    return OneSeasonAtATime(config, log)


class OutsideLoopback(Exception):
    """A test tried to reach another machine."""


def _is_loopback(address: Any) -> bool:
    if not isinstance(address, tuple):
        return True  # a Unix socket
    host = str(address[0])
    try:
        return host == "localhost" or ipaddress.ip_address(host.split("%", maxsplit=1)[0]).is_loopback
    except ValueError:
        return False


@pytest.fixture
def own_addresses() -> frozenset[str]:
    """What a test reaches beside loopback: addresses of this machine, where that is what it is about."""
    return frozenset()


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch, own_addresses: frozenset[str]) -> Iterator[None]:
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def guarded(original: Any) -> Any:
        def call(self: socket.socket, address: Any) -> Any:
            if not (_is_loopback(address) or address[0] in own_addresses):
                raise OutsideLoopback(f"a test reached for {address}")
            return original(self, address)

        return call

    monkeypatch.setattr(socket.socket, "connect", guarded(connect))
    monkeypatch.setattr(socket.socket, "connect_ex", guarded(connect_ex))
    yield


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a season keeps beside its books (`runs/`) is each test's own."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def own_logs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Where a test's log lines go, and what it keeps secret, is its own."""
    monkeypatch.setattr(redaction, "_forms", set())
    monkeypatch.setattr(redaction, "_pattern", None)
    arena, made = logging.getLogger("arena"), logging.getLogRecordFactory()
    handlers, level = [*arena.handlers], arena.level
    yield
    logging.setLogRecordFactory(made)
    arena.handlers[:] = handlers
    arena.setLevel(level)


@pytest.fixture(scope="session")
def marketdata() -> Path:
    """Real candles, where this machine has them; the product never needs them."""
    found = SHARED / "marketdata"
    if not found.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail("the real candles of shared/marketdata are missing")
        pytest.skip("the real candles of shared/marketdata are not on this machine")
    return found
