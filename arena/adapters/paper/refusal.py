"""Why the paper venue refuses a request."""

from __future__ import annotations

from enum import StrEnum


class Refusal(StrEnum):
    """The reason of a refusal; the simulator has Binance's error code for each."""

    UNKNOWN_SYMBOL = "unknown_symbol"
    PRECISION = "precision"  # not a multiple of step or tick
    QUANTITY = "quantity"  # below the smallest or above the largest
    PRICE_FILTER = "price_filter"  # a price that is missing or not positive
    PRICE_BAND = "price_band"  # a limit too far beyond the mark
    MIN_NOTIONAL = "min_notional"
    MARGIN = "margin"
    NO_POSITION_TO_CLOSE = "no_position_to_close"
    WOULD_TRIGGER = "would_trigger"
    DUPLICATE_CLIENT_ID = "duplicate_client_id"  # of an order that is still open
    POSITION_SIDE = "position_side"  # the account is not in hedge mode
    NO_LIQUIDITY = "no_liquidity"  # no bar now, a bar without volume, or a contract that is not trading
    NOT_FOUND = "not_found"
    POST_ONLY = "post_only"
    LEVERAGE = "leverage"
    MODE_LOCKED = "mode_locked"


class Refused(Exception):
    """The venue did not do what was asked, and nothing has changed; `message` is one sentence."""

    def __init__(self, reason: Refusal, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
