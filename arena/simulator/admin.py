"""The simulator's own controls: look at it, move its clock, open accounts. Answered to this machine only."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel, Field

from arena.adapters.paper.account import PaperAccount
from arena.domain.money import plain
from arena.domain.order import PositionSide
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
        account = venue.open_account(new.key, new.secret, new.balance)
        return {"account": account.name, "wallet_balance": plain(account.wallet_balance)}

    return router


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
            venue.clock.advance(timedelta(seconds=move.advance_seconds or 0))
        else:
            venue.clock.move_to(move.to.astimezone(UTC) if move.to.tzinfo else move.to.replace(tzinfo=UTC))
    except (ValueError, OverflowError) as error:
        raise HTTPException(400, str(error)) from error


def _state(venue: Venue) -> dict[str, Any]:
    return {
        "now": venue.engine.now.isoformat(),
        "market": venue.archive.label,
        "data_start": venue.archive.start.isoformat(),
        "data_end": venue.archive.end.isoformat(),
        "symbols": list(venue.archive.symbols),
        "accounts": {name: _account(venue, account) for name, account in venue.engine.accounts.items()},
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
