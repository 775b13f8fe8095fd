"""The endpoints: all of them read, none changes anything."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel

from arena.dashboard import answers, telling
from arena.dashboard.asking import Known, Moment, competes, refuse_unknown
from arena.dashboard.curve import FEWEST
from arena.dashboard.details import add_details
from arena.dashboard.feed import Feed, Row
from arena.dashboard.metrics import prometheus_text
from arena.dashboard.problems import MISSING
from arena.dashboard.rendering import answered, told
from arena.dashboard.watch import Watch

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"

Before = Annotated[int | None, Query(ge=1, description="The `before` of the page that came last; the newest where left out.")]
Limit = Annotated[int, Query(ge=1, le=200, description="Rows at most.")]
Who = Annotated[
    str | None, Query(description="One competitor's alone; a page may then be shorter though more follow.", examples=["LLM-A"])
]
_FAULTS = {
    401: "The token is missing or wrong.",
    403: "Without a token, another host's page may not ask.",
    422: "A parameter is wrong, or there is none of that name.",
    503: "The season has not begun, is being read, or the store is away.",
}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": answers.Problem, "description": words} for status, words in _FAULTS.items()
}
_UNJUDGED: dict[int | str, dict[str, Any]] = {
    404: {"model": answers.Problem, "description": "There is no verdict yet: the season has not been judged."}
}
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
    add_details(router, watch)
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
        return answered(watch, "status", known, lambda: telling.status(watch))

    @router.get("/metrics", response_class=Response, responses={200: {"content": {PROMETHEUS: {"example": _METRICS}}}})
    async def metrics() -> Response:
        """The season for Prometheus."""
        return Response(prometheus_text(watch), media_type=PROMETHEUS)


def _add_result(router: APIRouter, watch: Watch) -> None:
    @router.get("/leaderboard", response_model=answers.Board)
    async def leaderboard(known: Known = None) -> Response:
        """Who leads, and whether that means anything."""
        return answered(watch, "leaderboard", known, lambda: telling.board(watch.view, watch.judged, judging=watch.judging))

    @router.get("/verdict", response_model=answers.Verdict, responses=_UNJUDGED)
    async def verdict(known: Known = None) -> Response:
        """The newest judgement of the season: who is better, how sure that is, why, and what is still missing."""
        view, judged = watch.view, watch.judged
        if judged is None:
            raise HTTPException(404, telling.unjudged(view, judging=watch.judging))
        return answered(watch, "verdict", known, lambda: telling.verdict(view, judged))

    @router.get("/llm-accounts", response_model=list[answers.AccountRow])
    async def llm_accounts(known: Known = None) -> Response:
        """Every competitor's wallet."""
        return answered(watch, "accounts", known, lambda: telling.accounts(watch.view))

    @router.get("/positions", response_model=list[answers.Held])
    async def positions(known: Known = None) -> Response:
        """What is held now, at the last mark."""
        return answered(watch, "positions", known, lambda: telling.positions(watch.view))

    @router.get("/costs", response_model=answers.Costs)
    async def costs(known: Known = None) -> Response:
        """Fees, funding, tokens and what the models' calls have cost."""
        return answered(watch, "costs", known, lambda: telling.costs(watch.view))

    @router.get("/fairness", response_model=answers.FairnessFound)
    async def fairness(known: Known = None) -> Response:
        """Whether all were treated alike, cycle by cycle."""
        return answered(watch, "fairness", known, lambda: telling.fairness(watch.view))


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
        return answered(watch, key, known, lambda: telling.equity(watch.view, since, until, points))


def _add_pages(router: APIRouter, watch: Watch) -> None:
    async def page(feed: Feed, before: int | None, limit: int, llm_id: str | None) -> tuple[list[Row], dict[str, int | None]]:
        view = watch.view
        wanted = None if llm_id is None else (lambda row: row["llm_id"] == llm_id)
        found = await feed.page(view.store, view.season_id, before, limit, wanted)
        return list(found.rows), {"before": found.before, "total": len(feed)}

    async def listed(
        name: str, before: int | None, limit: int, llm_id: str | None, known: str | None, tell: Callable[[], Awaitable[BaseModel]]
    ) -> Response:
        if llm_id is not None:
            competes(watch, llm_id)
        return await told(watch, f"{name} {before} {limit} {llm_id}", known, tell)

    @router.get("/decisions", response_model=answers.Decisions, responses=MISSING)
    async def decisions(before: Before = None, limit: Limit = 50, llm_id: Who = None, known: Known = None) -> Response:
        """What was decided, symbol by symbol, and what came of it; newest first."""

        async def tell() -> BaseModel:
            rows, rest = await page(watch.view.decisions, before, limit, llm_id)
            return answers.Decisions.model_validate({"decisions": rows, **rest})

        return await listed("decisions", before, limit, llm_id, known, tell)

    @router.get("/trades", response_model=answers.Trades, responses=MISSING)
    async def trades(before: Before = None, limit: Limit = 50, llm_id: Who = None, known: Known = None) -> Response:
        """The positions that were closed, newest first."""

        async def tell() -> BaseModel:
            rows, rest = await page(watch.view.trades, before, limit, llm_id)
            return answers.Trades.model_validate({"trades": [telling.trade(row) for row in rows], **rest})

        return await listed("trades", before, limit, llm_id, known, tell)

    @router.get("/alerts", response_model=answers.Alerts, responses=MISSING)
    async def alerts(before: Before = None, limit: Limit = 50, llm_id: Who = None, known: Known = None) -> Response:
        """What the owner was told, newest first."""

        async def tell() -> BaseModel:
            rows, rest = await page(watch.view.alerts, before, limit, llm_id)
            return answers.Alerts.model_validate({"alerts": rows, **rest})

        return await listed("alerts", before, limit, llm_id, known, tell)


def _add_events(router: APIRouter, watch: Watch) -> None:
    @router.get("/events", response_class=EventSourceResponse)
    async def events() -> AsyncIterator[ServerSentEvent]:
        """A message whenever a cycle is booked or the status changes; ask for the rest then."""
        version: int | None = watch.version
        while version is not None:
            yield ServerSentEvent(event="changed", data={"version": version}, id=str(version))
            version = await watch.changed(version)
