"""Fault rules: which requests to the Binance API go wrong, how, and how often. What then happens is `binance.faulty`."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from arena.domain.order import OrderType, PositionSide
from arena.errors import ConfigurationError

ORDER, ALGO_ORDER = "/fapi/v1/order", "/fapi/v1/algoOrder"


class FaultKind(StrEnum):
    """What can go wrong."""

    LATENCY = "latency"
    TIMEOUT = "timeout"
    DROP = "drop"
    RATE_LIMITED = "rate_limited"
    BANNED = "banned"
    UNKNOWN = "unknown"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"
    OVERLOADED = "overloaded"
    NO_RESPONSE = "no_response"
    CLOCK = "clock"
    MARGIN = "margin"
    PARTIAL = "partial"
    STOP_REJECTED = "stop_rejected"
    INVISIBLE = "invisible"
    RESTART = "restart"
    JUMP = "jump"


_NEEDS = {
    FaultKind.LATENCY: {"seconds"},
    FaultKind.TIMEOUT: {"seconds"},
    FaultKind.RATE_LIMITED: {"retry_after"},
    FaultKind.BANNED: {"retry_after"},
    FaultKind.PARTIAL: {"share"},
    FaultKind.INVISIBLE: {"seconds"},
    FaultKind.RESTART: {"seconds"},
    FaultKind.JUMP: {"percent"},
}
_UNCERTAIN = frozenset({FaultKind.TIMEOUT, FaultKind.DROP, FaultKind.UNKNOWN, FaultKind.NO_RESPONSE})
_MAY_HAVE = {kind: {"landed", "hidden_seconds"} for kind in _UNCERTAIN} | {FaultKind.STOP_REJECTED: {"code"}}
_ANY_KIND = frozenset({"kind", "probability", "times", "method", "path", "symbol", "type", "key"})
Seconds = Annotated[float, Field(ge=0, le=86_400)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a rule sees of a request: `values` are its parameters, `key` its API key, empty without one."""

    method: str
    path: str
    signed: bool
    key: str
    values: Mapping[str, str]

    @property
    def opening(self) -> bool:
        """Whether an order would enlarge its bucket."""
        side, bucket = self.values.get("side"), self.values.get("positionSide")
        return bucket in set(PositionSide) and PositionSide(str(bucket)).opening_side == side


class FaultRule(BaseModel):
    """One way of going wrong; a request must pass every filter that is given.

    Attributes:
        probability: That a request which passes the filters is struck.
        times: How often at most; None for no end.
        method, path, symbol, type, key: Filters; a path also stands for all that begin with it, the type is an order's.
        seconds: Of the wall where the request hangs (latency, timeout), else of the venue's clock.
        landed: Whether the request is executed though nobody is told.
        hidden_seconds: How long an order that landed in that way is invisible, by the venue's clock.
        retry_after: Seconds that the answer asks to wait; a ban lasts that long by the venue's clock.
        share: Of a market order's quantity that trades; of a post-only limit's that the first bar to reach it trades.
        code: Binance's, of the refusal of a conditional order.
        percent: By which the symbol's price jumps at its next bar.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: FaultKind
    probability: float = Field(default=1.0, ge=0, le=1)
    times: Annotated[int, Field(ge=1)] | None = None
    method: Literal["GET", "POST", "DELETE"] | None = None
    path: Annotated[str, Field(pattern="^/")] | None = None
    symbol: str | None = None
    type: OrderType | None = None
    key: str | None = None
    seconds: Seconds | None = None
    landed: bool = False
    hidden_seconds: Seconds = 0
    retry_after: Annotated[int, Field(ge=1)] | None = None
    share: Annotated[Decimal, Field(ge=0, le=1)] | None = None
    code: int = -2021
    percent: Annotated[Decimal, Field(gt=-100)] | None = None

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> FaultRule:
        sent, needed = self.model_fields_set - _ANY_KIND, _NEEDS.get(self.kind, set())
        if missing := needed - sent:
            raise ValueError(f"a rule of kind {self.kind} needs {', '.join(sorted(missing))}")
        if surplus := sent - needed - _MAY_HAVE.get(self.kind, set()):
            raise ValueError(f"a rule of kind {self.kind} takes no {', '.join(sorted(surplus))}")
        return self

    @property
    def hides(self) -> timedelta:
        """How long an order that lands by the request is shown to nobody."""
        return timedelta(seconds=(self.seconds or 0) if self.kind is FaultKind.INVISIBLE else self.hidden_seconds)

    def concerns(self, asked: Asked) -> bool:
        """Return whether a request passes the filters and is one that the kind can strike."""
        wanted = (self.method, self.symbol, self.type, self.key)
        found = (asked.method, asked.values.get("symbol"), asked.values.get("type"), asked.key)
        filtered = all(want in (None, have) for want, have in zip(wanted, found, strict=True))
        return filtered and asked.path.startswith(self.path or "/") and _can_strike(self.kind, asked)


def _can_strike(kind: FaultKind, asked: Asked) -> bool:
    """Return whether a kind has a meaning for a request."""
    order, conditional = ((asked.method, asked.path) == ("POST", path) for path in (ORDER, ALGO_ORDER))
    needs = {
        FaultKind.CLOCK: asked.signed,
        FaultKind.MARGIN: order and asked.opening,  # nobody needs margin to close, nor for a stop until it triggers
        FaultKind.PARTIAL: order and (asked.values.get("type") == OrderType.MARKET or asked.values.get("timeInForce") == "GTX"),
        FaultKind.STOP_REJECTED: conditional,
        FaultKind.INVISIBLE: order or conditional,
        FaultKind.JUMP: "symbol" in asked.values,
    }
    return needs.get(kind, True)


class FaultPlan(BaseModel):
    """The rules of a run, in the order in which they are tried, and the seed of all their draws."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = 0
    rules: tuple[FaultRule, ...] = ()


def read_plan(path: Path) -> FaultPlan:
    """Return the plan in a JSON file.

    Raises:
        ConfigurationError: It cannot be read, or is none; the sentence says what to change.
    """
    try:
        return FaultPlan.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"the fault rules {path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ConfigurationError(f"{path} holds no fault rules: {where}: {first['msg']}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """What hits one request: a delay in wall seconds, and at most one fault."""

    delay: float = 0.0
    rule: FaultRule | None = None


@dataclass(slots=True)
class Faults:
    """A plan as far as it has been lived through: the same requests after the same seed meet the same faults.

    Attributes:
        fired: How often each rule of the plan has struck.
    """

    plan: FaultPlan = field(default_factory=FaultPlan)
    fired: list[int] = field(init=False)
    _chance: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.fired = [0] * len(self.plan.rules)
        self._chance = random.Random(self.plan.seed)  # noqa: S311  -- to be repeated, not to be secret

    def strike(self, asked: Asked) -> Strike:
        """Return what hits a request: every latency that is drawn, and the first other rule that is."""
        delay, struck = 0.0, None
        for index, rule in enumerate(self.plan.rules):
            latency = rule.kind is FaultKind.LATENCY
            if (struck is None or latency) and self._drawn(index, rule, asked):
                delay += (rule.seconds or 0.0) if latency else 0.0
                struck = struck if latency else rule
        return Strike(delay=delay, rule=struck)

    def to_json(self) -> dict[str, Any]:
        """Return the plan as it was given, each rule with how often it fired."""
        shown = (rule.model_dump(mode="json", exclude_unset=True) for rule in self.plan.rules)
        return {
            "seed": self.plan.seed,
            "rules": [rule | {"fired": fired} for rule, fired in zip(shown, self.fired, strict=True)],
        }

    def _drawn(self, index: int, rule: FaultRule, asked: Asked) -> bool:
        """Draw for a rule where it concerns the request and is not used up."""
        if (rule.times is not None and self.fired[index] >= rule.times) or not rule.concerns(asked):
            return False
        if self._chance.random() >= rule.probability:
            return False
        self.fired[index] += 1
        return True
