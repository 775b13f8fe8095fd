"""Every playbook's rule trades real days, the crash of 2025-10-10 among them, and asks for nothing that is rejected."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from arena.adapters.recorded import CandleArchive
from arena.strategies.registry import PLAYBOOKS
from tests.baselines.play import play

BEGIN, END = datetime(2025, 10, 9, 12, tzinfo=UTC), datetime(2025, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize("name", PLAYBOOKS)
async def test_a_baseline_trades_real_days_without_a_rejected_order(name: str, marketdata: Path, tmp_path: Path) -> None:
    archive = CandleArchive(marketdata / "5m")
    played = await play(PLAYBOOKS[name], archive, BEGIN, END, timedelta(hours=1), tmp_path / "arena.sqlite")
    assert played.wrong == []
    assert played.cycles == 60 and played.openings > 0 and played.fills >= played.openings
