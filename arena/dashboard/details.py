"""The endpoints of one competitor, one cycle and one market; what is long or old is read when it is asked for."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Response
from pydantic import BaseModel

from arena.application.standing import SeasonStatus
from arena.dashboard import answers, markets, telling, turns
from arena.dashboard.asking import Known, LlmId, Number, Symbol, booked, competes, traded
from arena.dashboard.problems import MISSING
from arena.dashboard.rendering import answered, told
from arena.dashboard.watch import Watch


def add_details(router: APIRouter, watch: Watch) -> None:
    """Add the endpoints over a season that is watched."""
    _add_competitor(router, watch)
    _add_cycle(router, watch)
    _add_market(router, watch)


def _add_competitor(router: APIRouter, watch: Watch) -> None:
    @router.get("/competitors/{llm_id}", response_model=answers.Competitor, responses=MISSING)
    async def competitor(llm_id: LlmId, known: Known = None) -> Response:
        """One competitor: what it is, holds, decided and closed."""
        competes(watch, llm_id)
        return await told(watch, f"competitor {llm_id}", known, lambda: telling.competitor(watch.view, llm_id))

    @router.get("/competitors/{llm_id}/calibration", response_model=answers.Calibrated, responses=MISSING)
    async def calibration(llm_id: LlmId, known: Known = None) -> Response:
        """What a competitor's stated confidences have been worth, trade by trade."""
        competes(watch, llm_id)
        return answered(watch, f"calibration {llm_id}", known, lambda: turns.calibration(watch.view, llm_id))


def _add_cycle(router: APIRouter, watch: Watch) -> None:
    @router.get("/cycles/{number}", response_model=answers.CycleStory, responses=MISSING)
    async def cycle(number: Number, known: Known = None) -> Response:
        """One booked cycle, the competitors side by side."""

        async def tell() -> BaseModel:
            return telling.story(watch.view, await booked(watch, number))

        return await told(watch, f"cycle {number}", known, tell)

    @router.get("/cycles/{number}/competitors/{llm_id}", response_model=answers.TurnInFull, responses=MISSING)
    async def turn(number: Number, llm_id: LlmId, known: Known = None) -> Response:
        """What a competitor was sent in a cycle, and what came back, to the letter; long."""
        competes(watch, llm_id)

        async def tell() -> BaseModel:
            found = await turns.turn(watch.view, await booked(watch, number), llm_id)
            if found is None:
                raise HTTPException(404, f"{llm_id} has no part in cycle {number}")
            return found

        return await told(watch, f"cycle {number} {llm_id}", known, tell)

    @router.get("/cycles/{number}/fairness", response_model=answers.CycleFairness, responses=MISSING)
    async def cycle_fairness(number: Number, known: Known = None) -> Response:
        """How a cycle treated all: prompt, settings, times, and what was unequal."""

        async def tell() -> BaseModel:
            return turns.cycle_fairness(watch.view, await booked(watch, number))

        return await told(watch, f"cycle {number} fairness", known, tell)


def _add_market(router: APIRouter, watch: Watch) -> None:
    @router.get("/markets/{symbol}", response_model=answers.Market, responses=MISSING)
    async def market(symbol: Symbol, known: Known = None) -> Response:
        """One symbol: as the models saw it in the newest cycle, the venue's candles, and what everybody did in it."""
        traded(watch, symbol)
        view = watch.view
        ended = watch.standing.status is SeasonStatus.ENDED
        shown = await watch.candles.of(symbol, view.season["market"], view.booked_at, ended)
        key = f"market {symbol} {shown.read_at} {shown.reason}"
        return await told(watch, key, known, lambda: markets.market(view, symbol, shown))
