"""The database of a new Prefect server, made once: its hundred migrations take longer than the rest of the server's start.

python -m scripts.prefect_database        makes it, for this Prefect; `make` does so when it makes the environment
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

from scripts.environment import SERVER, without_settings
from scripts.processes import python

NAME = "prefect.db"  # in PREFECT_HOME


def kept() -> Path:
    """Return where the environment keeps an empty database with every table that this version of Prefect wants."""
    return Path(sys.prefix) / f"prefect-{version('prefect')}.db"


def begin(home: Path, name: str = NAME) -> None:
    """Put the empty database where a new server will look for it; where none is kept, the server makes its own.

    Args:
        home: Its PREFECT_HOME, which no server has used yet.
        name: Of the file.
    """
    home.mkdir(parents=True, exist_ok=True)
    if kept().exists():
        shutil.copyfile(kept(), home / name)


def main() -> int:
    """Make it."""
    with tempfile.TemporaryDirectory() as home:
        command = python("-m", "prefect", "server", "database", "upgrade", "--yes")
        environ = {**without_settings(os.environ), **SERVER, "PREFECT_HOME": home}
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(f"Prefect could not make a database: {done.stderr.strip()[-500:]}", file=sys.stderr)
            return 1
        unfinished = kept().with_suffix(".new")
        with closing(sqlite3.connect(Path(home) / NAME)) as made, closing(sqlite3.connect(unfinished)) as copy:
            made.backup(copy)  # what is still beside the file, too
        unfinished.replace(kept())
    return 0


if __name__ == "__main__":
    sys.exit(main())
