"""Every file of supabase/tests through pgTAP, each on a migrated database of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.supabase_local.postgres import binary
from scripts.supabase_local.stack import Stack
from tests.conftest import ROOT
from tests.fakes.supabase import require

FILES = sorted((ROOT / "supabase" / "tests").glob("*.sql"))
FOLDERS = [Path(sys.prefix) / "pgtap" / "extension", *sorted(Path("/usr/share/postgresql").glob("*/extension"))]


@pytest.fixture
def database(supabase_stack: Stack) -> Iterator[Stack]:
    """One that knows pgTAP."""
    found = [folder for folder in FOLDERS if (folder / "pgtap.control").exists()]
    require(None if found else "pgTAP is missing: .ci/run unpacks it into .venv/pgtap, or install postgresql-*-pgtap")
    with supabase_stack.fresh_database() as fresh:
        path = f"set extension_control_path = '$system:{found[0].parent}'"
        fresh.postgres.execute(f"{path}; create extension pgtap with schema extensions", fresh.database)
        yield fresh


def failures(output: str) -> list[str]:
    """Return what is wrong with a file's answer in the Test Anything Protocol; empty if all planned tests passed."""
    lines = output.splitlines()
    planned = [int(line[3:]) for line in lines if re.fullmatch(r"1\.\.\d+", line)]
    passed = [line for line in lines if re.match(r"ok \d+|not ok \d+ .*# TODO", line)]
    wrong = [line for line in lines if line.startswith("not ok") and line not in passed]
    if planned != [len(passed) + len(wrong)] or planned == [0]:
        wrong.append(f"{len(passed) + len(wrong)} tests ran, {planned} were planned")
    return wrong


@pytest.mark.parametrize("file", FILES, ids=[file.name for file in FILES])
def test_a_files_tests_all_pass(file: Path, database: Stack) -> None:
    command = [str(binary("psql")), "-XqAt", "-v", "ON_ERROR_STOP=1", "-f", str(file), database.owner_dsn]
    ran = subprocess.run(command, check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert failures(ran.stdout) == [], ran.stdout


@pytest.mark.parametrize(
    "answer",
    ["", "1..0", "ok 1 - fine", "1..2\nok 1 - fine", "1..1\nnot ok 1 - bad", "1..1\nok 1\nok 2"],
)
def test_an_answer_that_is_not_whole_fails(answer: str) -> None:
    assert failures(answer)


def test_a_whole_answer_passes() -> None:
    assert failures("1..2\nok 1 - fine\nok 2") == []
