"""A new Prefect server begins with the database that is kept, and without one makes its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from scripts import prefect_database


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "prefect-1.2.3.db"
    monkeypatch.setattr(prefect_database, "kept", lambda: path)
    return path


def test_a_server_gets_a_copy_where_it_looks_for_its_database(kept: Path, tmp_path: Path) -> None:
    prefect_database.begin(tmp_path / "without")
    assert list((tmp_path / "without").iterdir()) == []
    kept.write_bytes(b"tables")
    prefect_database.begin(tmp_path / "with")
    assert (tmp_path / "with" / "prefect.db").read_bytes() == b"tables"


def test_what_could_not_be_made_is_not_kept(
    kept: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = subprocess.CompletedProcess([], 1, "", "no such revision")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    assert prefect_database.main() == 1
    assert "no such revision" in capsys.readouterr().err and not kept.exists()
