"""What a cycle shows beside its tasks."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from arena.application.cycle_story import decisions_text, discrepancy_rows, escaped, leaderboard_rows
from arena.application.record import Alert, AlertKind
from tests.fakes.season import DIFFERENCE, START, Story


def test_the_richest_comes_first_and_the_rows_are_the_books() -> None:
    story = Story()
    record = list(story.play(12))[-1]
    rows = leaderboard_rows(story.season, record)
    worth = [Decimal(row["equity, USDT"]) for row in rows]
    assert worth == sorted(worth, reverse=True) and len(rows) == 3
    for row in rows:
        point = next(each for each in record.equity if each.llm_id == row["competitor"])
        assert abs(Decimal(row["equity, USDT"]) - point.equity) <= Decimal("0.005")
        assert abs(Decimal(row["ROI, %"]) - (point.equity / 2 - 100)) <= Decimal("0.005")
        held = record.ledgers[point.llm_id].positions
        assert (row["positions"] == "none") == (not held)
        assert all(symbol in row["positions"] for symbol, _ in held)


def test_every_competitors_decision_is_told_with_its_reasons_and_the_alerts() -> None:
    record = list(Story().play(12))[-1]
    record = replace(record, alerts=(Alert(kind=AlertKind.OPENED, llm_id=None, text="one *bold* alert", time=START),))
    text = decisions_text(record)
    assert text.startswith(f"# Cycle {record.number}, ")
    assert all(f"## {turn.llm_id}\n" in text for turn in record.turns)
    assert r"- one \*bold\* alert" in text


def test_a_difference_is_a_row() -> None:
    (row,) = discrepancy_rows([DIFFERENCE])
    assert (row["competitors' books"], row["by hand"], row["at the venue"]) == ("1.5", "0", "1.49")


@given(st.text())
def test_what_a_model_writes_is_shown_and_does_nothing(said: str) -> None:
    shown = escaped(said)
    assert "<" not in shown and "\n" not in shown
    assert all(shown[i - 1] == "\\" for i, letter in enumerate(shown) if letter in "`*_[]()!|")


def test_an_injected_link_is_text() -> None:
    assert escaped("[free](javascript:x) <img src=x>") == r"\[free\]\(javascript:x\) &lt;img src=x&gt;"
