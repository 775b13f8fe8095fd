"""A cycle up to the moment before its orders: the real market, prompts, models and limits, and nothing sent or booked.

Everybody begins as in a season's first cycle, on paper accounts and in a store that are thrown away with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from arena.adapters.notifications.notifier import SilentNotifier
from arena.adapters.storage.sqlite import SqliteRecords
from arena.application.cycle import open_cycle, plan_turns
from arena.application.deciding import Clock, Conversation, unanswered
from arena.application.language_model import LanguageModel, Prompt
from arena.application.study import study
from arena.application.venue import Venue, catch_up
from arena.bootstrap import Arena, limits_of
from arena.configuration import load_playbook
from arena.connections import open_model, request_budget
from arena.domain.competitor import CompetitorId
from arena.domain.decision import Action, Answer, Decision, InvalidDecision, NoAnswer
from arena.domain.money import plain
from arena.domain.plan import Entry, OrderPlan
from arena.errors import ConfigurationError, ModelFault
from arena.market import open_market
from arena.paper import paper_accounts
from arena.season_start import season_of
from arena.settings import Settings
from arena.steady_clock import SteadyClock


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What a cycle would have done.

    Attributes:
        market: Where the prices came from.
        as_of: The venue's time, UTC.
        prompts: By competitor.
        answers, plans: By competitor; empty where nobody was asked.
    """

    market: str
    as_of: datetime
    prompts: Mapping[CompetitorId, Prompt]
    answers: Mapping[CompetitorId, Answer]
    plans: Mapping[CompetitorId, OrderPlan]

    @property
    def silent(self) -> tuple[str, ...]:
        """Who gave no answer and why, in sentences."""
        said = self.answers.items()
        return tuple(f"{llm_id} gave no answer: {answer.error}" for llm_id, answer in said if isinstance(answer, NoAnswer))

    def lines(self) -> Iterator[str]:
        """Yield what there is to tell."""
        yield f"{self.market}, {self.as_of:%Y-%m-%d %H:%M:%S} UTC"
        for llm_id, prompt in self.prompts.items():
            if llm_id not in self.answers:
                yield f"{llm_id}: a prompt of {len(prompt.static) + len(prompt.user)} characters; it was not asked"
            else:
                yield from _told(llm_id, self.answers[llm_id], self.plans[llm_id])


async def rehearse(settings: Settings, *, asking: bool) -> Rehearsal:
    """Play a cycle until its orders are planned.

    Args:
        settings: All of them.
        asking: Whether the models are asked, which uses tokens; else their prompts are made and nothing more.

    Raises:
        ArenaError: It cannot be played with these settings.
    """
    async with _arena(settings, asking) as arena:
        season, market = arena.season, arena.venue.market
        opening = await open_cycle(season.season_id, market, arena.records)
        snapshot = await market.snapshot(season.symbols, opening.as_of)
        if snapshot.missing:
            missing = "; ".join(f"{symbol}: {why}" for symbol, why in snapshot.missing.items())
            raise ConfigurationError(f"no market data for {missing}")
        studied = study(snapshot, arena.playbook, arena.venue.instruments)
        prompts = arena.prompts(opening, snapshot, studied)
        answers: Mapping[CompetitorId, Answer] = {}
        plans: Mapping[CompetitorId, OrderPlan] = {}
        if asking:
            answers = await _answers(arena, prompts)
            caught = await catch_up(arena.venue, opening.state)
            plans = plan_turns(opening, caught, answers, arena.desk(opening.number, snapshot, studied))
        return Rehearsal(market=season.market, as_of=opening.as_of, prompts=prompts, answers=answers, plans=plans)


@asynccontextmanager
async def _arena(settings: Settings, asking: bool) -> AsyncIterator[Arena]:
    """Build an arena whose accounts and books are gone at the end."""
    async with AsyncExitStack() as closing:
        budget, playbook, competitors = request_budget(), load_playbook(settings), settings.competitors()
        market, _ = open_market(settings, budget, closing)
        season = await season_of(settings, competitors, market, playbook)
        folder = Path(closing.enter_context(TemporaryDirectory(prefix="arena-rehearsal-")))
        records = closing.enter_context(SqliteRecords(folder / "arena.sqlite"))
        accounts = paper_accounts(season, market, records)
        yield Arena(
            settings=settings,
            season=await records.open_season(season),
            playbook=playbook,
            limits=limits_of(settings),
            venue=Venue(market=market, accounts=accounts, instruments=await market.instruments(settings.available_pairs)),
            models={each.llm_id: open_model(settings, each, closing) for each in competitors} if asking else {},
            records=records,
            notifier=SilentNotifier(),
            budget=budget,
            holder="rehearsal",
        )


async def _answers(arena: Arena, prompts: Mapping[CompetitorId, Prompt]) -> dict[CompetitorId, Answer]:
    """Ask all models at the same time, under the season's deadline."""
    clock = Clock(seconds=asyncio.get_running_loop().time, now=SteadyClock())
    deadline, symbols = clock.seconds() + arena.settings.llm_deadline_seconds, arena.season.symbols

    async def ask(model: LanguageModel, prompt: Prompt) -> Answer:
        conversation = Conversation(model, prompt, symbols, deadline, clock)
        try:
            answer = await conversation.ask()
            return await conversation.ask() if isinstance(answer, InvalidDecision) else answer
        except ModelFault as fault:
            return unanswered(fault)

    told = await asyncio.gather(*(ask(arena.models[llm_id], prompt) for llm_id, prompt in prompts.items()))
    return dict(zip(prompts, told, strict=True))


def _told(llm_id: CompetitorId, answer: Answer, plan: OrderPlan) -> Iterator[str]:
    """Yield what a competitor said and what would have been sent."""
    if not isinstance(answer, Decision):
        what = "gave no answer" if isinstance(answer, NoAnswer) else "answered what is no decision"
        yield f"{llm_id} {what}: {answer.error}"
        return
    wanted = [f"{part.action} {part.symbol}" for part in answer.symbols if part.action is not Action.HOLD]
    yield f"{llm_id} wants: {', '.join(wanted) or 'nothing but to hold'}"
    for entry in plan.entries:
        yield f"{llm_id} would have sent: {_order(entry)}"
    for refused in plan.rejections:
        yield f"{llm_id} would have been refused {refused.action} {refused.symbol}: {refused.detail}"


def _order(entry: Entry) -> str:
    order, stop = entry.opening.order, entry.stop.order.trigger_price
    at = "at the market" if order.price is None else f"at {plain(order.price)}"
    protected = "" if stop is None else f", stop {plain(stop)}"
    return f"{order.side.lower()} {plain(order.quantity)} {order.symbol} {at}, leverage {entry.opening.leverage}{protected}"
