"""`arena monitor` and its script in a terminal, over a season that goes on meanwhile."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pexpect
import pytest

from scripts.environment import without_settings
from tests.fakes.dashboard import Books

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = {"command": ["-m", "arena.cli", "monitor"], "script": [str(ROOT / "scripts" / "monitor_simple.py")]}
ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"  # the terminal's other screen


@pytest.fixture
def books(tmp_path: Path) -> Books:
    books = Books(tmp_path / "runs" / "test" / "arena.sqlite")
    books.open()
    books.book(3)
    return books


def environ(home: Path) -> dict[str, str]:
    return {**without_settings(os.environ), "PYTHONPATH": str(ROOT), "ARENA_HOME": str(home), "SEASON": "test", "TERM": "xterm"}


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as db:
        return list(db.iterdump())


@contextmanager
def terminal(home: Path, arguments: list[str]) -> Iterator[Any]:
    child = pexpect.spawn(
        sys.executable, arguments, cwd=str(home), env=environ(home), dimensions=(40, 80), encoding="utf-8", timeout=60
    )
    try:
        yield child
    finally:
        child.close(force=True)


@pytest.mark.parametrize("way", COMMANDS)
def test_it_follows_the_season_until_ctrl_c(books: Books, tmp_path: Path, way: str) -> None:
    with terminal(tmp_path, COMMANDS[way]) as child:
        child.expect_exact(ENTER)
        child.expect_exact("No cycle is under way; 3 was booked for 00:15:00 UTC")
        child.expect_exact("Cycle 3")
        books.begin()
        child.expect_exact("Cycle 4 is under way, for 00:20:00 UTC: asking the models")
        books.book()
        child.expect_exact("No cycle is under way; 5 was booked for 00:25:00 UTC")
        child.expect_exact("4 cycles booked, 1 lost")
        child.sendintr()
        child.expect_exact(LEAVE)
        child.expect(pexpect.EOF)
        assert "Traceback" not in child.before
        child.wait()
        assert (child.exitstatus, child.signalstatus) == (0, None)


def test_it_waits_for_a_season_and_says_when_it_is_halted(tmp_path: Path) -> None:
    with terminal(tmp_path, COMMANDS["command"]) as child:
        child.expect_exact("there is no book at runs/test/arena.sqlite")
        books = Books(tmp_path / "runs" / "test" / "arena.sqlite")
        books.open()
        books.book()
        child.expect_exact("1 cycles booked")
        (tmp_path / "runs" / "test" / "HALT").write_text("by hand")
        child.expect("HALTED.*by hand")
        child.sendintr()
        child.expect(pexpect.EOF)
        child.wait()
        assert child.exitstatus == 0


def test_in_a_pipe_it_prints_once_and_changes_nothing(books: Books, tmp_path: Path) -> None:
    kept = dump(books.path)
    done = subprocess.run(
        [sys.executable, *COMMANDS["command"]],
        cwd=tmp_path,
        env=environ(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("3 cycles booked") == 1 and "\x1b" not in done.stdout
    assert dump(books.path) == kept
