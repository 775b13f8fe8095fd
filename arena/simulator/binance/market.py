"""What anybody may read: time, contracts, prices and fundings."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from arena.domain.instrument import Instrument
from arena.domain.market import FundingRate
from arena.simulator.binance.call import Call, Endpoint, public
from arena.simulator.binance.wire import Parameters, amount, at, decimals, to_ms
from arena.simulator.limits import ORDERS_A_MINUTE, ORDERS_IN_TEN_SECONDS, WEIGHT_A_MINUTE

ORDER_TYPES = ("LIMIT", "MARKET", "STOP_MARKET", "TAKE_PROFIT_MARKET")  # those that the simulator trades
TIMES_IN_FORCE = ("GTC", "IOC", "FOK", "GTX", "GTD")
RATE_LIMITS = (  # type, interval, number of them, limit
    ("REQUEST_WEIGHT", "MINUTE", 1, WEIGHT_A_MINUTE),
    ("ORDERS", "MINUTE", 1, ORDERS_A_MINUTE),
    ("ORDERS", "SECOND", 10, ORDERS_IN_TEN_SECONDS),
)
PERPETUAL = 4_133_404_800_000  # the delivery date that Binance gives to contracts without one
FUNDING_INTERVAL = timedelta(hours=8)  # where the data does not say otherwise
FUNDING_MEMORY = timedelta(days=2)


def ping(call: Call) -> Any:
    """Answer nothing."""
    return {}


def server_time(call: Call) -> Any:
    """GET /time, at the spot host."""
    return {"serverTime": to_ms(call.venue.engine.now)}


def futures_time(call: Call) -> Any:
    """GET /time: who asks has a clock that is right again."""
    call.venue.conditions.clocks_off.discard(call.key)
    return server_time(call)


def exchange_info(call: Call) -> Any:
    """GET /exchangeInfo; as at Binance, a symbol in the query is ignored. `simulator` is ours."""
    return {
        "timezone": "UTC",
        "serverTime": to_ms(call.venue.engine.now),
        "futuresType": "U_MARGINED",
        "rateLimits": [
            {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}
            for kind, interval, number, limit in RATE_LIMITS
        ],
        "exchangeFilters": [],
        "assets": [{"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "-10000"}],
        "symbols": [symbol_info(instrument) for instrument in call.venue.archive.instruments.values()],
        "simulator": {"market": call.venue.archive.label},
    }


def symbol_info(instrument: Instrument) -> dict[str, Any]:
    """Return a contract as exchangeInfo lists it; as at Binance, pricePrecision is not the tick."""
    base = instrument.symbol.removesuffix("USDT")
    return {
        "symbol": instrument.symbol,
        "pair": instrument.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": PERPETUAL,
        "onboardDate": 0,
        "status": "TRADING" if instrument.trading else "SETTLING",
        "baseAsset": base,
        "quoteAsset": "USDT",
        "marginAsset": "USDT",
        "pricePrecision": decimals(instrument.tick_size) + 1,
        "quantityPrecision": decimals(instrument.step_size),
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "triggerProtect": "0.0500",
        "liquidationFee": "0.000000",  # the engine charges the taker fee and nothing else
        "marketTakeBound": str(instrument.price_band),
        "filters": _filters(instrument),
        "orderTypes": list(ORDER_TYPES),
        "timeInForce": list(TIMES_IN_FORCE),
    }


def _filters(instrument: Instrument) -> list[dict[str, Any]]:
    tick, step = instrument.tick_size, instrument.step_size
    lot = {"minQty": at(instrument.min_quantity, step), "stepSize": at(step, step)}
    return [
        {"filterType": "PRICE_FILTER", "minPrice": at(tick, tick), "maxPrice": "1000000", "tickSize": at(tick, tick)},
        {"filterType": "LOT_SIZE", **lot, "maxQty": at(instrument.max_quantity, step)},
        {"filterType": "MARKET_LOT_SIZE", **lot, "maxQty": at(instrument.max_market_quantity, step)},
        {"filterType": "MAX_NUM_ORDERS", "limit": 200},
        {"filterType": "MIN_NOTIONAL", "notional": str(instrument.min_notional)},
        {
            "filterType": "PERCENT_PRICE",
            "multiplierUp": f"{1 + instrument.price_band:.4f}",
            "multiplierDown": f"{1 - instrument.price_band:.4f}",
            "multiplierDecimal": "4",
        },
    ]


def ticker_price(call: Call) -> Any:
    """GET /ticker/price."""
    engine = call.venue.engine
    return call.one_or_all(
        lambda instrument: {
            "symbol": instrument.symbol,
            "price": at(engine.last_price(instrument.symbol), instrument.tick_size),
            "time": to_ms(engine.now),
        }
    )


def premium_index(call: Call) -> Any:
    """GET /premiumIndex. The rate is the last one that took place: the next one is not known yet."""
    return call.one_or_all(lambda instrument: _premium(call, instrument))


def _premium(call: Call, instrument: Instrument) -> dict[str, Any]:
    engine, archive = call.venue.engine, call.venue.archive
    symbol, now = instrument.symbol, engine.now
    past = [rate for rate in archive.fundings(now - FUNDING_MEMORY, now) if rate.symbol == symbol]
    following = archive.next_funding_time(symbol, now)
    mark = at(engine.mark_price(symbol), instrument.tick_size)
    return {
        "symbol": symbol,
        "markPrice": mark,
        "indexPrice": mark,
        "estimatedSettlePrice": mark,
        "lastFundingRate": amount(past[-1].rate) if past else "",
        "interestRate": "0.00010000",
        "nextFundingTime": to_ms(following) if following else 0,
        "time": to_ms(now),
    }


def funding_rates(call: Call) -> Any:
    """GET /fundingRate: with a start the oldest of the window, without one the newest."""
    now, parameters = call.venue.engine.now, call.parameters
    symbols = {instrument.symbol for instrument in call.instruments()}
    start = parameters.moment("startTime")
    end = min(parameters.moment("endTime") or now, now)
    after = (start or call.venue.archive.start) - timedelta(milliseconds=1)
    limit = parameters.limit(100, 1000)
    rates = [rate for rate in call.venue.archive.fundings(after, end) if rate.symbol in symbols] if after < end else []
    return [_funding(call, rate) for rate in (rates[:limit] if start else rates[-limit:])]


def _funding(call: Call, rate: FundingRate) -> dict[str, Any]:
    tick = call.venue.archive.instruments[rate.symbol].tick_size
    return {
        "symbol": rate.symbol,
        "fundingTime": to_ms(rate.time),
        "fundingRate": amount(rate.rate),
        "markPrice": at(rate.mark_price, tick),
        "rateType": "Regular",
    }


def funding_info(call: Call) -> Any:
    """GET /fundingInfo: the pause between the last two fundings of each symbol."""
    archive, now = call.venue.archive, call.venue.engine.now
    times: dict[str, list[Any]] = {symbol: [] for symbol in archive.symbols}
    for rate in archive.fundings(now - FUNDING_MEMORY, now):
        times[rate.symbol].append(rate.time)
    return [
        {
            "symbol": symbol,
            "adjustedFundingRateCap": "0.02000000",
            "adjustedFundingRateFloor": "-0.02000000",
            "fundingIntervalHours": round((past[-1] - past[-2] if len(past) > 1 else FUNDING_INTERVAL) / timedelta(hours=1)),
            "disclaimer": False,
        }
        for symbol, past in times.items()
    ]


def _premium_weight(parameters: Parameters) -> int:
    return 1 if parameters.has("symbol") else 10


def _ticker_weight(parameters: Parameters) -> int:
    return 1 if parameters.has("symbol") else 2


ENDPOINTS: tuple[Endpoint, ...] = (
    public("/api/v3/ping", ping),
    public("/api/v3/time", server_time),
    public("/fapi/v1/ping", ping),
    public("/fapi/v1/time", futures_time),
    public("/fapi/v1/exchangeInfo", exchange_info),
    public("/fapi/v1/ticker/price", ticker_price, _ticker_weight),
    public("/fapi/v2/ticker/price", ticker_price, _ticker_weight),
    public("/fapi/v1/premiumIndex", premium_index, _premium_weight),
    public("/fapi/v1/fundingRate", funding_rates, 0),
    public("/fapi/v1/fundingInfo", funding_info, 0),
)
