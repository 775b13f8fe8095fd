"""Marks and hashes of the journal: whatever is changed shows, and where."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from arena.adapters.storage.booking_rows import booking_rows
from arena.adapters.storage.marks import CELL, chained, mark, sealed, sealed_season
from arena.adapters.storage.rows import Row, season_rows
from tests.fakes.season import Story

CELLS = st.text(st.characters(max_codepoint=0x7F), max_size=40) | st.integers() | st.none()


@given(row=st.dictionaries(st.text("abc_", min_size=1, max_size=8), CELLS, min_size=1), data=st.data())
def test_a_changed_character_changes_the_check_of_its_cell_alone(row: Row, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(row)))
    text = str(row[name])
    at = data.draw(st.integers(0, max(0, len(text) - 1)))
    other = data.draw(st.characters(max_codepoint=0x7F).filter(lambda each: each != text[at : at + 1]))
    changed = {**row, name: text[:at] + other + text[at + 1 :]}
    before, after = mark(row), mark(changed)
    differing = [i for i in range(0, len(before), CELL) if before[i : i + CELL] != after[i : i + CELL]]
    assert differing == [sorted(row).index(name) * CELL]


def test_the_hash_tells_bookings_apart_and_the_chain_orders_them() -> None:
    first, second = (sealed(booking_rows(each))["bookings"][0]["payload_hash"] for each in Story().play(2))
    begins = sealed_season(season_rows(Story().season))["seasons"][0]["journal_hash"]
    assert len({first, second, begins}) == 3
    assert chained(chained(begins, first), second) != chained(chained(begins, second), first)


def test_every_row_of_a_booking_has_a_mark() -> None:
    record = Story().play(4)[-1]
    tables = sealed(booking_rows(record))
    unmarked = {"prompts", "configurations"}
    kept = json.loads(tables["bookings"][0]["marks"])
    assert {name: len(rows) for name, rows in tables.items() if rows and name not in unmarked} == {
        name: len(each) for name, each in kept.items()
    }
