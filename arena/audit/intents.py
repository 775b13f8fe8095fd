"""The orders that were written down before they were sent: each has its own mark, and a booking says when it is over."""

from __future__ import annotations

import json

from arena.adapters.storage.marks import mark
from arena.adapters.storage.restore import intent_of
from arena.adapters.storage.rows import Row
from arena.audit.findings import Finding, name_of, shown
from arena.audit.integrity import differing
from arena.domain.order import Intent

_OWN = ("mark", "closed_booking")  # columns that are not in a row's own mark


class Intents:
    """All intents of a season, by client id, and what is wrong with them.

    Attributes:
        cells: How many were held against a mark.
    """

    def __init__(self) -> None:
        self._columns: tuple[str, ...] = ()
        self._rows: dict[str, tuple[object, ...]] = {}  # without the names of the columns, a third as large
        self._closed: dict[str, int | None] = {}
        self._named: set[str] = set()
        self.findings: list[Finding] = []
        self.cells = 0

    def add(self, row: Row) -> None:
        """Read one."""
        client_id = row["client_order_id"]
        own = {name: value for name, value in row.items() if name not in _OWN}
        self.cells += len(own)
        if row["mark"] != mark(own):
            self._note_mark(row, own)
        if client_id in self._rows:
            self._note(client_id, None, "is there more than once")
        self._columns = tuple(own)
        self._rows[client_id] = tuple(own.values())
        self._closed[client_id] = row["closed_booking"]

    def known(self, client_id: str, booking: int) -> Intent | None:
        """Return the intent of an order, where it was not over before a booking.

        Raises:
            ValueError, ArithmeticError, KeyError: It cannot be read.
        """
        closed = self._closed.get(client_id)
        if client_id not in self._rows or (closed is not None and closed < booking):
            return None
        return intent_of(dict(zip(self._columns, self._rows[client_id], strict=True)))

    def close(self, client_ids: str, booking: int) -> None:
        """Read which are over with a booking; the first that says so counts."""
        try:
            self._close(json.loads(client_ids), booking)
        except (ValueError, TypeError):
            what = "cannot be read"
            self.findings.append(Finding(table="bookings", row=str(booking), column="closed_intents", booking=booking, what=what))

    def _close(self, client_ids: list[str], booking: int) -> None:
        for client_id in client_ids:
            if client_id not in self._rows:
                self._note(client_id, None, "is missing, and the booking says that it is over", booking)
            elif client_id not in self._named and self._closed[client_id] != booking:
                what = f"is {shown(self._closed[client_id])}, the journal gives {booking}"
                self._note(client_id, "closed_booking", what, booking)
            self._named.add(client_id)

    def sent(self, client_id: str, booking: int) -> None:
        """Read that an order was sent: it was written down before."""
        if client_id not in self._rows:
            self._note(client_id, None, "is missing, and its order was sent", booking)

    def end(self) -> None:
        """See that no other is over."""
        for client_id, booking in self._closed.items():
            if booking is not None and client_id not in self._named:
                self._note(client_id, "closed_booking", f"is {booking}, and no booking says that it is over")

    def _note_mark(self, row: Row, own: Row) -> None:
        columns = differing(row["mark"], own)
        if len(columns) > len(own) / 2:
            self._note(row["client_order_id"], "mark", "is not the row's")
            return
        for column in sorted(columns):
            what = f"is {shown(row[column])}, and that, or its mark, is not what was written down"
            self._note(row["client_order_id"], column, what)

    def _note(self, client_id: str, column: str | None, what: str, booking: int | None = None) -> None:
        row = name_of("intents", {"client_order_id": client_id})
        self.findings.append(Finding(table="intents", row=row, column=column, booking=booking, what=what))
