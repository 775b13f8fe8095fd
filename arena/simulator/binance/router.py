"""All endpoints as one router: limits, faults, gate, engine, answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from arena.adapters.paper.refusal import Refused
from arena.simulator.binance import account, algo, history, klines, market, orders, settings
from arena.simulator.binance.call import Call, Endpoint
from arena.simulator.binance.faulty import begin, in_place_of_the_answer, turned_away
from arena.simulator.binance.gate import KEY_HEADER, Received, authenticate
from arena.simulator.binance.refusals import WireError, refused, too_many_orders
from arena.simulator.binance.wire import Parameters
from arena.simulator.faults import Asked, FaultRule
from arena.simulator.limits import OrderMeters
from arena.simulator.venue import Venue

ENDPOINTS = tuple(
    endpoint for subject in (market, klines, account, settings, history, orders, algo) for endpoint in subject.ENDPOINTS
)
WEIGHT_HEADER, ORDER_HEADERS = "X-MBX-USED-WEIGHT-1M", ("X-MBX-ORDER-COUNT-10S", "X-MBX-ORDER-COUNT-1M")


def binance_router(venue: Venue) -> APIRouter:
    """Return the routes; a request is executed in one piece, so that no two of them ever meet in the engine."""
    router = APIRouter(include_in_schema=False)
    for endpoint in ENDPOINTS:
        router.add_api_route(endpoint.path, _serving(venue, endpoint), methods=[endpoint.method], response_model=None)
    return router


def _serving(venue: Venue, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        body = (await request.body()).decode("latin-1")
        received = Received(query=request.url.query, body=body, key=request.headers.get(KEY_HEADER, ""))
        response = await _served(venue, endpoint, received)
        response.headers[WEIGHT_HEADER] = str(venue.limits.weight.used)
        return response

    return serve


async def _served(venue: Venue, endpoint: Endpoint, received: Received) -> Response:
    """Serve a request, or what a fault makes of it. Nothing in here waits but a latency: the event loop is the lock."""
    values = dict(received.pairs())
    venue.catch_up()
    venue.limits.add(f"{endpoint.method} {endpoint.path}", _weight(endpoint, values), venue.engine.now)
    away = turned_away(venue)
    if away is not None:
        return away
    asked = Asked(method=endpoint.method, path=endpoint.path, signed=endpoint.signed, key=received.key, values=values)
    strike = venue.faults.strike(asked)
    if strike.delay:
        await asyncio.sleep(strike.delay)
        venue.catch_up()
    if strike.rule is not None:
        begin(venue, strike.rule, asked)
    return turned_away(venue) or _struck(venue, endpoint, received, strike.rule)


def _weight(endpoint: Endpoint, values: Mapping[str, str]) -> int:
    try:
        return endpoint.weighs(Parameters(values))
    except WireError:  # it will be refused for that parameter
        return 1


def _struck(venue: Venue, endpoint: Endpoint, received: Received, rule: FaultRule | None) -> Response:
    """Execute a request unless a fault keeps it from landing, and return the fault's answer where it has one."""
    instead = None if rule is None else in_place_of_the_answer(rule)
    if instead is not None and (rule is None or not rule.landed):
        return instead
    response = _answer(venue, endpoint, received, rule)
    return instead or response


def _answer(venue: Venue, endpoint: Endpoint, received: Received, rule: FaultRule | None) -> Response:
    meters: OrderMeters | None = None
    try:
        parameters = received.parameters()
        signer = authenticate(venue, received, parameters) if endpoint.signed else None
        if signer is not None and endpoint.places_order:
            meters = _count_order(venue, signer.account)
        call = Call(venue=venue, parameters=parameters, key=received.key, signer=signer, rule=rule)
        response: Response = JSONResponse(_handled(endpoint, call))
    except WireError as error:
        response = error.answer()
    except Refused as refusal:
        response = refused(refusal).answer()
    for header, meter in zip(ORDER_HEADERS, meters or (), strict=False):
        response.headers[header] = str(meter.used)
    return response


def _handled(endpoint: Endpoint, call: Call) -> Any:
    """Return what an endpoint answers; what may have changed an account is noted, also where it was refused in the end."""
    try:
        return endpoint.handle(call)
    finally:
        if endpoint.method != "GET":
            rule = None if call.rule is None else call.rule.model_dump(mode="json", exclude_defaults=True)
            asked = {"method": endpoint.method, "path": endpoint.path, "parameters": dict(call.parameters.values)}
            call.venue.note("call", call.venue.engine.now, key=call.key, rule=rule, **asked)


def _count_order(venue: Venue, account_name: str) -> OrderMeters:
    """Count an order of an account.

    Raises:
        WireError: -1015.
    """
    meters, now = venue.limits.orders[account_name], venue.engine.now
    meters.add(now)
    for meter in meters:
        if meter.exceeded:
            raise too_many_orders(meter.limit, meter.window, meter.seconds_left(now))
    return meters
