"""A judgement is shown as soon as it is there, made by a process of its own now and then, and never in the page's way."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from structlog.contextvars import clear_contextvars
from typer.testing import CliRunner

from arena.cli import app
from arena.dashboard.judging import JudgementFile, by_command
from arena.dashboard.watch import Source
from tests.fakes.dashboard import Books, answering, booked, ready, source
from tests.fakes.judgement import HEADLINE, judgement, write_judgement

CYCLES = 5


def wait(true: Callable[[], Any], seconds: float = 10) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := true():
            return found
        time.sleep(0.02)
    raise AssertionError("it does not come to it")


def version(client: httpx.Client) -> int:
    return int(client.get("/status").json()["version"])


def watched(books: Books, file: Path) -> Source:
    return replace(source(books.path, books.season_id), judgement=JudgementFile(file))


def test_a_judgement_is_shown_when_it_appears_and_says_how_old_it_is(tmp_path: Path) -> None:
    file = tmp_path / "verdict.json"
    with booked(tmp_path, CYCLES) as books, answering(watched(books, file)) as client:
        none, board, before = client.get("/verdict"), client.get("/leaderboard").json(), version(client)
        assert (none.status_code, none.headers["content-type"]) == (404, "application/problem+json")
        assert none.json()["detail"] == "there is no verdict yet: `arena verdict` makes one"
        assert board["verdict_as_of"] is None and board["judging"] is False

        write_judgement(file, judgement(CYCLES))
        wait(lambda: version(client) > before)
        told = client.get("/verdict")
        assert told.json() == judgement(CYCLES).to_json() | {"behind": 0}
        assert client.get("/verdict", headers={"If-None-Match": told.headers["etag"]}).status_code == 304
        board = client.get("/leaderboard").json()
        assert (board["verdict"], board["verdict_as_of"]) == (HEADLINE, told.json()["as_of"])

        books.book(2)
        ready(client, CYCLES + 2)
        assert client.get("/verdict").json()["behind"] == 2


def test_what_is_no_judgement_of_the_season_leaves_the_page_as_it_was(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "verdict.json"
    half = '{"season": "test", "headline"'
    with booked(tmp_path, CYCLES) as books, answering(watched(books, file)) as client:
        file.write_text(half)
        wait(lambda: "is no JSON" in caplog.text)
        assert client.get("/verdict").status_code == 404
        write_judgement(file, judgement(CYCLES))
        wait(lambda: client.get("/verdict").status_code == 200)

        for number, broken in enumerate((half, '{"season": "test"}', "[]")):
            file.write_text(broken)
            os.utime(file, (number, number))
            wait(lambda: caplog.text.count("another shape") + caplog.text.count("is no JSON") > number + 1)  # noqa: B023
            assert client.get("/verdict").json()["headline"] == HEADLINE
        write_judgement(file, replace(judgement(CYCLES), season="another", headline="Another season's"))
        time.sleep(0.2)
        assert client.get("/leaderboard").json()["verdict"] == HEADLINE
        file.unlink()
        wait(lambda: client.get("/verdict").status_code == 404)


@pytest.mark.parametrize(("options", "judged"), [([], True), (["--no-judge"], False)])
def test_the_command_reads_what_arena_verdict_writes_and_has_it_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], judged: bool
) -> None:
    served: list[Source] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("arena.dashboard.app.serve", lambda found, *_: served.append(found))
    write_judgement(tmp_path / "runs" / "other" / "verdict.json", judgement(CYCLES, "other"))
    ended = CliRunner().invoke(app, ["dashboard", "--season", "other", *options])
    clear_contextvars()  # the command tells its season to the log for the rest of its process
    assert ended.exit_code == 0, ended.output
    found = served[0].judgement()
    assert found is not None and found.told["headline"] == HEADLINE
    assert (served[0].judge is not None) == judged


class Judge:
    """Counts how often it is asked, and takes its time."""

    begun = ended = 0

    def __init__(self, seconds: float, fails: bool = False) -> None:
        self.seconds, self.fails = seconds, fails

    async def __call__(self) -> None:
        self.begun += 1
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.ended += 1
        if self.fails:
            raise ChildProcessError("the candles are missing")


def test_the_first_judgement_is_made_after_the_first_cycle_and_never_two_at_once(tmp_path: Path) -> None:
    judge = Judge(seconds=60)
    with booked(tmp_path, 0) as books:
        busy = replace(watched(books, tmp_path / "verdict.json"), judge=judge, judged_seconds=0.0)
        with answering(busy) as client:
            time.sleep(0.3)
            assert judge.begun == 0 and "no cycle has been booked" in client.get("/verdict").json()["detail"]
            before = version(client)
            books.book()
            wait(lambda: judge.begun)
            wait(lambda: version(client) > before and client.get("/leaderboard").json()["judging"])
            assert client.get("/verdict").json()["detail"] == "there is no verdict yet: the first one is being computed"
            books.book()
            ready(client, 2)
            time.sleep(0.3)
            assert (judge.begun, judge.ended) == (1, 0)
    assert (judge.begun, judge.ended) == (1, 1), "it goes on after the dashboard"


@pytest.mark.parametrize(("age", "news", "made"), [(0, 1, 0), (1000, 0, 0), (1000, 1, 1), (100, 2, 0), (100, 3, 1), (30, 3, 0)])
def test_another_one_is_made_a_quarter_of_an_hour_later_where_there_is_news(
    tmp_path: Path, age: float, news: int, made: int
) -> None:
    file, judge = tmp_path / "verdict.json", Judge(seconds=0)
    write_judgement(file, judgement(CYCLES - news))
    os.utime(file, (time.time() - age, time.time() - age))
    with booked(tmp_path, CYCLES) as books, answering(replace(watched(books, file), judge=judge)):
        time.sleep(0.4)
    assert judge.begun == made


def test_a_judge_that_fails_is_told_of_once_and_disturbs_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    judge = Judge(seconds=0, fails=True)
    with booked(tmp_path, CYCLES) as books:
        failing = replace(watched(books, tmp_path / "none.json"), judge=judge, judged_seconds=0.0)
        with answering(failing) as client:
            wait(lambda: judge.begun >= 3)
            assert client.get("/leaderboard").status_code == 200 and client.get("/health").json()["store_away"] is False
    assert caplog.text.count("could not be judged: the candles are missing") == 1


async def test_the_process_has_the_lowest_priority_and_is_ended_with_who_waits_for_it(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    code = f"import os, time; open({str(told)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    judging = asyncio.ensure_future(by_command([sys.executable, "-c", code])())
    await asyncio.to_thread(wait, lambda: told.exists() and told.read_text())
    process = psutil.Process(int(told.read_text()))
    assert process.nice() == 19
    judging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await judging
    assert not psutil.pid_exists(process.pid)


async def test_a_process_that_fails_is_a_fault_in_its_last_words() -> None:
    await by_command([sys.executable, "-c", "print('all is well')"])()
    with pytest.raises(ChildProcessError, match="no candles"):
        await by_command([sys.executable, "-c", "import sys; print('thinking', file=sys.stderr); sys.exit('no candles')"])()
    with pytest.raises(FileNotFoundError):
        await by_command(["/no/such/program"])()
