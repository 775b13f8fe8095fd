"""What changed the simulator, a line each, written before it is answered: a restart does it all again, and goes on.

The engine does the same when it is asked for the same at the same instants; so what was asked is kept, not what came of it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from arena.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something that was asked of the simulator.

    Attributes:
        what: `started`, `account`, `call`, `clock`, `jump` or `deleveraging`.
        at: When by the simulated clock.  wall: When by this machine's; both UTC.
        details: What is needed to do it again.
    """

    what: str
    at: datetime
    wall: datetime
    details: Mapping[str, Any]


class Memory:
    """The lines of a file; a simulator without one forgets.

    Args:
        path: The file; made where it is missing.
        wall: This machine's clock, UTC.
    """

    def __init__(self, path: Path, wall: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._path = path
        self.wall = wall

    def read(self) -> list[Change]:
        """Return what is kept, oldest first. A last line that was cut off was never answered, and is dropped.

        Raises:
            ConfigurationError: The file holds something else.
        """
        if not self._path.exists():
            return []
        whole, newline, _ = self._path.read_bytes().rpartition(b"\n")
        os.truncate(self._path, len(whole) + len(newline))
        try:
            return [_change(json.loads(line)) for line in whole.splitlines()]
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(f"{self._path} was not written by this simulator: name another --state") from error

    def note(self, what: str, at: datetime, **details: Any) -> None:
        """Write a line, and return when it is on the disk."""
        line = {"what": what, "at": at.isoformat(), "wall": self.wall().isoformat(), **details}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())


def _change(line: dict[str, Any]) -> Change:
    what, at, wall = line.pop("what"), line.pop("at"), line.pop("wall")
    return Change(what=what, at=datetime.fromisoformat(at), wall=datetime.fromisoformat(wall), details=line)
