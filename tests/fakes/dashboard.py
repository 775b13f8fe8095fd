"""A dashboard on loopback, over a season that a test books into."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import httpx
import uvicorn

from arena.adapters.storage.sqlite import SqliteRecords
from arena.application.record import Booking, CycleRecord
from arena.application.standing import SeasonStanding
from arena.application.store import Following
from arena.dashboard.app import DashboardServer, create_app
from arena.dashboard.watch import Source
from arena.domain.competitor import SeasonId
from arena.errors import ConfigurationError
from tests.fakes.season import STEP, Story

PATIENCE = httpx.Timeout(10)
T = TypeVar("T")


def apart(work: Coroutine[Any, Any, T]) -> T:
    """Do it in another thread: a browser's driver keeps a loop running in a test's own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


class Books:
    """A season in a file: what the flow would do."""

    last: CycleRecord

    def __init__(self, path: Path, story: Story | None = None) -> None:
        self.path = path
        self.story = story or Story()
        self.records = SqliteRecords(path)
        self.bookings = 0
        self.season_id = self.story.season.season_id

    def open(self) -> None:
        apart(self.records.open_season(self.story.season))

    def book(self, cycles: int = 1) -> None:
        async def play() -> None:
            for _ in range(cycles):
                self.bookings += 1
                record = replace(self.story.cycle(), booking=self.bookings)
                await self.records.begin_cycle(record.season_id, record.number, record.scheduled_at)
                await self.records.append_intents(record.season_id, self.story.intents.pop(record.number))
                await self.records.book(record)
                self.last = record

        apart(play())

    def sweep(self) -> None:
        """Book a sweep after the last cycle in which nothing happened but that what is held was looked at."""
        last = self.last
        self.bookings += 1
        apart(
            self.records.book(
                Booking(
                    season_id=self.season_id,
                    booking=self.bookings,
                    cycle=last.cycle,
                    closed_at=last.closed_at + STEP / 5,
                    books=last.books,
                )
            )
        )

    def rows(self, table: str) -> list[dict[str, Any]]:
        async def read() -> list[dict[str, Any]]:
            return [dict(row) async for row in self.records.rows(table, self.season_id)]

        return apart(read())

    def begin(self) -> None:
        """Begin the next cycle, and never book it."""
        self.story.number += 1
        at = self.story.season.started_at + STEP * self.story.number
        apart(self.records.begin_cycle(self.season_id, self.story.number, at))


@contextmanager
def booked(folder: Path, cycles: int, story: Story | None = None) -> Iterator[Books]:
    """Yield a season of so many cycles, to which more can be added."""
    books = Books(folder / "arena.sqlite", story)
    books.open()
    books.book(cycles)
    yield books
    books.records.close()


@contextmanager
def answering(watched: Source, token: str = "", host: str = "127.0.0.1") -> Iterator[httpx.Client]:
    """Yield a client, with the token, of a dashboard that has read its season."""
    with serving(watched, token, host) as client:
        client.headers.update({"Authorization": f"Bearer {token}"} if token else {})
        ready(client)
        yield client


def source(path: Path, season_id: SeasonId, halted: SeasonStanding | None = None, seconds: float = 0.05) -> Source:
    def open_(closing: AsyncExitStack) -> Following:
        if not path.exists():
            raise ConfigurationError(f"there is no book at {path}")
        return closing.enter_context(SqliteRecords(path))

    return Source(season_id=season_id, open=open_, halted=lambda: halted, seconds=seconds)


@contextmanager
def serving(watched: Source, token: str = "", host: str = "127.0.0.1", port: int = 0) -> Iterator[httpx.Client]:
    """Yield a client of a dashboard that serves until the block is left."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
        app = create_app(watched, token)
        server = DashboardServer(uvicorn.Config(app, log_level="warning", access_log=False), app.state.watch, "")
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        with httpx.Client(base_url=f"http://{host}:{listener.getsockname()[1]}", timeout=PATIENCE) as client:
            try:
                yield client
            finally:
                server.should_exit = True
                thread.join(10)
                assert not thread.is_alive(), "the dashboard does not end"


def ready(client: httpx.Client, cycles: int | None = None) -> None:
    """Wait until the season has been read, to this many cycles."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        answer = client.get("/status")
        if answer.status_code == 200 and (cycles is None or answer.json()["cycles"] == cycles):
            return
        time.sleep(0.02)
    raise AssertionError(answer.text)


def endpoints(described: dict[str, Any]) -> dict[str, str]:
    """Return every path that an API describes, but for endless ones, with an address: its parameters' examples filled in."""
    found = {}
    for path, methods in described["paths"].items():
        if "text/event-stream" in methods["get"]["responses"]["200"].get("content", {}):
            continue
        inside = {each["name"]: each for each in methods["get"].get("parameters", ()) if each["in"] == "path"}
        for name, each in inside.items():
            assert each["schema"].get("examples"), f"parameter {name} of {path} wants an example"
        found[path] = path.format(**{name: each["schema"]["examples"][0] for name, each in inside.items()})
    return found
