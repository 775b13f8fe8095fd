"""All endpoints as one router: gate, engine, answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from arena.adapters.paper.refusal import Refused
from arena.simulator.binance import account, algo, history, klines, market, orders, settings
from arena.simulator.binance.call import Call, Endpoint
from arena.simulator.binance.gate import authenticate, read_parameters
from arena.simulator.binance.refusals import WireError, refused
from arena.simulator.venue import Venue

ENDPOINTS = tuple(
    endpoint for subject in (market, klines, account, settings, history, orders, algo) for endpoint in subject.ENDPOINTS
)
WEIGHT_HEADER = "X-MBX-USED-WEIGHT-1M"


def binance_router(venue: Venue) -> APIRouter:
    """Return the routes; a request is served in one piece, so that no two of them ever meet in the engine."""
    router = APIRouter(include_in_schema=False)
    for endpoint in ENDPOINTS:
        router.add_api_route(endpoint.path, _serving(venue, endpoint), methods=[endpoint.method], response_model=None)
    return router


def _serving(venue: Venue, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        body = (await request.body()).decode("latin-1")
        return _answer(venue, endpoint, request, body)

    return serve


def _answer(venue: Venue, endpoint: Endpoint, request: Request, body: str) -> Response:
    """Serve a request. Nothing in here waits: the event loop is the lock."""
    query, weight = request.url.query, 1
    try:
        venue.catch_up()
        parameters = read_parameters(query, body)
        weight = endpoint.weighs(parameters)
        signer = authenticate(venue, request.headers, query, body, parameters) if endpoint.signed else None
        response: Response = JSONResponse(endpoint.handle(Call(venue=venue, parameters=parameters, signer=signer)))
    except WireError as error:
        response = _fault(error)
    except Refused as refusal:
        response = _fault(refused(refusal))
    response.headers[WEIGHT_HEADER] = str(venue.weight.add(weight))
    return response


def _fault(error: WireError) -> Response:
    return JSONResponse({"code": error.code, "msg": error.message}, status_code=error.status)
