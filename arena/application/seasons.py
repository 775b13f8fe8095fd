"""Several seasons side by side: who did how well in each, and the table over all of them.

All who played in a season are ranked together, rules among them; replicas of a model are one, their mean. Where a model may know
how the prices went on (`cutoffs`), the headline takes it as if it had not played there; it is shown below, marked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

from arena.analysis.ranking import FEWEST, Ranked, ranking
from arena.application.cutoffs import contamination
from arena.application.fairness import read_columns
from arena.application.store import Records
from arena.domain.competitor import REPLAY, SeasonId

Row = Mapping[str, Any]

_COLUMNS = {
    "seasons": ("season_id", "market", "environment", "started_at"),
    "competitors": ("llm_id", "model", "base_url", "baseline"),
    "llm_accounts": ("llm_id", "initial_balance", "equity", "booking"),
}
_RULE = " (rule)"
STRENGTH_COLUMNS = ("strength %", "90 % interval")
RANKING_COLUMNS = (
    *("competitor", "seasons", "first", "mean rank", "median ROI %", "worst ROI %", "best ROI %"),
    *STRENGTH_COLUMNS,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrant:
    """Who played in a season.

    Attributes:
        name: The model's, or the rule's.
        roi: Of its equity as last booked, fraction of the capital; the mean of its replicas.
        mark: Why the season says little about it, in words; None where it counts.
    """

    name: str
    roi: float
    mark: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeasonResult:
    """What came of a season so far.

    Attributes:
        window: What its prices are: seasons of one window share their luck.
    """

    season: str
    market: str
    window: str
    entrants: tuple[Entrant, ...]

    @property
    def replayed(self) -> bool:
        """Whether it was played in a market's past."""
        return self.market.startswith(REPLAY)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeveralSeasons:
    """The table over several seasons.

    Attributes:
        headline: Over what counts, by mean rank.
        marked: Over what does not, each name with its mark; ranked among all who played there.
        windows: In which at least two have met that count.
    """

    seasons: tuple[SeasonResult, ...]
    headline: tuple[Ranked, ...]
    marked: tuple[Ranked, ...]
    windows: int

    @property
    def sentence(self) -> str:
        """What may be said about it."""
        if not any(each.ranks for each in self.headline):
            return "Nothing can be said: no two have met in a season that counts."
        known = [(each.name, each.strength) for each in self.headline if each.strength and each.strength.lowest is not None]
        if len(known) < 2:
            told = "1 window" if self.windows == 1 else f"{self.windows} windows"
            return f"Too few to say who is best: two have met in {told}; for an interval, two need {FEWEST} each."
        left = len(self.headline) - len(known)
        others = f"; {left} with fewer than {FEWEST} windows left out" if left else ""
        name, best = max(known, key=lambda each: each[1].value)
        if all(other.beneath(best) for own, other in known if own != name):
            return f"{name} leads over {self.windows} windows: its interval lies above everybody else's{others}."
        return f"No leader over {self.windows} windows: the intervals overlap{others}."

    def to_json(self) -> dict[str, Any]:
        """Return it as an object: `sentence`, `seasons`, and the two tables as lists, best first; shares and returns are of 1."""
        return {
            "sentence": self.sentence,
            "headline": [_object(each) for each in self.headline],
            "marked": [_object(each) for each in self.marked],
            "seasons": [
                {
                    "season": each.season,
                    "market": each.market,
                    "replayed": each.replayed,
                    "competitors": [{"name": own.name, "roi": own.roi, "mark": own.mark} for own in each.entrants],
                }
                for each in self.seasons
            ],
        }


async def read_result(records: Records, season_id: SeasonId, own: Mapping[str, str]) -> SeasonResult | None:
    """Return what came of a season so far; None before anything is booked.

    Args:
        records: Where it is.
        season_id: Its name.
        own: Knowledge cut-offs of `.env`, by model.

    Raises:
        ConfigurationError: The records know no such season.
    """
    tables = await read_columns(records, season_id, _COLUMNS)
    season, accounts = tables["seasons"][0], {row["llm_id"]: row for row in tables["llm_accounts"]}
    if all(row["booking"] is None for row in accounts.values()):
        return None
    returns: defaultdict[str, list[float]] = defaultdict(list)
    marks: dict[str, str | None] = {}
    for row in tables["competitors"]:
        name = f"{row['model']}{_RULE}" if row["baseline"] else row["model"]
        account = accounts[row["llm_id"]]
        returns[name].append(float(account["equity"]) / float(account["initial_balance"]) - 1)
        marks[name] = contamination(season, row, own)
    shared = season["market"].startswith(REPLAY)
    return SeasonResult(
        season=season["season_id"],
        market=season["market"],
        window=f"{season['market']} {season['started_at']}" if shared else season["season_id"],
        entrants=tuple(Entrant(name=name, roi=mean(values), mark=marks[name]) for name, values in returns.items()),
    )


def several_seasons(results: Sequence[SeasonResult]) -> SeveralSeasons:
    """Return the table over these seasons."""
    counted = [{each.name: each.roi for each in result.entrants if each.mark is None} for result in results]
    windows = [result.window for result in results]
    told = [{_marked(each): each.roi for each in result.entrants} for result in results]
    names = {_marked(each) for result in results for each in result.entrants if each.mark is not None}
    return SeveralSeasons(
        seasons=tuple(results),
        headline=ranking(counted, windows),
        marked=tuple(each for each in ranking(told, repetitions=0) if each.name in names),
        windows=len({window for window, played in zip(windows, counted, strict=True) if len(played) > 1}),
    )


def ranking_row(each: Ranked) -> dict[str, str]:
    """Return a line of the table, by heading; what is not known is a dash."""
    strength, returns = each.strength, [100 * value for value in each.returns]
    interval = None if strength is None or strength.lowest is None else (strength.lowest, strength.highest)
    cells = (
        *(each.name, str(len(returns)), str(each.firsts)),
        "–" if each.mean_rank is None else f"{each.mean_rank:.2f}",
        *(f"{value:+.2f}" for value in (100 * each.median_return, min(returns), max(returns))),
        "–" if strength is None else f"{100 * strength.value:.0f}",
        "–" if interval is None else " to ".join(f"{100 * (value or 0):.0f}" for value in interval),
    )
    return dict(zip(RANKING_COLUMNS, cells, strict=True))


def _marked(entrant: Entrant) -> str:
    return entrant.name if entrant.mark is None else f"{entrant.name}: {entrant.mark}"


def _object(each: Ranked) -> dict[str, Any]:
    strength = each.strength
    return {
        "name": each.name,
        "seasons": len(each.returns),
        "firsts": each.firsts,
        "mean_rank": each.mean_rank,
        "median_roi": each.median_return,
        "strength": None if strength is None else strength.value,
        "interval": None if strength is None or strength.lowest is None else [strength.lowest, strength.highest],
    }
