"""An account's settings: position mode, leverage and margin type; and the brackets and fees that they meet."""

from __future__ import annotations

from typing import Any

from arena.adapters.paper.refusal import Refusal, Refused
from arena.domain.instrument import Instrument
from arena.domain.money import ZERO, plain
from arena.simulator.binance.call import Call, Endpoint, signed
from arena.simulator.binance.refusals import MARGIN, WireError, invalid
from arena.simulator.binance.wire import to_ms

DONE = {"code": 200, "msg": "success"}


def leverage_brackets(call: Call) -> Any:
    """GET /leverageBracket; its numbers are JSON numbers."""
    return [
        {
            "symbol": instrument.symbol,
            "brackets": [
                {
                    "bracket": number,
                    "initialLeverage": tier.max_leverage,
                    "notionalCap": int(tier.notional_cap),
                    "notionalFloor": int(tier.notional_floor),
                    "maintMarginRatio": float(tier.maintenance_rate),
                    "cum": float(tier.maintenance_amount),
                }
                for number, tier in enumerate(instrument.tiers, 1)
            ],
        }
        for instrument in call.instruments()
    ]


def commission_rate(call: Call) -> Any:
    """GET /commissionRate."""
    instrument = call.instrument()
    return {
        "symbol": instrument.symbol,
        "makerCommissionRate": plain(instrument.maker_fee_rate),
        "takerCommissionRate": plain(instrument.taker_fee_rate),
        "rpiCommissionRate": "0",
    }


def position_mode(call: Call) -> Any:
    """GET /positionSide/dual."""
    return {"dualSidePosition": call.account.dual_side}


def change_position_mode(call: Call) -> Any:
    """POST /positionSide/dual."""
    dual = call.parameters.flag("dualSidePosition")
    if dual == call.account.dual_side:
        raise WireError(-4059, "No need to change position side.")
    try:
        call.venue.engine.set_dual_side(call.account, dual)
    except Refused:
        if call.account.resting:
            raise WireError(-4067, "Position side cannot be changed if there exists open orders.") from None
        raise WireError(-4068, "Position side cannot be changed if there exists position.") from None
    return DONE


def account_config(call: Call) -> Any:
    """GET /accountConfig."""
    account = call.account
    return {
        "feeTier": 0,
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": True,
        "feeBurn": account.name in call.venue.fee_burn,
        "dualSidePosition": account.dual_side,
        "updateTime": 0,
        "multiAssetsMargin": account.name in call.venue.multi_assets,
        "tradeGroupId": -1,
    }


def change_fee_burn(call: Call) -> Any:
    """POST /feeBurn: whether fees are paid in BNB."""
    return _switch(call, "feeBurn", call.venue.fee_burn)


def change_multi_assets(call: Call) -> Any:
    """POST /multiAssetsMargin."""
    wanted = call.parameters.flag("multiAssetsMargin")
    if wanted == (call.account.name in call.venue.multi_assets):
        raise WireError(-4171, "No need to change multi-assets mode.")
    if call.account.buckets or call.account.resting:
        raise WireError(-4168, "Unable to adjust multi-assets mode while there are positions or open orders.")
    return _switch(call, "multiAssetsMargin", call.venue.multi_assets)


def _switch(call: Call, name: str, on: set[str]) -> Any:
    (on.add if call.parameters.flag(name) else on.discard)(call.account.name)
    return DONE


def change_margin_type(call: Call) -> Any:
    """POST /marginType: the simulator's accounts have cross margin and nothing else."""
    call.instrument()
    wanted = call.parameters.text("marginType")
    if wanted == "CROSSED":
        raise WireError(-4046, "No need to change margin type.")
    if wanted == "ISOLATED":
        raise WireError(-4168, "Unable to adjust to isolated-margin mode: the simulator has cross margin only.")
    raise invalid("marginType")


def change_leverage(call: Call) -> Any:
    """POST /leverage."""
    instrument, leverage = call.instrument(), call.parameters.integer("leverage")
    try:
        call.venue.engine.set_leverage(call.account, instrument.symbol, leverage)
    except Refused as refusal:
        if refusal.reason is Refusal.MARGIN:
            raise WireError(*MARGIN) from refusal
        raise WireError(-4028, f"Leverage {leverage} is not valid") from refusal
    return {"leverage": leverage, "maxNotionalValue": largest_notional(instrument, leverage), "symbol": instrument.symbol}


def symbol_config(call: Call) -> Any:
    """GET /symbolConfig."""
    return [
        {
            "symbol": instrument.symbol,
            "marginType": "CROSSED",
            "isAutoAddMargin": False,
            "leverage": (leverage := call.account.leverage_of(instrument.symbol)),
            "maxNotionalValue": largest_notional(instrument, leverage),
        }
        for instrument in call.instruments()
    ]


def api_restrictions(call: Call) -> Any:
    """GET /sapi/v1/account/apiRestrictions: what the key itself may do."""
    key = call.signer
    assert key is not None  # the gate gives every signed endpoint one
    return {
        "ipRestrict": False,
        "createTime": to_ms(key.created_at),
        "enableReading": True,
        "enableWithdrawals": key.withdrawals,
        "enableInternalTransfer": False,
        "enableMargin": False,
        "enableFutures": True,
        "permitsUniversalTransfer": False,
        "enableVanillaOptions": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": False,
        "enableSpotAndMarginTrading": False,
        "enablePortfolioMarginTrading": False,
    }


def largest_notional(instrument: Instrument, leverage: int) -> str:
    """Return the largest position at a leverage, USDT, as text."""
    caps = [tier.notional_cap for tier in instrument.tiers if tier.max_leverage >= leverage]
    return plain(max(caps, default=ZERO))


ENDPOINTS: tuple[Endpoint, ...] = (
    signed("GET", "/fapi/v1/leverageBracket", leverage_brackets),
    signed("GET", "/fapi/v1/commissionRate", commission_rate, 20),
    signed("GET", "/fapi/v1/positionSide/dual", position_mode, 30),
    signed("POST", "/fapi/v1/positionSide/dual", change_position_mode),
    signed("GET", "/fapi/v1/accountConfig", account_config, 5),
    signed("POST", "/fapi/v1/feeBurn", change_fee_burn),
    signed("POST", "/fapi/v1/multiAssetsMargin", change_multi_assets),
    signed("POST", "/fapi/v1/marginType", change_margin_type),
    signed("POST", "/fapi/v1/leverage", change_leverage),
    signed("GET", "/fapi/v1/symbolConfig", symbol_config, 5),
    signed("GET", "/sapi/v1/account/apiRestrictions", api_restrictions),  # a wallet's; Binance serves it from the spot host
)
