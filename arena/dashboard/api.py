"""The endpoints: all of them read, none changes anything."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, HTTPException, Path, Query, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, TypeAdapter

from arena.application.standing import SeasonStatus
from arena.dashboard import answers, markets, telling, turns
from arena.dashboard.asking import Moment, competes, refuse_unknown
from arena.dashboard.curve import FEWEST
from arena.dashboard.cycle_index import CycleRows
from arena.dashboard.feed import Feed, Row
from arena.dashboard.metrics import prometheus_text
from arena.dashboard.rendering import Kept, rendered
from arena.dashboard.watch import Rendered, Watch

JSON = "application/json"
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"

Before = Annotated[int | None, Query(ge=1, description="The `before` of the page that came last; the newest where left out.")]
Limit = Annotated[int, Query(ge=1, le=200, description="Rows at most.")]
Who = Annotated[
    str | None, Query(description="One competitor's alone; a page may then be shorter though more follow.", examples=["LLM-A"])
]
LlmId = Annotated[str, Path(description="The competitor's name in the settings.", examples=["LLM-A"])]
Number = Annotated[int, Path(ge=1, description="The cycle's number, 1 is the first.", examples=[1])]
Symbol = Annotated[str, Path(description="As the venue names it; `/status` names those of the season.", examples=["BTCUSDT"])]
Known = Annotated[str | None, Header(alias="If-None-Match", description="The ETag of the answer that is known already.")]
_FAULTS = {
    401: "The token is missing or wrong.",
    403: "Without a token, another host's page may not ask.",
    422: "A parameter is wrong, or there is none of that name.",
    503: "The season has not begun, is being read, or the store is away.",
}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": answers.Problem, "description": words} for status, words in _FAULTS.items()
}
_MISSING: dict[int | str, dict[str, Any]] = {404: {"model": answers.Problem, "description": "There is none of that name."}}
_METRICS = (
    "# HELP arena_cycles_booked_total Cycles booked.\n# TYPE arena_cycles_booked_total counter\narena_cycles_booked_total 60.0\n"
)


def routes(watch: Watch) -> APIRouter:
    """Return the endpoints over a season that is watched."""
    whole = APIRouter()
    _add_health(whole, watch)
    router = APIRouter(responses=_PROBLEMS, dependencies=[Depends(refuse_unknown)])
    _add_season(router, watch)
    _add_result(router, watch)
    _add_parts(router, watch)
    _add_details(router, watch)
    _add_pages(router, watch)
    _add_events(router, watch)
    whole.include_router(router)
    return whole


def _add_health(router: APIRouter, watch: Watch) -> None:
    @router.get("/health")
    async def health() -> answers.Health:
        """Whether this process serves; wants no token."""
        looked_at = watch.looked_at.isoformat(timespec="seconds") if watch.looked_at else None
        return answers.Health(ready=watch.looked_at is not None, store_away=watch.away, looked_at=looked_at)


def _add_season(router: APIRouter, watch: Watch) -> None:
    @router.get("/status", response_model=answers.Status)
    async def status(known: Known = None) -> Response:
        """Whether the season runs, which cycle was the last, and when the next is due."""
        return _rendered(watch, "status", known, lambda: telling.status(watch))

    @router.get("/metrics", response_class=Response, responses={200: {"content": {PROMETHEUS: {"example": _METRICS}}}})
    async def metrics() -> Response:
        """The season for Prometheus."""
        return Response(prometheus_text(watch), media_type=PROMETHEUS)


def _add_result(router: APIRouter, watch: Watch) -> None:
    @router.get("/leaderboard", response_model=answers.Board)
    async def leaderboard(known: Known = None) -> Response:
        """Who leads, and whether that means anything."""
        return _rendered(watch, "leaderboard", known, lambda: telling.board(watch.view))

    @router.get("/llm-accounts", response_model=list[answers.AccountRow])
    async def llm_accounts(known: Known = None) -> Response:
        """Every competitor's wallet."""
        return _rendered(watch, "accounts", known, lambda: telling.accounts(watch.view))

    @router.get("/positions", response_model=list[answers.Held])
    async def positions(known: Known = None) -> Response:
        """What is held now, at the last mark."""
        return _rendered(watch, "positions", known, lambda: telling.positions(watch.view))

    @router.get("/costs", response_model=answers.Costs)
    async def costs(known: Known = None) -> Response:
        """Fees, funding, tokens and what the models' calls have cost."""
        return _rendered(watch, "costs", known, lambda: telling.costs(watch.view))

    @router.get("/fairness", response_model=answers.FairnessFound)
    async def fairness(known: Known = None) -> Response:
        """Whether all were treated alike, cycle by cycle."""
        return _rendered(watch, "fairness", known, lambda: telling.fairness(watch.view))


def _add_parts(router: APIRouter, watch: Watch) -> None:
    @router.get("/equity", response_model=answers.Equity)
    async def equity(
        since: Moment = None,
        until: Moment = None,
        points: Annotated[int, Query(ge=FEWEST, le=2000, description="Of each curve, at most.")] = 1000,
        known: Known = None,
    ) -> Response:
        """The curves and their drawdowns, thinned for display; high, low and deepest fall are kept."""
        key = f"equity {since} {until} {points}"
        return _rendered(watch, key, known, lambda: telling.equity(watch.view, since, until, points))

    @router.get("/competitors/{llm_id}", response_model=answers.Competitor, responses=_MISSING)
    async def competitor(llm_id: LlmId, known: Known = None) -> Response:
        """One competitor: what it is, holds, decided and closed."""
        competes(watch, llm_id)
        return await _told(watch, f"competitor {llm_id}", known, lambda: telling.competitor(watch.view, llm_id))

    @router.get("/cycles/{number}", response_model=answers.CycleStory, responses=_MISSING)
    async def cycle(number: Number, known: Known = None) -> Response:
        """One booked cycle, the competitors side by side."""

        async def tell() -> BaseModel:
            return telling.story(watch.view, await _cycle(watch, number))

        return await _told(watch, f"cycle {number}", known, tell)


def _add_details(router: APIRouter, watch: Watch) -> None:
    @router.get("/markets/{symbol}", response_model=markets.Market, responses=_MISSING)
    async def market(symbol: Symbol, known: Known = None) -> Response:
        """One symbol: as the models saw it in the newest cycle, the venue's candles, and what everybody did in it."""
        view = watch.view
        symbols = json.loads(view.season["symbols"])
        if symbol not in symbols:
            raise HTTPException(404, f"{symbol} is not traded in this season; there are {', '.join(symbols)}")
        ended = watch.standing.status is SeasonStatus.ENDED
        shown = await watch.candles.of(symbol, view.season["market"], view.booked_at, ended)
        return await _told(watch, f"market {symbol} {shown.asked_at}", known, lambda: markets.market(view, symbol, shown))

    @router.get("/competitors/{llm_id}/calibration", response_model=turns.Calibrated, responses=_MISSING)
    async def calibration(llm_id: LlmId, known: Known = None) -> Response:
        """What a competitor's stated confidences have been worth, trade by trade."""
        competes(watch, llm_id)
        return _rendered(watch, f"calibration {llm_id}", known, lambda: turns.calibration(watch.view, llm_id))

    @router.get("/cycles/{number}/competitors/{llm_id}", response_model=turns.TurnInFull, responses=_MISSING)
    async def turn(number: Number, llm_id: LlmId, known: Known = None) -> Response:
        """What a competitor was sent in a cycle, and what came back, to the letter; long."""
        competes(watch, llm_id)

        async def tell() -> BaseModel:
            found = await turns.turn(watch.view, await _cycle(watch, number), llm_id)
            if found is None:
                raise HTTPException(404, f"{llm_id} has no part in cycle {number}")
            return found

        return await _told(watch, f"cycle {number} {llm_id}", known, tell)

    @router.get("/cycles/{number}/fairness", response_model=turns.CycleFairness, responses=_MISSING)
    async def cycle_fairness(number: Number, known: Known = None) -> Response:
        """How a cycle treated all: prompt, settings, times, and what was unequal."""

        async def tell() -> BaseModel:
            return turns.cycle_fairness(watch.view, await _cycle(watch, number))

        return await _told(watch, f"cycle {number} fairness", known, tell)


def _add_pages(router: APIRouter, watch: Watch) -> None:
    async def page(feed: Feed, before: int | None, limit: int, llm_id: str | None) -> tuple[list[Row], dict[str, int | None]]:
        view = watch.view
        wanted = None if llm_id is None else (lambda row: row["llm_id"] == llm_id)
        found = await feed.page(view.store, view.season_id, before, limit, wanted)
        return list(found.rows), {"before": found.before, "total": len(feed)}

    async def told(
        name: str, before: int | None, limit: int, llm_id: str | None, known: str | None, tell: Callable[[], Awaitable[BaseModel]]
    ) -> Response:
        if llm_id is not None:
            competes(watch, llm_id)
        return await _told(watch, f"{name} {before} {limit} {llm_id}", known, tell)

    @router.get("/decisions", response_model=answers.Decisions, responses=_MISSING)
    async def decisions(before: Before = None, limit: Limit = 50, llm_id: Who = None, known: Known = None) -> Response:
        """What was decided, symbol by symbol, and what came of it; newest first."""

        async def tell() -> BaseModel:
            rows, rest = await page(watch.view.decisions, before, limit, llm_id)
            return answers.Decisions.model_validate({"decisions": rows, **rest})

        return await told("decisions", before, limit, llm_id, known, tell)

    @router.get("/trades", response_model=answers.Trades, responses=_MISSING)
    async def trades(before: Before = None, limit: Limit = 50, llm_id: Who = None, known: Known = None) -> Response:
        """The positions that were closed, newest first."""

        async def tell() -> BaseModel:
            rows, rest = await page(watch.view.trades, before, limit, llm_id)
            return answers.Trades.model_validate({"trades": [telling.trade(row) for row in rows], **rest})

        return await told("trades", before, limit, llm_id, known, tell)

    @router.get("/alerts", response_model=answers.Alerts, responses=_MISSING)
    async def alerts(before: Before = None, limit: Limit = 50, llm_id: Who = None, known: Known = None) -> Response:
        """What the owner was told, newest first."""

        async def tell() -> BaseModel:
            rows, rest = await page(watch.view.alerts, before, limit, llm_id)
            return answers.Alerts.model_validate({"alerts": rows, **rest})

        return await told("alerts", before, limit, llm_id, known, tell)


def _add_events(router: APIRouter, watch: Watch) -> None:
    @router.get("/events", response_class=EventSourceResponse)
    async def events() -> AsyncIterator[ServerSentEvent]:
        """A message whenever a cycle is booked or the status changes; ask for the rest then."""
        version: int | None = watch.version
        while version is not None:
            yield ServerSentEvent(event="changed", data={"version": version}, id=str(version))
            version = await watch.changed(version)


def _rendered(watch: Watch, key: str, known: str | None, tell: Callable[[], BaseModel | list[Any]]) -> Response:
    """Return an answer, rendered once as long as nothing changes."""
    kept = watch.answers.get(key)
    if kept is None:
        kept = _body(tell())
        watch.keep(key, kept)
    return Kept(kept, known, JSON)


async def _told(watch: Watch, key: str, known: str | None, tell: Callable[[], Awaitable[BaseModel]]) -> Response:
    """Return an answer for which the store may be asked, rendered once as long as nothing changes."""
    version, kept = watch.version, watch.answers.get(key)
    if kept is None:
        kept = _body(await tell())
        if watch.version == version:
            watch.keep(key, kept)
    return Kept(kept, known, JSON)


def _body(answer: BaseModel | list[Any]) -> Rendered:
    return rendered(TypeAdapter(type(answer) if isinstance(answer, BaseModel) else list[Any]).dump_json(answer))


async def _cycle(watch: Watch, number: int) -> CycleRows:
    view = watch.view
    found = await view.cycles.read(view.store, view.season_id, number)
    if found is None:
        raise HTTPException(404, f"cycle {number} is not booked; the last one is {_last(watch)}")
    return found


def _last(watch: Watch) -> str:
    last = watch.view.cycles.last
    return "none" if last is None else str(last["number"])
