"""The file in which a destination's alerts wait, and what it has been told lately."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from arena.adapters.notifications.messages import FOLD_SECONDS, Message, Told, Waiting
from arena.adapters.shared_file import SharedFile
from arena.application.record import Alert

_SCHEMA = """
-- In order of coming. tries: how often it was sent; what has arrived is not here any more.
CREATE TABLE IF NOT EXISTS waiting (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    llm_id TEXT NOT NULL,
    text TEXT NOT NULL,
    picture TEXT,
    kept_at REAL NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0
) STRICT;
-- Of the last minutes. message: the first alert's id of the message that told it.
CREATE TABLE IF NOT EXISTS told (
    message INTEGER NOT NULL, kind TEXT NOT NULL, llm_id TEXT NOT NULL, text TEXT NOT NULL, at REAL NOT NULL
) STRICT;
"""


class Outbox(SharedFile):
    """A destination's file; whoever has the turn sends.

    Args:
        path: Made where there is none.
        clock: Seconds since 1970.

    Raises:
        ConfigurationError: It cannot be opened.
    """

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        super().__init__(path, _SCHEMA, "outbox of alerts")
        self._clock = clock

    def add(self, alerts: Sequence[Alert], picture: Path | None) -> tuple[int, ...]:
        """Keep alerts; return their numbers."""
        numbers = []
        file = str(picture.absolute()) if picture else None
        self._db.execute("BEGIN IMMEDIATE")
        for alert in alerts:
            values = (alert.kind, alert.llm_id or "", alert.text, file, self._clock())
            kept = self._db.execute("INSERT INTO waiting (kind, llm_id, text, picture, kept_at) VALUES (?, ?, ?, ?, ?)", values)
            numbers.append(kept.lastrowid or 0)
        self._db.execute("COMMIT")
        return tuple(numbers)

    def waiting(self) -> list[Waiting]:
        """Return what waits, in order."""
        return [
            Waiting(
                number=row["id"],
                key=(row["kind"], row["llm_id"], row["text"]),
                kept_at=row["kept_at"],
                picture=Path(row["picture"]) if row["picture"] else None,
                tries=row["tries"],
            )
            for row in self._db.execute("SELECT * FROM waiting ORDER BY id")
        ]

    def told(self) -> list[Told]:
        """Return what was told in the last `FOLD_SECONDS`."""
        found = self._db.execute("SELECT * FROM told WHERE at > ?", (self._clock() - FOLD_SECONDS,))
        return [Told(message=row["message"], key=(row["kind"], row["llm_id"], row["text"]), at=row["at"]) for row in found]

    def trying(self, message: Message) -> None:
        """Note that a message is about to be sent: where that cannot be noted, its arrival could not be either."""
        self._db.execute("BEGIN IMMEDIATE")
        rows = [(number,) for number in message.numbers]
        self._db.executemany("UPDATE waiting SET tries = tries + 1 WHERE id = ?", rows)
        self._db.execute("COMMIT")

    def done(self, message: Message) -> None:
        """Note that a message has arrived."""
        now = self._clock()
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany("DELETE FROM waiting WHERE id = ?", [(number,) for number in message.numbers])
        self._db.execute("DELETE FROM told WHERE at <= ?", (now - FOLD_SECONDS,))
        rows = [(message.numbers[0], *key, now) for key in message.keys]
        self._db.executemany("INSERT INTO told VALUES (?, ?, ?, ?, ?)", rows)
        self._db.execute("COMMIT")
