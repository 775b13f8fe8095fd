"""Cells as every store keeps them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from arena.adapters.storage.rows import cell, clean, iso
from arena.domain.order import PositionSide


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("plain", "plain"), ("a\x00b", "a\ufffdb"), ("中 🚀", "中 🚀"), ("\ud83d\ude80", "🚀"), ("\ud800", "\ufffd"), ("", "")],
)
def test_any_text_is_kept_as_every_store_can(sent: str, kept: str) -> None:
    assert clean(sent) == kept


def test_a_word_of_an_enum_is_kept_as_a_text() -> None:
    assert type(cell(PositionSide.LONG)) is str and cell(PositionSide.LONG) == "LONG"


def test_a_time_is_kept_in_utc_to_the_microsecond() -> None:
    assert iso(datetime(2025, 1, 1, 8, tzinfo=UTC)) == "2025-01-01T08:00:00.000000Z"
    there = timezone(-timedelta(hours=5, minutes=30))
    assert iso(datetime(2025, 1, 1, 20, 0, 0, 7, there)) == "2025-01-02T01:30:00.000007Z"
