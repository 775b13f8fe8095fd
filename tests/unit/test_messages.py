"""What a destination is told next: order, repetitions, the limit of a minute."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.adapters.notifications.messages import FOLD_SECONDS, LONGEST, STUCK, Message, Told, Waiting, next_message
from arena.application.levels import Level, level_of
from arena.application.record import AlertKind

NOW = 1_900_000_000.0  # 2030-03-17 17:46:40 UTC


def waiting(*texts: str, kind: AlertKind = AlertKind.CLOSED, age: float = 0, first: int = 1) -> list[Waiting]:
    return [Waiting(number=number, key=(kind, "LLM-A", text), kept_at=NOW - age) for number, text in enumerate(texts, first)]


def told(*texts: str, age: float) -> list[Told]:
    return [Told(message=-number, key=(AlertKind.CLOSED, "LLM-A", text), at=NOW - age) for number, text in enumerate(texts, 1)]


def next_text(waits: list[Waiting], said: list[Told] | None = None, limit: int = 10) -> str | None:
    message = next_message(waits, said or [], NOW, limit)
    return message.text if message else None


def test_the_oldest_goes_first_and_alone() -> None:
    assert next_text(waiting("one", "two")) == "one"
    assert next_text([]) is None


def test_what_waits_several_times_is_told_once_and_says_how_often() -> None:
    message = next_message(waiting("gone", "other", "gone", "gone", age=30), [], NOW)
    assert message is not None and message.numbers == (1, 3, 4)
    assert message.text == "gone (3 times since 2030-03-17 17:46 UTC)"


@pytest.mark.parametrize("other", [(AlertKind.STOPPED, "LLM-A", "gone"), (AlertKind.CLOSED, "LLM-B", "gone")])
def test_another_kind_or_competitor_is_another_alert(other: tuple[AlertKind, str, str]) -> None:
    waits = [*waiting("gone"), Waiting(number=2, key=other, kept_at=NOW)]
    message = next_message(waits, [], NOW)
    assert message is not None and message.numbers == (1,)


def test_what_was_told_lately_waits_and_holds_nothing_up() -> None:
    waits = waiting("gone", "gone", "new", age=100)
    assert next_text(waits, told("gone", age=FOLD_SECONDS - 1)) == "new"
    assert next_text(waits[:2], told("gone", age=FOLD_SECONDS - 1)) is None
    assert next_text(waits, told("gone", age=FOLD_SECONDS)) == "gone (2 times since 2030-03-17 17:45 UTC)"


def test_what_is_late_says_of_when_it_is() -> None:
    assert next_text(waiting("gone", age=3600)) == "gone (2030-03-17 16:46 UTC)"


def test_what_is_beyond_a_minutes_limit_is_put_together_and_the_next_waits() -> None:
    said = told("a", "b", age=59)
    assert next_text(waiting("one", "two", "three"), said, limit=4) == "one"
    assert next_text(waiting("two", "three"), told("a", "b", "one", age=59), limit=4) == "two\nthree"
    assert next_text(waiting("two"), told("a", "b", "c", "one", age=59), limit=4) is None
    assert next_text(waiting("two"), told("a", "b", "c", "one", age=60), limit=4) == "two"


def test_what_may_be_refused_for_what_it_says_takes_no_other_with_it() -> None:
    poison = Waiting(number=1, key=(AlertKind.CLOSED, "", "poison"), kept_at=NOW, tries=STUCK)
    assert next_text([poison, *waiting("two", first=2)], told("a", age=1), limit=2) == "poison"


def test_several_alerts_of_one_message_count_once() -> None:
    together = [Told(message=1, key=(AlertKind.CLOSED, "", text), at=NOW) for text in "abcd"]
    assert next_text(waiting("one", "two"), together, limit=3) == "one"


def test_what_is_critical_does_not_wait_for_the_next_minute_and_nothing_is_told_before_what_was_first() -> None:
    waits = waiting("trade") + waiting("halted", kind=AlertKind.HALTED, first=2)
    message = next_message(waits, told("a", "b", age=1), NOW, 2)
    assert message is not None and (message.text, message.level) == ("trade\nhalted", Level.CRITICAL)


def test_a_message_is_no_longer_than_a_destination_takes() -> None:
    texts = [f"{number} {'x' * 900}" for number in range(9)]
    message = next_message(waiting(*texts), told("a", age=1), NOW, 2)
    assert message is not None and message.text.splitlines() == texts[:3] and len(message.text) <= LONGEST
    alone = next_message(waiting("x" * 9000), [], NOW)
    assert alone is not None and len(alone.text) == 9000, "a single one is the destination's to split"


def test_pictures_go_with_their_alerts() -> None:
    one, two = waiting("one", "two")
    picture = Waiting(number=3, key=("report", "", "three"), kept_at=NOW, picture=Path("a.png"))
    message = next_message([one, two, picture], told("a", age=1), NOW, 2)
    assert message is not None and message.pictures == (Path("a.png"),)


def test_every_kind_of_alert_has_a_level() -> None:
    assert {level_of(kind) for kind in AlertKind} == set(Level)


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 90), st.sampled_from("abcdef")), max_size=60), st.integers(1, 4))
def test_nothing_is_lost_or_told_twice_and_no_minute_has_more_than_its_messages(
    coming: list[tuple[int, str]], limit: int
) -> None:
    """Alerts come, a second or more apart, and a destination takes everything that it may be sent."""
    now, waits, said, counted = NOW, list[Waiting](), list[Told](), Counter[str]()
    sent: list[tuple[float, Message]] = []

    def deliver() -> None:
        while message := next_message(waits, said, now, limit):
            sent.append((now, message))
            for each in [each for each in waits if each.number in message.numbers]:
                counted[each.key[2]] += 1
                waits.remove(each)
            said.extend(Told(message=message.numbers[0], key=key, at=now) for key in message.keys)

    for number, (pause, text) in enumerate(coming, 1):
        now += pause
        waits.append(Waiting(number=number, key=(AlertKind.CLOSED, "", text), kept_at=now))
        deliver()
    for _ in range(20):
        now += FOLD_SECONDS
        deliver()
    assert waits == [] and counted == Counter(text for _, text in coming)
    times = [at for at, _ in sent]
    assert all(sum(at - 60 < other <= at for other in times) <= limit for at in times)
