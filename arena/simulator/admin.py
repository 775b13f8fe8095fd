"""The simulator's own controls: look at it, move its clock, open accounts, make it misbehave. For this machine only."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel, Field

from arena.adapters.paper.account import PaperAccount
from arena.adapters.paper.refusal import Refused
from arena.domain.money import plain
from arena.domain.order import PositionSide
from arena.simulator.conditions import Conditions
from arena.simulator.faults import FaultPlan, Faults
from arena.simulator.journal import journal
from arena.simulator.venue import Venue


class ClockMove(BaseModel):
    """How far to move the clock: one of the two."""

    advance_seconds: Annotated[float, Field(ge=0)] | None = None
    to: datetime | None = None


class NewAccount(BaseModel):
    """An account to open, or a key to change the secret of."""

    key: str = Field(pattern=r"^[A-Za-z0-9_-]{1,128}$")
    secret: str = Field(min_length=1)
    balance: Annotated[Decimal, Field(gt=0)]
    withdrawals: bool = False


class Jump(BaseModel):
    """A gap to open at a symbol's next bar."""

    symbol: str
    percent: Annotated[Decimal, Field(gt=-100)]


class Deleveraging(BaseModel):
    """What the venue is to close of an account against its will; `quantity` in base asset."""

    key: str
    symbol: str
    side: PositionSide
    quantity: Annotated[Decimal, Field(gt=0)]


def admin_router(venue: Venue) -> APIRouter:
    """Return the routes under /simulator."""
    router = APIRouter(prefix="/simulator", dependencies=[Depends(_loopback_only)])

    @router.get("/state")
    async def state() -> dict[str, Any]:
        venue.catch_up()
        return _state(venue)

    @router.post("/clock")
    async def clock(move: ClockMove) -> dict[str, Any]:
        _move(venue, move)
        venue.catch_up()
        return _state(venue)

    @router.post("/accounts")
    async def accounts(new: NewAccount) -> dict[str, str]:
        venue.catch_up()
        account = venue.open_account(new.key, new.secret, new.balance, withdrawals=new.withdrawals)
        return {"account": account.name, "wallet_balance": plain(account.wallet_balance)}

    _add_misbehaviour(router, venue)
    return router


def _add_misbehaviour(router: APIRouter, venue: Venue) -> None:
    """Add what makes a bad day, and what tells afterwards how bad it was."""

    @router.get("/faults")
    async def faults() -> dict[str, Any]:
        return venue.faults.to_json()

    @router.post("/faults")
    async def replace_faults(plan: FaultPlan) -> dict[str, Any]:
        venue.faults = Faults(plan)
        return venue.faults.to_json()

    @router.delete("/faults")
    async def clear_faults() -> dict[str, Any]:
        venue.faults, venue.conditions = Faults(), Conditions()
        return venue.faults.to_json()

    @router.delete("/limits")
    async def clear_limits() -> dict[str, Any]:
        venue.limits.reset()
        return {}

    @router.post("/jump")
    async def jump(wanted: Jump) -> dict[str, str]:
        venue.catch_up()
        try:
            opens = venue.jump(wanted.symbol, wanted.percent)
        except ValueError as error:
            raise HTTPException(400, str(error)) from error
        return {"symbol": wanted.symbol, "percent": plain(wanted.percent), "from": opens.isoformat()}

    @router.post("/adl")
    async def adl(wanted: Deleveraging) -> dict[str, str]:
        venue.catch_up()
        return _deleverage(venue, wanted)

    @router.get("/journal")
    async def all_accounts() -> dict[str, Any]:
        venue.catch_up()
        return journal(venue)


async def _loopback_only(request: Request) -> None:
    if request.client is None or not ipaddress.ip_address(request.client.host).is_loopback:
        raise HTTPException(403, "the simulator's controls answer on loopback only")


def _move(venue: Venue, move: ClockMove) -> None:
    """Move the clock forward.

    Raises:
        HTTPException: 422 without exactly one of the two, 400 for a time in the past or beyond the calendar.
    """
    if (move.advance_seconds is None) == (move.to is None):
        raise HTTPException(422, "send either advance_seconds or to")
    try:
        if move.to is None:
            venue.move_clock(venue.clock.now() + timedelta(seconds=move.advance_seconds or 0))
        else:
            venue.move_clock(move.to.astimezone(UTC) if move.to.tzinfo else move.to.replace(tzinfo=UTC))
    except (ValueError, OverflowError) as error:
        raise HTTPException(400, str(error)) from error


def _deleverage(venue: Venue, wanted: Deleveraging) -> dict[str, str]:
    """Close a part of a bucket.

    Raises:
        HTTPException: 400 where nobody has the key, or the bucket holds less.
    """
    if wanted.key not in venue.keys:
        raise HTTPException(400, f"no account has the key {wanted.key}")
    account = venue.engine.account(venue.keys[wanted.key].account)
    try:
        paper = venue.deleverage(account, wanted.symbol, wanted.side, wanted.quantity)
    except Refused as refusal:
        raise HTTPException(400, refusal.message) from refusal
    return {"order_id": str(paper.order_id), "price": plain(paper.average_price), "quantity": plain(paper.filled_quantity)}


def _state(venue: Venue) -> dict[str, Any]:
    return {
        "now": venue.engine.now.isoformat(),
        "market": venue.archive.label,
        "data_start": venue.archive.start.isoformat(),
        "data_end": venue.archive.end.isoformat(),
        "symbols": list(venue.archive.symbols),
        "accounts": {name: _account(venue, account) for name, account in venue.engine.accounts.items()},
        "requests": {name: {"count": calls.count, "weight": calls.weight} for name, calls in venue.limits.calls.items()},
    }


def _account(venue: Venue, account: PaperAccount) -> dict[str, Any]:
    """Return an account with exact numbers; signed quantities by symbol and side, flat ones left out."""
    positions: dict[str, dict[str, str]] = {}
    for (symbol, side), bucket in account.buckets.items():
        positions.setdefault(symbol, {})[PositionSide(side)] = plain(bucket.signed_quantity)
    return {
        "wallet_balance": plain(account.wallet_balance),
        "equity": plain(account.equity(venue.engine.marks())),
        "positions": positions,
        "open_orders": len(account.resting),
        "trades": len(account.trades),
    }
