"""The system of record in Supabase: every write is one call of a function in the database (supabase/migrations)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import httpx
from postgrest import APIError
from supabase import ClientOptions, create_client

from arena.adapters.storage.refusals import (
    claimed,
    has_ended,
    moved,
    name_of,
    never_begun,
    no_table,
    other_contents,
    rewritten,
    stands_nowhere,
    unexplained,
    unknown_season,
    vanished,
)
from arena.adapters.storage.restore import standing_of
from arena.adapters.storage.row_store import Page, RowStore
from arena.adapters.storage.rows import TABLES, Row, Tables, flat, iso, shown
from arena.adapters.storage.state import WINDOW, midnight
from arena.adapters.storage.supabase_wire import from_wire, rows_of, to_wire
from arena.application.past import PAST_TURNS
from arena.application.record import LATELY
from arena.application.standing import SeasonStanding
from arena.domain.competitor import AccountId, SeasonId
from arena.domain.money import plain
from arena.errors import ConfigurationError, RecordsError, RecordsUnavailable

SCHEMA_VERSION = 5  # what `schema_version()` of the last migration says
TIMEOUT_SECONDS = 10  # whole seconds: a fraction is cut off by the client
_ABSENT = {429, 502, 503, 504, *range(520, 531)}  # said by what stands in front of the database; the last are Cloudflare's
_AWAY = frozenset({"PGRST000", "PGRST001", "PGRST002", "PGRST003", "08000", "08003", "08006", "53300", "57P01", "57P02", "57P03"})
_AGAIN = frozenset({"57014", "40001", "40P01", "55P03"})  # too slow, or in somebody's way
_MISSING = {"PGRST202", "42883"}  # a function
_DENIED = {"42501", "PGRST301", "PGRST303", "401", "403"}


class SupabaseRecords(RowStore):
    """The Records port, and with it the Standings, the Leases and the PaperBooks port, in a Supabase project.

    Args:
        url: Of the project.
        key: Its secret (service role) key.
    """

    def __init__(self, url: str, key: str) -> None:
        self._http = httpx.Client(timeout=TIMEOUT_SECONDS, event_hooks={"response": [_refuse_absence]})
        self._client = create_client(url, key, ClientOptions(httpx_client=self._http))
        self.url = url

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    async def schema_version(self) -> int:
        """Return the schema's version in the project.

        Raises:
            ConfigurationError: There is none, or it is not this version's.
        """
        version = int(await self._call("the schema was not read", "schema_version"))
        if version != SCHEMA_VERSION:
            raise ConfigurationError(
                f"the Supabase project has schema {version}, this version knows {SCHEMA_VERSION}: run `arena db init`"
            )
        return version

    async def open_rows(self, season_id: SeasonId, tables: Tables) -> Tables:
        """Write a season's first rows where there are none, and return `seasons` and `competitors` as they are kept."""
        found = await self._call(f"season {season_id} was not opened", "open_season", tables=to_wire(tables))
        return {name: rows_of(found[name]) for name in ("seasons", "competitors")}

    async def state_rows(self, season_id: SeasonId, as_of: datetime) -> Tables:
        """Return what `state.state_of` reads, by table."""
        asked = {
            "season_id": season_id,
            "as_of": iso(as_of),
            "hour_ago": iso(as_of - WINDOW),
            "midnight": iso(midnight(as_of)),
            "past_turns": PAST_TURNS,
            "lately_seconds": LATELY.total_seconds(),
        }
        found = await self._call(f"the state of season {season_id} was not read", "season_state", asked=asked)
        if found["seasons"] is None:
            raise unknown_season(season_id, found["known"] or ())
        return {name: rows_of(rows) for name, rows in found.items()}

    async def claim(self, season_id: SeasonId, number: int, scheduled_at: str, claim: str) -> None:
        """Claim a cycle's number under a name of the claim; claiming it again under that name changes nothing."""
        wanted = {"season": season_id, "number": number, "scheduled_at": scheduled_at, "claim": claim}
        if not await self._call(f"cycle {number} of season {season_id} was not begun", "begin_cycle", **wanted):
            raise claimed(season_id, number)

    async def write_intents(self, season_id: SeasonId, rows: Sequence[Row]) -> None:
        """Write down intents, each once."""
        written = to_wire({"intents": list(rows)})["intents"]
        what = f"the intents of season {season_id} were not written"
        other = await self._call(what, "append_intents", season=season_id, intents=written)
        if other is not None:
            raise rewritten(other)

    async def book_rows(self, tables: Tables) -> None:
        """Write the rows of a booking, all or none, once."""
        (booking,) = tables["bookings"]
        found = await self._call(f"{name_of(booking)} was not booked", "book", tables=to_wire(tables))
        if found["outcome"] not in ("booked", "same"):
            raise _refusal(tables, found)

    async def page(self, table: str, season_id: SeasonId, after: int, size: int) -> Page:
        """Return up to `size` of a table's rows of a season that stand behind `after`, in booking order, with their places."""
        if table not in TABLES:
            raise no_table(table, TABLES)
        asked = {"name": table, "season": season_id, "after": after, "page": size}
        found = rows_of(await self._call(f"table {table} of season {season_id} was not read", "table_rows", **asked))
        return [(row["id"], shown(row)) for row in found]

    async def prompt(self, season_id: SeasonId, part: str, digest: str) -> str | None:
        """Return a part of a prompt by its hash; None where it is not kept."""
        table = self._client.table("prompts").select("text")
        asked = table.eq("season_id", season_id).eq("part", part).eq("hash", digest).limit(1)
        found = (await self._execute(f"a prompt of season {season_id} was not read", asked.execute)).data
        return str(found[0]["text"]) if found else None

    async def take(self, season_id: SeasonId, holder: str, now: datetime, until: datetime) -> bool:
        """Take the lease on a season's accounts, or hold it longer; False while somebody else's has not run out."""
        wanted = {"season": season_id, "wanted": holder, "moment": iso(now), "until": iso(until)}
        return bool(await self._call(f"the lease of season {season_id} was not taken", "take_lease", **wanted))

    async def release(self, season_id: SeasonId, holder: str) -> None:
        """Give the lease back, where it is still `holder`'s."""
        await self._call(f"the lease of season {season_id} was not given back", "release_lease", season=season_id, wanted=holder)

    async def standing(self, season_id: SeasonId) -> SeasonStanding | None:
        """Return where the season stands; None where nobody has halted, resumed or ended it so far."""
        found = await self._call(f"where season {season_id} stands was not read", "standing", season=season_id)
        return None if found is None else standing_of(found)

    async def stand(self, season_id: SeasonId, standing: SeasonStanding) -> None:
        """Note where the season stands from now on."""
        await self.write_standing(season_id, flat(standing))

    async def write_standing(self, season_id: SeasonId, row: Row) -> None:
        """Note where the season stands from now on; doing so again changes nothing."""
        outcome = await self._call(f"where season {season_id} stands was not written", "stand", season=season_id, **row)
        if outcome == "unknown":
            raise stands_nowhere(season_id)
        if outcome == "ended":
            raise has_ended(season_id)

    async def load_paper_book(self, season_id: SeasonId, account: AccountId) -> tuple[int, str] | None:
        """Return version and text of an account's book; None where none was ever saved."""
        what = f"the paper book of {account} in season {season_id} was not read"
        found = await self._call(what, "load_paper_book", season=season_id, of_account=account)
        return None if found is None else (found["version"], found["text"])

    async def save_paper_book(self, season_id: SeasonId, account: AccountId, version: int, text: str) -> bool:
        """Save the text that follows a version; False where another one has followed it meanwhile."""
        what = f"the paper book of {account} in season {season_id} was not saved"
        book = {"season": season_id, "of_account": account, "follows": version, "book": text}
        return bool(await self._call(what, "save_paper_book", **book))

    async def _call(self, failure: str, function: str, **arguments: Any) -> Any:
        """Call a function of the database; `failure` says what did not happen.

        Raises:
            RecordsUnavailable: It may have happened all the same.
        """
        reply = await self._execute(failure, self._client.rpc(function, arguments).execute)
        return from_wire(reply.data) if isinstance(reply.data, str) and function not in _PLAIN else reply.data

    async def _execute(self, failure: str, request: Callable[[], Any]) -> Any:
        try:
            return await asyncio.to_thread(request)
        except httpx.TransportError as error:
            raise RecordsUnavailable(f"{failure}: Supabase is out of reach ({str(error) or type(error).__name__})") from error
        except APIError as error:
            raise self._fault(failure, error) from error
        except RuntimeError as error:
            raise RecordsError(f"{failure}: {error}") from error  # closed

    def _fault(self, failure: str, error: APIError) -> Exception:
        code, message = str(error.code or ""), error.message or ""
        if code in _MISSING:
            return ConfigurationError("the Supabase project has not this version's tables: run `arena db init`")
        if code in _DENIED:
            return ConfigurationError(f"SUPABASE_KEY may not write ({message}): set it to the project's secret key")
        if code in _AWAY | _AGAIN:
            return RecordsUnavailable(f"{failure}: Supabase is out of reach ({message or code})")
        if not code and not message:  # so PostgREST tells, as a 400, that its database broke down under a query
            return RecordsUnavailable(f"{failure}: Supabase is out of reach (its database gave no answer)")
        return RecordsError(f"{failure}: {message}")


_PLAIN = frozenset({"append_intents", "stand"})  # whose text is a value, not a JSON


def _refuse_absence(response: httpx.Response) -> None:
    """Raise where nobody has looked at a request; the client would tell it like a refusal of the database."""
    if response.status_code in _ABSENT:
        raise httpx.ReadError(f"HTTP {response.status_code}", request=response.request)


def _refusal(tables: Tables, found: Row) -> Exception:
    (booking,) = tables["bookings"]
    match found["outcome"]:
        case "never_begun":
            return never_begun(booking)
        case "other_contents":
            return other_contents(booking)
        case "moved":
            return moved(booking, found["at"])
        case "unexplained":
            says = next(row["current_balance"] for row in tables["llm_accounts"] if row["llm_id"] == found["llm_id"])
            return unexplained(booking, found["llm_id"], found["balance"] and plain(Decimal(found["balance"])), says)
        case "vanished":
            return vanished(booking, found["which"])
        case other:
            return RecordsError(f"{name_of(booking)}: the database answered {other}, which this version does not know")
