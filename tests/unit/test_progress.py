"""What a long work tells of itself."""

from __future__ import annotations

from itertools import count

from arena.progress import EVERY_SECONDS, Progress


def test_a_line_now_and_then_with_the_time_that_is_left_and_one_at_the_end() -> None:
    said: list[str] = []
    seconds = count(0.0, EVERY_SECONDS / 2)  # so much passes with every look at the clock
    clock = [next(seconds)]
    progress = Progress(80, said.append, lambda: clock[0])
    for done in range(8):
        clock[0] = next(seconds)
        progress.add(10, f"part {done}")
    assert said == ["25 %, 15 s left: part 1", "50 %, 10 s left: part 3", "75 %, 5 s left: part 5", "100 %, 0 s left: part 7"]
