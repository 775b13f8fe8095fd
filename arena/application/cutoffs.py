"""What a model can know of a market's past: its knowledge cut-off, and whether a season lies before it.

A model that has read the news of a window may remember how it went on: such a season says nothing about how it trades. Nothing of
this is told to a model, nor is it a setting: it only says in which table a season is shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from arena.domain.competitor import REPLAY, Environment

Row = Mapping[str, Any]

# The end of the training data, which is later than what providers call reliable; by the name at the provider's own endpoint, or a
# dated snapshot of it. As of November 2026, from the providers' pages of models and (Claude 3 to 4.5) support.claude.com, article
# 8114494. DeepSeek states none. A name that is not here is not known: .env may say it, LLM_X_KNOWLEDGE_CUTOFF.
CUTOFFS: Mapping[str, str] = {
    "claude-3-opus": "2023-08",
    "claude-3-5-haiku": "2024-07",
    "claude-sonnet-4": "2025-03",
    "claude-sonnet-4-5": "2025-07",
    "claude-haiku-4-5": "2025-07",
    "claude-opus-4-5": "2025-08",
    "claude-sonnet-5": "2026-01",
    "claude-opus-5": "2026-05",
    "claude-sonnet-5-5": "2026-06",
    "claude-opus-5-5": "2026-06",
    "claude-haiku-5-5": "2026-06",
    "claude-fable-5-1": "2026-06",
    "gpt-6.1-terra": "2026-06-01",
}
UNKNOWN = "cut-off unknown"

_SNAPSHOT = re.compile(r"[-@]20\d\d-?\d\d-?\d\d$")


def first_unknown_day(cutoff: str) -> date:
    """Return the first day after a cut-off, 2026-06 or 2026-06-15; a month is known to its end.

    Raises:
        ValueError: It is neither.
    """
    if re.fullmatch(r"\d{4}-\d\d", cutoff):
        return (date.fromisoformat(f"{cutoff}-01") + timedelta(days=31)).replace(day=1)
    if re.fullmatch(r"\d{4}-\d\d-\d\d", cutoff):
        return date.fromisoformat(cutoff) + timedelta(days=1)
    raise ValueError("write a month or a day, such as 2026-06 or 2026-06-15")


def cutoff_of(competitor: Row, own: Mapping[str, str]) -> str | None:
    """Return a model's cut-off; None where it is not known, as with a server that may call anything by any name.

    Args:
        competitor: Its row.
        own: Of `.env`, by model; they win.
    """
    model = competitor["model"]
    if model in own:
        return own[model]
    return None if competitor["base_url"] else CUTOFFS.get(_SNAPSHOT.sub("", model))


def contamination(season: Row, competitor: Row, own: Mapping[str, str]) -> str | None:
    """Return in words why a season says little about a model: it may know how the market went on. None where it cannot.

    A rule knows nothing; neither does anybody of a generated market, nor of the present.

    Args:
        season, competitor: Their rows.
        own: As in `cutoff_of`.
    """
    if competitor["baseline"] or not _in_the_past(season):
        return None
    cutoff = cutoff_of(competitor, own)
    if cutoff is None:
        return UNKNOWN
    begins = datetime.fromisoformat(season["started_at"]).astimezone(UTC).date()
    return None if begins >= first_unknown_day(cutoff) else f"cut-off {cutoff}"


def _in_the_past(season: Row) -> bool:
    """Return whether the prices were there before the season: it is a replay, or a simulator played recorded candles."""
    market = season["market"]
    return (market.startswith(REPLAY) or season["environment"] == Environment.DEMO) and "generated" not in market.lower()
