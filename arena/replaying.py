"""A season in a market's past: the live cycle, step for step, over recorded candles and on paper accounts.

A cycle happens at the first instant of a bar, and its orders trade at that bar's open: models take no time here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from arena.adapters.binance.limits import RequestBudget
from arena.adapters.llm.remembered import Answers, RememberedModel
from arena.adapters.llm.rule import RuleModel
from arena.adapters.notifications.notifier import SilentNotifier
from arena.adapters.paper.engine import PaperEngine
from arena.adapters.paper.market import PaperMarket
from arena.adapters.paper.replayed import BookShelf, ReplayedAccount
from arena.adapters.recorded import CandleArchive
from arena.application.language_model import LanguageModel, Models
from arena.application.record import CycleRecord
from arena.application.store import Store
from arena.application.venue import Venue
from arena.bootstrap import Arena, limits_of
from arena.configuration import load_playbook
from arena.connections import open_model, open_records
from arena.domain.competitor import LETTERS, REPLAY, AccountId, Competitor, CompetitorId, Environment, Provider, Season
from arena.domain.money import ZERO
from arena.errors import ConfigurationError
from arena.llm_settings import CompetitorSettings
from arena.past import engine_at, first_instant, keep_folder
from arena.season_start import check_playbook, open_season, season_of
from arena.settings import Settings
from arena.strategies.registry import RULES, rule_of
from arena.trading_cycle import run_cycle

ANSWERS = Path("runs") / "answers.sqlite"  # what models have answered, for all replays of a folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What is replayed.

    Attributes:
        archive: The market.
        start: Of the first cycle, UTC.
        end: No cycle begins at it or after it, UTC.
        every: Between two cycles.
    """

    archive: CandleArchive
    start: datetime
    end: datetime
    every: timedelta

    def __len__(self) -> int:
        return max(0, -((self.start - self.end) // self.every))

    def passed(self, after: datetime | None) -> int:
        """Return how many cycles of it begin up to `after`."""
        return 0 if after is None else max(0, min(len(self), (after - self.start) // self.every + 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A season that is ready to be played, or to be played on.

    Attributes:
        done: Cycles of the window that an earlier run has played.
        models: That are language models; where their answers came from is counted in them.
    """

    window: Window
    arena: Arena
    engine: PaperEngine
    accounts: Mapping[AccountId, ReplayedAccount]
    done: int
    models: tuple[RememberedModel, ...]

    def move_to(self, at: datetime) -> None:
        """Let market and accounts live up to an instant."""
        self.engine.advance(at)
        for account in self.accounts.values():
            account.advance(at)

    async def cycles(self) -> AsyncIterator[CycleRecord]:
        """Play the cycles that are left, and yield each when it is booked.

        Raises:
            ConfigurationError: The season is halted.
        """
        for number in range(self.done, len(self.window)):
            await self._check_going()
            self.move_to(self.window.start + number * self.window.every)
            record = await run_cycle(self.arena)
            if record is None:
                await self._check_going()
            else:
                yield record

    async def _check_going(self) -> None:
        if why := await self.arena.standing_still():
            go_on = f"SEASON={self.arena.season.season_id} arena resume --despite-differences"
            raise ConfigurationError(f"the replay is halted: {why}. {go_on} lets it go on, once that is understood")


def window_of(archive: CandleArchive, start: datetime | None, end: datetime | None, every: timedelta) -> Window:
    """Return the window from `start` (where left out, as early as prompts are full) to `end` (the archive's).

    Raises:
        ConfigurationError: It does not lie within the candles, or does not fit their interval.
    """
    begins, ends = start or first_instant(archive), end or archive.end
    candles = f"the candles go from {archive.start:%Y-%m-%d %H:%M} to {archive.end:%Y-%m-%d %H:%M} UTC"
    if not archive.start <= begins < ends <= archive.end:
        raise ConfigurationError(f"from {begins:%Y-%m-%d %H:%M} to {ends:%Y-%m-%d %H:%M} is no window to replay: {candles}")
    minutes = archive.interval.total_seconds() / 60
    if every % archive.interval or (begins - archive.start) % archive.interval:
        raise ConfigurationError(
            f"cycles every {every.total_seconds():.0f} s from {begins:%H:%M:%S} do not fall on candles of {minutes:.0f} minutes: "
            "set LLM_DECISION_INTERVAL_SECONDS (or --interval) to a multiple, and --from to the start of a candle"
        )
    return Window(archive=archive, start=begins, end=ends, every=every)


def settings_of(settings: Settings, season: str, every: timedelta, rules: tuple[str, ...], seed: int = 0) -> Settings:
    """Return the settings of a replay: nobody's money, and where rules are named, they alone compete.

    Args:
        settings: As loaded.
        season: Its name.
        every: Between two cycles.
        rules: Names of rules.
        seed: Moves the dice of all who have some: rules, and models with a LLM_X_SEED.

    Raises:
        ConfigurationError: There is no such rule.
    """
    changed: dict[str, object] = {
        "season": season,
        "environment": Environment.PAPER,
        "llm_decision_interval_seconds": int(every.total_seconds()),
    }
    if unknown := [name for name in rules if name not in RULES]:
        raise ConfigurationError(f"there is no rule {unknown[0]}; there are {', '.join(RULES)}")
    if rules:
        llms = {
            letter: CompetitorSettings(provider=Provider.OPENAI, model=rule, seed=seed)
            for letter, rule in zip(LETTERS, rules, strict=False)
        }
        return settings.model_copy(update=changed | {"llms": llms, "total_llms": len(llms)})
    changed["llms"] = {
        letter: llm if llm.seed is None else llm.model_copy(update={"seed": llm.seed + seed})
        for letter, llm in settings.llms.items()
    }
    return settings.model_copy(update=changed)


@asynccontextmanager
async def open_replay(
    settings: Settings, window: Window, answers_file: Path, models_of: Callable[[Callable[[], datetime]], Models] | None = None
) -> AsyncIterator[Replay]:
    """Begin the season of the settings in a market's past, or go on with it where an earlier run has stopped.

    Args:
        settings: Of `settings_of`.
        window: What is replayed.
        answers_file: Keeps what language models have answered, for the next replay.
        models_of: Makes others decide than the settings' models, given what tells the instant of the cycle.

    Raises:
        ConfigurationError: It cannot be played with these settings, or the season began on other terms.
    """
    async with AsyncExitStack() as closing:
        playbook, competitors = load_playbook(settings), settings.competitors()
        records = open_records(settings, closing, lasting=False)  # a replay can be played again
        wanted = await season_of(settings, competitors, _market(window, window.start)[1], playbook)
        wanted = replace(wanted, market=f"{REPLAY}{window.archive.label}")
        accounts = await _accounts(wanted, window, records)
        season = await open_season(wanted, accounts, records)
        check_playbook(season, playbook)
        _check_interval(season, wanted)
        keep_folder(settings.season_directory, window.archive)
        begun_at = (await records.state(season.season_id, datetime.now(UTC))).begun_at
        engine, market = _market(window, begun_at or window.start)
        models = models_of(lambda: engine.now) if models_of else _models(settings, competitors, answers_file, closing)
        if begun_at is None:
            for account in accounts.values():
                await account.prepare(season.symbols, settings.max_leverage)
        yield Replay(
            window=window,
            engine=engine,
            accounts=accounts,
            done=window.passed(begun_at),
            models=tuple(model for model in models.values() if isinstance(model, RememberedModel)),
            arena=Arena(
                settings=settings,
                season=season,
                playbook=playbook,
                limits=limits_of(settings),
                venue=Venue(market=market, accounts=accounts, instruments=await market.instruments(season.symbols)),
                models=models,
                records=records,
                notifier=SilentNotifier(),
                budget=RequestBudget(),
                holder=f"replay-{uuid4().hex[:8]}",
            ),
        )


def _check_interval(season: Season, wanted: Season) -> None:
    if season.interval_seconds != wanted.interval_seconds:
        raise ConfigurationError(f"season {season.season_id} has a cycle every {season.interval_seconds} s: set --interval to it")


def _models(
    settings: Settings, competitors: Sequence[Competitor], answers_file: Path, closing: AsyncExitStack
) -> dict[CompetitorId, LanguageModel]:
    """Return rules as they are, and language models with a memory."""
    answers = closing.enter_context(Answers(answers_file))
    found: dict[CompetitorId, LanguageModel] = {}
    for competitor in competitors:
        spec, rule = competitor.model, rule_of(competitor.model.model)
        if rule is not None:
            found[competitor.llm_id] = RuleModel(rule, RULES[rule], spec.seed or 0)
        else:
            found[competitor.llm_id] = RememberedModel(open_model(settings, competitor, closing), spec, answers)
    return found


def _market(window: Window, at: datetime) -> tuple[PaperEngine, PaperMarket]:
    """Return the market as it stands at an instant, and what moves its time."""
    engine = engine_at(window.archive, at)
    return engine, PaperMarket(engine, label=window.archive.label, interval=window.archive.interval)


async def _accounts(season: Season, window: Window, records: Store) -> dict[AccountId, ReplayedAccount]:
    """Return the season's accounts where an earlier run has left them; new ones have the capital of their competitors."""
    capitals = {competitor.llm_id: competitor.capital for competitor in season.competitors}
    found = {}
    for account, llm_ids in season.accounts().items():
        shelf = BookShelf(records, season.season_id, account)
        book = await shelf.take(sum((capitals[llm_id] for llm_id in llm_ids), ZERO), window.start)
        found[account] = ReplayedAccount(engine_at(window.archive, book.lived_until), book, shelf)
    return found
