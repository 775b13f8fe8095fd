"""A season at a glance: what `arena status` and `arena monitor` show, out of the same answers as the page's."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Literal

from pydantic import Field

from arena.dashboard import answers, telling
from arena.dashboard.watch import NothingYet, Source, Watch
from arena.errors import ConfigurationError

PAGE = 1000
NEWEST_ALERTS = 20

Step = Literal["asking the models", "sending orders"]


class Glance(answers.Answer):
    """How a season stands."""

    status: answers.Status
    step: Step | None = Field(description="How far the cycle under way has come; null where none is.")
    leaderboard: answers.Board
    positions: list[answers.Held] = Field(description="What is open.")
    decisions: list[answers.Decided] = Field(description="Of the newest cycle that is booked.")
    alerts: list[answers.AlertRow] = Field(description="The newest ones, newest first.")


class Glancing:
    """Looks at a watched season, again and again."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._intent = 0  # place of the last one that is known
        self._ordered = 0  # the cycle that it belongs to

    async def now(self) -> Glance:
        """Return how the season stood at the last look.

        Raises:
            NothingYet: It has not begun, or was not read so far.
        """
        view = self._watch.view
        told = await view.alerts.page(view.store, view.season_id, None, NEWEST_ALERTS)
        return Glance(
            status=telling.status(self._watch),
            step=await self._step(),
            leaderboard=telling.board(view, self._watch.judged),
            positions=telling.positions(view),
            decisions=await self._decisions(),
            alerts=[answers.AlertRow.model_validate(row) for row in told.rows],
        )

    async def _decisions(self) -> list[answers.Decided]:
        view = self._watch.view
        last = view.cycles.last
        found = await view.cycles.read(view.store, view.season_id, last["number"]) if last else None
        return [answers.Decided.model_validate(row) for row in found.tables["llm_decisions"]] if found else []

    async def _step(self) -> Step | None:
        """Return the step by what is in the store: orders are written there after all have decided, before any is sent."""
        view = self._watch.view
        begun = view.cycles.begun
        if begun is None:
            return None
        while self._ordered < begun["number"]:
            page = await view.store.page("intents", view.season_id, self._intent, PAGE)
            if not page:
                return "asking the models"
            self._intent, self._ordered = page[-1][0], page[-1][1]["cycle"]
        return "sending orders"


async def look_once(source: Source) -> Glance:
    """Return how a season stands now.

    Raises:
        ConfigurationError: It has not begun, or its store is not there.
        RecordsError: The store cannot be read.
    """
    async with AsyncExitStack() as closing:
        watch = Watch(source)
        await watch.look(source.open(closing))
        try:
            return await Glancing(watch).now()
        except NothingYet as why:
            raise ConfigurationError(str(why)) from None
