"""How a halted season goes on: the books are held against the exchange, the halt is taken away, the schedule runs again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from arena.application.comparison import Comparison, compare
from arena.bootstrap import open_arena
from arena.configuration import load_settings, load_venue_settings
from arena.errors import ConfigurationError
from arena.schedules import resume_schedules
from arena.season_start import has_begun
from arena.settings import Settings
from arena.standings import lift_halt


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """What came of it.

    Attributes:
        was_halted: There was a halt to take away.
        differences: Why it was refused, in sentences; nothing was changed then.
        faults: What could not be done beside it, in sentences.
    """

    season: str
    was_halted: bool = False
    differences: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()

    @property
    def goes_on(self) -> bool:
        """Whether the season goes on, and is scheduled where it can be."""
        return not self.differences and not self.faults

    @property
    def sentence(self) -> str:
        """All of it."""
        if self.differences:
            return (
                f"{self.season} stays as it is, because books and exchange differ: {'; '.join(self.differences)}. Look at "
                "`arena reconcile`, put the account right, or resume with --despite-differences (despite_differences in Prefect)"
            )
        return "; ".join((f"{self.season} {'goes on' if self.was_halted else 'was not halted'}", *self.faults))


async def resume_season(prefect_api_url: str, *, despite_differences: bool = False) -> Resumed:
    """Let the season of the settings go on, unless its books and the exchange differ.

    Args:
        prefect_api_url: Of the server whose trading schedule runs again; empty where there is none.
        despite_differences: Nothing is compared; whatever is wrong with models or market does not matter then.

    Raises:
        ConfigurationError: The settings cannot be used.
        ExchangeError: The accounts cannot be looked at.
        RecordsError: The season has ended, or the store cannot be told.
    """
    if despite_differences:
        settings = load_venue_settings()
    else:
        settings = load_settings()
        if await has_begun(settings) and (differences := (await read_comparison(settings)).differences):
            return Resumed(season=settings.season, differences=differences)
    was_halted = await lift_halt(settings, "by hand")
    return Resumed(season=settings.season, was_halted=was_halted, faults=await resume_schedules(prefect_api_url))


async def read_comparison(settings: Settings) -> Comparison:
    """Look at books and exchange side by side; changes nothing.

    Raises:
        ConfigurationError: The season has not begun.
        ExchangeError: The accounts cannot be looked at.
    """
    if not await has_begun(settings):
        raise ConfigurationError(f"the season {settings.season} has not begun: there are no books to compare")
    async with open_arena(settings, asking=False) as arena:
        return await compare(arena.venue, await arena.records.state(arena.season.season_id, datetime.now(UTC)))
