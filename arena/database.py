"""Looking after the store: made, checked, carried elsewhere, pruned, emptied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from arena.adapters.paper.replayed import kept_as
from arena.connections import open_book
from arena.domain.competitor import Environment, SeasonId
from arena.errors import ConfigurationError
from arena.paper import accounts_of

if TYPE_CHECKING:
    from arena.adapters.storage.upkeep import Upkeep
    from arena.audit.verification import Verification
    from arena.settings import VenueSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """What was removed, and where it is kept."""

    season_id: SeasonId
    rows: int
    archive: Path


def upkeep_of(settings: VenueSettings) -> Upkeep:
    """Return the owner's side of the store that the settings name.

    Raises:
        ConfigurationError: It is Supabase, and the database's URL is missing.
    """
    from arena.adapters.storage.upkeep import PostgresUpkeep, SqliteUpkeep

    if not settings.supabase_url:
        return SqliteUpkeep(settings.database())
    url = settings.supabase_db_url.get_secret_value()
    if not url:
        raise ConfigurationError(
            "this takes the database's own password: set SUPABASE_DB_URL to the connection string of the Supabase project "
            "(or, to make the tables, link the project and run `supabase db push`)"
        )
    return PostgresUpkeep(url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a look at the store came to.

    Attributes:
        where: Where the state is kept, and what waits for it.
        drift: Where its schema is not this version's; None where that takes the database's password, and there is none.
        audit: Of the season; None where the season is not in the store.
    """

    where: str
    drift: Sequence[str] | None
    audit: Verification | None

    @property
    def well(self) -> bool:
        """Whether nothing is wrong."""
        return not self.drift and (self.audit is None or self.audit.verified)

    def lines(self) -> Iterator[str]:
        """Yield what is to be said."""
        yield self.where
        if self.drift is None:
            yield "the schema beyond its version was not compared: that takes SUPABASE_DB_URL"
        else:
            yield from (f"the schema has drifted: {each}" for each in self.drift)
        if self.audit is not None:
            yield f"season {self.audit.season}: {self.audit.sentence}"
            yield from map(str, self.audit.findings)


async def check_store(settings: VenueSettings, season: str) -> Checked:
    """Look at the store, its schema, and the season in it.

    Raises:
        RecordsError, ConfigurationError: The store cannot be used; the sentence says why.
    """
    from arena.audit.verify import read_verification

    season_id = SeasonId(season or settings.season)
    async with AsyncExitStack() as closing:
        records = open_book(settings, closing, season)
        where = await records.look()
        blind = settings.supabase_url and not settings.supabase_db_url.get_secret_value()
        there = [row async for row in records.rows("seasons", season_id)]
        audit = await read_verification(records, season_id) if there else None
    return Checked(where=where, drift=None if blind else upkeep_of(settings).drift(), audit=audit)


async def export_season(settings: VenueSettings, season: str, out: Path) -> tuple[Path, int]:
    """Write a whole season into one file, and return it and how many rows it has."""
    from arena.adapters.storage.archive import write_archive

    season_id = SeasonId(season or settings.season)
    async with AsyncExitStack() as closing:
        records = open_book(settings, closing, season)
        accounts = await accounts_of(records, season_id)
        return out, await write_archive(records, season_id, (*accounts, *map(kept_as, accounts)), out)


def import_season(settings: VenueSettings, source: Path) -> tuple[SeasonId, int]:
    """Take a season from a file into the store, all of it or nothing.

    Raises:
        ConfigurationError: The file is not whole, or the season is there already.
    """
    from arena.adapters.storage.archive import Archive

    archive, upkeep = Archive(source), upkeep_of(settings)
    upkeep.init()
    return archive.season_id, upkeep.take_in(archive.season_id, archive.lines())


def prune_season(settings: VenueSettings, season: str, days: int) -> int:
    """Remove the market's part of the prompts of cycles that are older, and return how many; the journal stays whole."""
    return upkeep_of(settings).prune(SeasonId(season or settings.season), datetime.now(UTC) - timedelta(days=days))


async def check_may_clean(settings: VenueSettings) -> None:
    """Refuse to forget a season that holds positions of real money.

    Raises:
        ConfigurationError: It does.
    """
    async with AsyncExitStack() as closing:
        records, season_id = open_book(settings, closing), SeasonId(settings.season)
        seasons = [row async for row in records.rows("seasons", season_id)]
        if not any(row["environment"] == Environment.MAINNET for row in seasons):
            return
        held = [
            f"{row['llm_id']} {row['symbol']}" async for row in records.rows("positions", season_id) if row["status"] == "open"
        ]
    if held:
        raise ConfigurationError(
            f"season {season_id} trades on mainnet and holds {', '.join(held)}: leave them first (`arena shutdown`), then clean"
        )


async def clean_season(settings: VenueSettings, folder: Path) -> Cleaned:
    """Export the season, then remove it from the store, with what waits for it on this machine.

    Raises:
        ConfigurationError: It holds positions on mainnet, or cannot be exported or removed; nothing is removed then.
    """
    await check_may_clean(settings)
    season_id, upkeep = SeasonId(settings.season), upkeep_of(settings)
    archive = folder / f"{season_id}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.jsonl.gz"
    await export_season(settings, settings.season, archive)
    rows = upkeep.remove(season_id)
    for name in ("spool.sqlite", "spool.sqlite-wal", "spool.sqlite-shm", "prepared.json"):
        (settings.season_directory / name).unlink(missing_ok=True)
    return Cleaned(season_id=season_id, rows=rows, archive=archive)
