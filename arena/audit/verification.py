"""What an audit comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from arena.audit.findings import Finding
from arena.domain.competitor import SeasonId

COUNTED = ("bookings", "cycles", "fills", "entries", "answers", "cells")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What was found.

    Attributes:
        counts: How much was looked at, by the names of `COUNTED`.
        pruned: How many of the oldest market prompts are not kept any more; their hashes are.
        journal_hash: Of the last booking as it is stored: who has noted it elsewhere can tell whether the whole was rewritten.
    """

    season: SeasonId
    counts: Mapping[str, int]
    journal_hash: str
    findings: tuple[Finding, ...]
    pruned: int = 0

    @property
    def verified(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    @property
    def sentence(self) -> str:
        """What was checked, and how it ended."""
        c = self.counts
        looked = (
            f"{c['bookings']} bookings with {c['cycles']} cycles, {c['fills']} fills and {c['entries']} entries booked again, "
            f"{c['answers']} answers read again, {c['cells']} cells held against their marks."
        )
        if self.pruned:
            looked += f"\n{self.pruned} of the oldest market prompts are not kept any more (arena db prune); their hashes are."
        count = len(self.findings)
        if self.verified:
            return f"{looked}\nClean: every cell is what was booked. Journal hash {self.journal_hash}"
        return f"{looked}\nNOT CLEAN: {count} {'finding' if count == 1 else 'findings'}. Journal hash {self.journal_hash}"

    def to_json(self) -> dict[str, Any]:
        """Return what was found as an object."""
        findings = [each.to_json() for each in self.findings]
        head = {"season": self.season, "verified": self.verified, "journal_hash": self.journal_hash}
        head["pruned"] = self.pruned
        return {**head, **self.counts, "findings": findings}
