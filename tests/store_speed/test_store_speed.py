"""That the command works; what it measures says nothing on a machine that runs tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from scripts.supabase_local.stack import missing
from tests.fakes.supabase import require
from tests.store_speed.__main__ import figures

ROOT = Path(__file__).resolve().parents[2]


def test_a_short_season_is_measured_on_both_stores() -> None:
    require(missing())
    command = [sys.executable, "-m", "tests.store_speed", "--cycles", "30"]
    ended = subprocess.run(command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode in (0, 1), ended.stderr  # 1: slower at the end, as a busy machine may be
    found = json.loads(ended.stdout.splitlines()[-1])
    assert found["cycles"] == 30
    for store in ("sqlite", "supabase"):
        names = {"book_start", "book_end", "state_start", "state_end", "ranking_end", "leaderboard_end", "lease", "ratio"}
        assert set(found[store]) == names
        assert min(found[store].values()) > 0


def test_the_ratio_is_that_of_the_medians() -> None:
    assert figures({"book_start": [1, 2, 50], "book_end": [9, 6, 4]}) == {"book_start": 2, "book_end": 6, "ratio": 3}
