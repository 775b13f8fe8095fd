"""The headings and labels of the prompt, in one place: what renders them and what reads them cannot drift apart.

A section starts with `# heading`, a part of it with `## heading`; below them stand `label: value` lines. A series lists its
values oldest to newest, separated by `SEPARATOR`.
"""

from __future__ import annotations

SECTION = "# "
PART = "## "
SEPARATOR = ", "
MISSING = "n/a"  # a value that is not known; never zero
NO_DATA = "no data"  # the label that stands alone where a whole symbol is not known
NONE = "none"

# sections
LIMITS = "# Limits"
CONTRACTS = "# Contracts"
MARKET = "# Market"
SPREADS = "# Spreads"
ACCOUNT = "# Your account"
POSITIONS = "# Your open positions"
ACTIONS = "# Your possible actions"
PAST = "# Your last decisions"
CLOSED = "# Closed since your last decision, not by it"

# limits
MAX_LEVERAGE = "max_leverage"
MAX_OPEN_POSITIONS = "max_open_positions"
MAX_MARGIN_USAGE = "max_margin_usage"

# contracts: a line a pair, `label value` separated by `SEPARATOR`
TICK = "tick"
STEP = "step"
MIN_QUANTITY = "min_quantity"
MIN_NOTIONAL = "min_notional"
VENUE_MAX_LEVERAGE = "venue_max_leverage"

# market
AS_OF = "as_of"
INTERVAL = "interval"
SERIES_FIRST = "series_first"
SERIES_LAST = "series_last"
LAST = "last"
MARK = "mark"
FUNDING_RATE = "funding_rate"
NEXT_FUNDING = "next_funding_time"
DEFAULT_STOP = "default_stop_distance"

# series that a playbook may show of each pair, with how many of the newest values at most
CLOSE = "close"
MOST_VALUES = 10
SERIES = (
    CLOSE,
    "volume",
    "ema20",
    "ema50",
    "macd",
    "macd_signal",
    "macd_histogram",
    "rsi7",
    "rsi14",
    "atr14",
    "adx14",
    "bollinger_upper",
    "bollinger_middle",
    "bollinger_lower",
)

# single figures that a playbook may show of each pair
VOLUME_AVERAGE = "volume_average20"
OBV_SLOPE = "obv_slope20"
LONG_WINDOW = (
    "hourly_ema20",
    "hourly_rsi14",
    "change_1h_percent",
    "change_4h_percent",
    "change_24h_percent",
    "high_24h",
    "low_24h",
)
OWN = (
    "zscore20",
    "zscore100",
    "half_life",
    "volume_ratio",
    "high_4h",
    "low_4h",
    "trend_fit",
    "trend_slope_percent",
    "volatility_percent",
    "range_percent",
    "spread_percent",
    "return_autocorrelation",
)
AGAINST_OTHERS = ("basket_beta", "basket_zscore", "basket_half_life", "momentum_rank")
FIGURES = (VOLUME_AVERAGE, OBV_SLOPE, *LONG_WINDOW, *OWN, *AGAINST_OTHERS)

# spreads: a line two pairs, `label value` separated by `SEPARATOR`
HEDGE_RATIO = "hedge_ratio"
ZSCORE = "zscore"
HALF_LIFE = "half_life"
CORRELATION = "correlation"

# account
TIME = "time"
CAPITAL = "starting_capital"
EQUITY = "equity"
ROI = "roi_percent"
WALLET = "wallet_balance"
REALIZED = "realized_pnl"
FEES = "fees_paid"
FUNDING_PAID = "funding_paid"
USED_MARGIN = "used_margin"
FREE_MARGIN = "free_margin"
LARGEST_MARGIN = "largest_margin"
LARGEST_SIZE = "largest_size_percent"
OPEN_POSITIONS = "open_positions"

# positions
QUANTITY = "quantity"
ENTRY = "entry"
UNREALIZED = "unrealized_pnl"
INVENTORY = "inventory_percent"
LEVERAGE = "leverage"
STOP = "stop"
TARGET = "target"
LIQUIDATION = "liquidation_price"
OPENED_AT = "opened_at"
REASON = "reason"
INVALIDATION = "invalidation"
CONFIDENCE = "confidence"
