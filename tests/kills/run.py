"""A season on one store, from kill to kill."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from scripts.processes import NotReady
from scripts.supabase_local.stack import Stack
from tests.kills.judge import Judge, reading
from tests.kills.writer import Place, Scene, Script, Word, deliver, write

CYCLES = 3  # of a writer's life; the first is the one at which the last was killed
MEASURED = 8  # cycles booked before the first kill
RECENT = 20  # commits whose length tells the next one's
INSIDE = 0.85  # share of the kills that are aimed at a booking; the others strike anywhere in a cycle
SILENCE_SECONDS = 60

# Writers are forked from a process that has imported everything and runs no thread.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["tests.kills.run"])


class Life:
    """A writer, seen from outside."""

    def __init__(self, place: Place, scenes: Sequence[Scene]) -> None:
        self._ear, mouth = _processes.Pipe(duplex=False)
        self._process = _processes.Process(target=write, args=(place, scenes, mouth), daemon=True)
        self._process.start()
        mouth.close()
        self.heard: list[Word] = []

    def comes_to(self, step: str, cycle: int) -> float:
        """Return when the writer comes to a step.

        Raises:
            NotReady: It never does.
        """
        for word in self._words():
            if (word.step, word.cycle) == (step, cycle):
                return word.at
        raise NotReady(f"a writer ended before {step} {cycle}: {self.heard[-1:]}")

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def end(self) -> None:
        """Wait for its end; all of its words are heard then."""
        for _ in self._words():
            pass
        self._ear.close()
        self._process.join()

    def before(self, moment: float) -> Word:
        """Return its last word before a moment."""
        return [word for word in self.heard if word.at <= moment][-1]

    def _words(self) -> Iterator[Word]:
        while self._ear.poll(SILENCE_SECONDS):
            try:
                self.heard.append(self._ear.recv())
            except EOFError:
                return
            yield self.heard[-1]
        raise NotReady(f"a writer says nothing for {SILENCE_SECONDS} s: {self.heard[-1:]}")


@dataclass(slots=True)
class Tally:
    """What the kills have come to.

    Attributes:
        inside: Kills while a call of `book` was under way.
        booked_once, not_at_all: Kills after which the cycle that was hit is booked once, or not at all.
        broken: Kills after which anything else is the case.
        victims: Kills by who was killed.
        faults: What is broken, in sentences.
    """

    inside: int = 0
    booked_once: int = 0
    not_at_all: int = 0
    broken: int = 0
    victims: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def count(self, victim: str, faults: Sequence[str], *, inside: bool, booked: bool) -> None:
        """Count a kill."""
        self.victims[victim] += 1
        self.inside += inside
        self.faults += faults
        if faults:
            self.broken += 1
        elif booked:
            self.booked_once += 1
        else:
            self.not_at_all += 1


class Season:
    """A story that goes on from kill to kill; without a Supabase, on SQLite."""

    def __init__(self, name: str, folder: Path, dice: random.Random, stack: Stack | None, tally: Tally) -> None:
        self.stack = stack
        file = folder / ("spool.sqlite" if stack else "arena.sqlite")
        self.place = Place(file=file, url=stack.url, key=stack.service_key) if stack else Place(file=file)
        self.victims = ("writer", "Postgres", "PostgREST") if stack else ("writer",)
        self.dice = dice
        self.script = Script(name, dice.randrange(1 << 32))
        self.judge = Judge(folder / f"{name}.judge.sqlite", self.script)
        self.reached = 1  # the last cycle that a writer has come to
        self.told = 0  # the last one of which a writer was told that it is booked
        self.lengths: dict[str, list[float]] = {"claiming": [], "booking": []}  # until a cycle is booked, seconds
        self.tally = tally

    async def play(self, kills: int) -> None:
        """Kill so many times; a season that is broken does not go on."""
        with closing(self.judge):
            with closing(self.place.opened()) as records:
                await records.open_season(self.script.season)
            undisturbed = Life(self.place, self.script.scenes(1, MEASURED))
            undisturbed.end()
            self._learn(undisturbed, time.monotonic())
            for number in range(kills):
                await self._kill(self.victims[number % len(self.victims)])
                if self.tally.broken:
                    break

    async def _kill(self, victim: str) -> None:
        """Live, be killed, restart, be judged."""
        life = Life(self.place, self.script.scenes(self.reached, self.reached + CYCLES - 1))
        self._wait_for_the_moment(life)
        struck = time.monotonic()
        self._strike(victim, life)
        faults = await self._bare_faults()
        life.end()
        self._learn(life, struck)
        if victim != "writer" and life.heard[-1].step != "ended":
            faults.append(f"the writer was ended by {life.heard[-1].step}")
        hit = life.before(struck)
        with closing(self.place.opened()) as records:
            await deliver(records, *self.script.scenes(hit.cycle, hit.cycle))
            tables = await reading(records, self.script.season.season_id)
        faults += await self.judge.faults(tables, self.told)
        booked = hit.cycle <= len(tables["bookings"])
        self.tally.count(victim, faults, inside=hit.step == "booking", booked=booked)

    def _wait_for_the_moment(self, life: Life) -> None:
        step = "booking" if self.dice.random() < INSIDE else "claiming"
        began = life.comes_to(step, self.reached + self.dice.randrange(1, CYCLES))
        moment = began + self.dice.random() * median(self.lengths[step][-RECENT:])
        time.sleep(max(0, moment - time.monotonic()))

    def _strike(self, victim: str, life: Life) -> None:
        """Kill; servers are started again."""
        if self.stack is None or victim == "writer":
            life.kill()
            return
        (self.stack.postgres if victim == "Postgres" else self.stack.rest).kill()
        self.stack.recover()

    async def _bare_faults(self) -> list[str]:
        """Judge what Supabase has before anything that waits is delivered to it."""
        if self.stack is None:
            return []
        with closing(self.place.bare()) as bare:
            return await self.judge.faults(await reading(bare, self.script.season.season_id), 0)

    def _learn(self, life: Life, until: float) -> None:
        """Note how far the life has come, and the lengths of what it did undisturbed; its first cycle was a repetition."""
        self.reached = max(word.cycle for word in life.heard)
        self.told = max([self.told, *(word.cycle for word in life.heard if word.step == "booked")])
        times = {(word.step, word.cycle): word.at for word in life.heard[3:] if word.at <= until}
        for step, lengths in self.lengths.items():
            lengths += [at - times[step, cycle] for (name, cycle), at in times.items() if name == "booked"]
