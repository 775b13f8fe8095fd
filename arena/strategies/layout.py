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
MARKET = "# Market"
ACCOUNT = "# Your account"
POSITIONS = "# Your open positions"
ACTIONS = "# Your possible actions"
PAST = "# Your last decisions"
CLOSED = "# Closed since your last decision, not by it"

# limits
MAX_LEVERAGE = "max_leverage"
MAX_OPEN_POSITIONS = "max_open_positions"
MAX_MARGIN_USAGE = "max_margin_usage"

# market
AS_OF = "as_of"
LAST = "last"
MARK = "mark"
FUNDING_RATE = "funding_rate"
NEXT_FUNDING = "next_funding_time"
TICK = "tick"
STEP = "step"
MIN_QUANTITY = "min_quantity"
MIN_NOTIONAL = "min_notional"
VENUE_MAX_LEVERAGE = "venue_max_leverage"
INTERVAL = "interval"
SERIES_FIRST = "series_first"
SERIES_LAST = "series_last"

# series: how many of the newest values are shown, 1 to 10
CLOSE = "close"
SERIES = {
    CLOSE: 10,
    "volume": 10,
    "ema20": 10,
    "ema50": 3,
    "macd": 3,
    "macd_signal": 3,
    "macd_histogram": 10,
    "rsi7": 10,
    "rsi14": 10,
    "atr14": 3,
    "adx14": 3,
    "bollinger_upper": 3,
    "bollinger_middle": 3,
    "bollinger_lower": 3,
}

# single indicators
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
SINGLES = (VOLUME_AVERAGE, OBV_SLOPE, *LONG_WINDOW)

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
LEVERAGE = "leverage"
STOP = "stop"
TARGET = "target"
LIQUIDATION = "liquidation_price"
OPENED_AT = "opened_at"
REASON = "reason"
INVALIDATION = "invalidation"
CONFIDENCE = "confidence"
