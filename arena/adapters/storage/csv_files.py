"""An export's files on disk: UTF-8, comma separated, with a header, complete or not there at all."""

from __future__ import annotations

import csv
from pathlib import Path

from arena.application.export import SHEETS, Sheet, check_season, sheet_rows
from arena.application.store import Records
from arena.domain.competitor import SeasonId
from arena.errors import ConfigurationError


async def write_export(records: Records, season_id: SeasonId, directory: Path) -> list[Path]:
    """Write every sheet of a season into `directory`, which is created, and return the files; existing ones are replaced.

    Raises:
        ConfigurationError: There is no such season, or the directory cannot be written.
    """
    await check_season(records, season_id)
    try:
        directory.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240  a local folder
        return [await _write(records, season_id, sheet, directory) for sheet in SHEETS]
    except OSError as error:
        raise ConfigurationError(f"the export cannot be written to {directory}: {error}") from error


async def _write(records: Records, season_id: SeasonId, sheet: Sheet, directory: Path) -> Path:
    path = directory / sheet.name
    partial = path.with_suffix(".part")
    with partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(sheet.header)
        async for row in sheet_rows(records, season_id, sheet):
            writer.writerow(row)
    return partial.replace(path)
