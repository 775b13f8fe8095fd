"""The texts that cycles share, each kept once under its hash: every one that a cycle names is there, and is what it was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from arena.adapters.storage.rows import Row, digest
from arena.audit.findings import Finding, name_of

_NAMED: Mapping[str, tuple[str, str | None]] = {  # columns of a cycle, with the table and part that they name
    "static_prompt_hash": ("prompts", "static"),
    "market_prompt_hash": ("prompts", "market"),
    "configuration_hash": ("configurations", None),
}


@dataclass(slots=True)
class Texts:
    """What the cycles name, and what is there.

    Attributes:
        named: The first booking that names a text, by table, part and hash.
    """

    named: dict[tuple[str, str | None, str], int | None] = field(default_factory=dict)
    there: set[tuple[str, str | None, str]] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)

    def follow(self, cycles: Iterable[Row], booking: int | None) -> None:
        """Read what cycles name."""
        for row in cycles:
            for column, (table, part) in _NAMED.items():
                self.named.setdefault((table, part, row[column]), booking)

    def add(self, table: str, row: Row) -> None:
        """Read a text, after the last cycle."""
        key = (table, row.get("part"), row["hash"])
        if key in self.there:
            self._note(table, row, None, "is there more than once")
        self.there.add(key)
        if key in self.named:
            if digest(row["text"]) != row["hash"]:
                self._note(table, row, "text", "is not what its hash says")
        elif digest(row["text"]) != row["hash"]:
            self._note(table, row, "hash", "is not the text's, and no cycle names it")
        else:
            column = "part" if any(each[0] == table and each[2] == row["hash"] for each in self.named) else None
            self._note(
                table, row, column, f"is {row['part']}, and no cycle names it so" if column else "is there, and no cycle names it"
            )

    def end(self) -> None:
        """See that every text that is named is there."""
        for (table, part, own), booking in self.named.items():
            if (table, part, own) not in self.there:
                row = name_of(table, {"part": part, "hash": own})
                self.findings.append(Finding(table=table, row=row, booking=booking, what="is missing, and a cycle names it"))

    def _note(self, table: str, row: Row, column: str | None, what: str) -> None:
        self.findings.append(Finding(table=table, row=name_of(table, row), column=column, what=what))
