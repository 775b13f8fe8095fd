"""What may be asked: a parameter that nobody knows is refused, since whoever misspells one would take the answer for another."""

from __future__ import annotations

import json
import re
from typing import Annotated

from fastapi import Header, HTTPException, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import AwareDatetime, BeforeValidator

from arena.dashboard.cycle_index import CycleRows
from arena.dashboard.watch import Watch

_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def _dated(text: object) -> object:
    """Let through what begins with a date: a bare number would be taken for seconds since 1970."""
    if isinstance(text, str) and not _DATE.match(text):
        raise ValueError("Input should be a time such as 2025-01-31T12:00:00Z")
    return text


LlmId = Annotated[str, Path(description="The competitor's name in the settings.", examples=["LLM-A"])]
Number = Annotated[int, Path(ge=1, description="The cycle's number, 1 is the first.", examples=[1])]
Symbol = Annotated[str, Path(description="As the venue names it; `/status` names those of the season.", examples=["BTCUSDT"])]
Known = Annotated[str | None, Header(alias="If-None-Match", description="The ETag of the answer that is known already.")]
Moment = Annotated[
    AwareDatetime | None,
    BeforeValidator(_dated),
    Query(description="ISO 8601 with a zone, by the venue's clock.", examples=["2025-01-01T00:30:00Z"]),
]


async def refuse_unknown(request: Request) -> None:
    """Refuse parameters of a query that the endpoint does not have.

    Raises:
        RequestValidationError: There is one.
    """
    route: APIRoute = request.scope["route"]
    known = [each.alias for each in route.dependant.query_params]
    said = f"there is no such parameter; there are {', '.join(known)}" if known else "there are no parameters here"
    unknown = [{"loc": ("query", name), "msg": said} for name in request.query_params if name not in known]
    if unknown:
        raise RequestValidationError(unknown)


def competes(watch: Watch, llm_id: str) -> None:
    """Refuse the name of a competitor that there is not.

    Raises:
        HTTPException: 404.
    """
    names = [row["llm_id"] for row in watch.view.competitors]
    if llm_id not in names:
        raise HTTPException(404, f"there is no competitor {llm_id}; there are {', '.join(names)}")


async def booked(watch: Watch, number: int) -> CycleRows:
    """Return a booked cycle's rows.

    Raises:
        HTTPException: 404, there is no such cycle.
    """
    view = watch.view
    found = await view.cycles.read(view.store, view.season_id, number)
    if found is None:
        last = "none" if view.cycles.last is None else view.cycles.last["number"]
        raise HTTPException(404, f"cycle {number} is not booked; the last one is {last}")
    return found


def traded(watch: Watch, symbol: str) -> None:
    """Refuse a symbol that the season does not trade.

    Raises:
        HTTPException: 404.
    """
    symbols = json.loads(watch.view.season["symbols"])
    if symbol not in symbols:
        raise HTTPException(404, f"{symbol} is not traded in this season; there are {', '.join(symbols)}")
