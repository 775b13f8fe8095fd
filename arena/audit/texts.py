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
        pruned: How many of the oldest market prompts are not there; `arena db prune` removes those, and nothing else.
    """

    named: dict[tuple[str, str | None, str], int | None] = field(default_factory=dict)
    there: set[tuple[str, str | None, str]] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    pruned: int = 0

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
        """See that every text that is named is there, but for the oldest of the market's: they may have been pruned."""
        kept = [booking or 0 for key, booking in self.named.items() if key[1] == "market" and key in self.there]
        oldest = min(kept, default=None)
        for key, booking in self.named.items():
            table, part, own = key
            if key in self.there:
                continue
            if part == "market" and (oldest is None or (booking or 0) < oldest):
                self.pruned += 1
                continue
            row = name_of(table, {"part": part, "hash": own})
            self.findings.append(Finding(table=table, row=row, booking=booking, what="is missing, and a cycle names it"))

    def _note(self, table: str, row: Row, column: str | None, what: str) -> None:
        self.findings.append(Finding(table=table, row=name_of(table, row), column=column, what=what))
