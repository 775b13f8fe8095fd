"""Somebody with the file and a database tool: the triggers that keep the journal as it is go first."""

from __future__ import annotations

import sqlite3
from pathlib import Path


def tamper(path: Path, sql: str) -> None:
    """Run a statement that must change something."""
    with sqlite3.connect(path) as db:
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {name}")
        assert db.execute(sql).rowcount >= 1, f"nothing was changed by {sql}"
