"""The seasons that this machine has books of, or those that are named, as one table."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from arena.application.seasons import SeasonResult, SeveralSeasons, read_result, several_seasons
from arena.configuration import load_settings
from arena.connections import open_book
from arena.domain.competitor import SeasonId
from arena.errors import ConfigurationError
from arena.settings import Settings


async def read_seasons(names: Sequence[str]) -> SeveralSeasons:
    """Return the table over these seasons; where none is named, over all that lie in `runs`.

    A tournament's seasons lie there each by itself, so that its result files tell nothing more.

    Raises:
        ConfigurationError: One of them is not there, or there is none.
    """
    settings, results = load_settings(), []
    for name in names or _stored(settings):
        try:
            results.append(await _read(settings, name))
        except ConfigurationError:
            if names:
                raise  # else it is a book that holds seasons of other names
    return several_seasons([result for result in results if result is not None])


def _stored(settings: Settings) -> list[str]:
    """Return the seasons that have a book in `runs`, by name.

    Raises:
        ConfigurationError: There is none, or they are kept elsewhere.
    """
    if settings.supabase_url or settings.database_path:
        raise ConfigurationError("the seasons are not kept in runs/: name those that you want, arena seasons NAME NAME")
    found = sorted(path.parent.name for path in Path("runs").glob("*/arena.sqlite"))
    if not found:
        raise ConfigurationError("there is no season in runs/: arena replay plays one")
    return found


async def _read(settings: Settings, name: str) -> SeasonResult | None:
    own = {llm.model: llm.knowledge_cutoff for llm in settings.llms.values() if llm.knowledge_cutoff is not None}
    async with AsyncExitStack() as closing:
        return await read_result(open_book(settings, closing, name), SeasonId(name), own)
