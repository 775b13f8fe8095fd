"""Every playbook's rule trades real days, the crash of 2025-10-10 among them, and asks for nothing that is rejected."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from arena.adapters.recorded import CandleArchive
from arena.adapters.storage.csv_files import write_export
from arena.adapters.storage.sqlite import SqliteRecords
from arena.domain.decision import EntryType
from arena.strategies.registry import PLAYBOOKS
from tests.baselines.play import SEASON, play
from tests.e2e.calculator import differences

BEGIN, END = datetime(2025, 10, 9, 12, tzinfo=UTC), datetime(2025, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize("name", PLAYBOOKS)
async def test_a_baseline_trades_real_days_without_a_rejected_order(name: str, marketdata: Path, tmp_path: Path) -> None:
    archive = CandleArchive(marketdata / "5m")
    played = await play(PLAYBOOKS[name], archive, BEGIN, END, timedelta(hours=1), tmp_path / "arena.sqlite")
    assert played.wrong == []
    assert played.cycles == 60 and played.openings > 0
    limits = PLAYBOOKS[name].entry_types == {EntryType.LIMIT}  # an order that nobody reached is no rejection
    assert played.fills > 0 if limits else played.fills >= played.openings
    with SqliteRecords(tmp_path / "arena.sqlite") as records:
        await write_export(records, SEASON, tmp_path / "export")
    found = list(differences(tmp_path / "export"))  # through the gaps of the crash and seven fundings
    assert len(found) == played.cycles and max(abs(difference) for _, _, difference in found) <= Fraction(1, 10**8)
