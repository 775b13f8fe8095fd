-- The system of record. Money is exact decimal TEXT, times are ISO 8601 UTC TEXT with microseconds, sets and maps are JSON TEXT.
-- A season's cycle is booked in one transaction; what happened is appended and never changed (see the triggers at the end).
-- marks name every cell that was written, journal_hash chains the bookings: see marks.py and `arena verify`.
-- Ids follow booking order. Every foreign key is indexed, every business event has a unique key.

CREATE TABLE IF NOT EXISTS seasons (
    id INTEGER PRIMARY KEY,
    season_id TEXT NOT NULL UNIQUE,
    started_at TEXT NOT NULL,
    symbols TEXT NOT NULL,
    interval_seconds INTEGER NOT NULL CHECK (interval_seconds > 0),
    market TEXT NOT NULL,
    settings TEXT NOT NULL,
    environment TEXT NOT NULL CHECK (environment IN ('demo', 'paper', 'testnet', 'mainnet')),
    account_mode TEXT NOT NULL CHECK (account_mode IN ('shared', 'separate')),
    strategy TEXT NOT NULL,
    marks TEXT NOT NULL,
    journal_hash TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z')
) STRICT;

CREATE TABLE IF NOT EXISTS competitors (
    id INTEGER PRIMARY KEY,
    season_id TEXT NOT NULL REFERENCES seasons (season_id) ON DELETE RESTRICT,
    llm_id TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    max_tokens INTEGER NOT NULL,
    temperature TEXT,
    base_url TEXT,
    seed INTEGER,
    baseline INTEGER NOT NULL CHECK (baseline IN (0, 1)),
    thinking INTEGER CHECK (thinking IN (0, 1)),
    reasoning_effort TEXT CHECK (reasoning_effort IN ('low', 'medium', 'high')),
    capital TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    UNIQUE (season_id, llm_id)
) STRICT;

-- A number is claimed (begun) before anything is sent, and booked whole.
CREATE TABLE IF NOT EXISTS cycles (
    id INTEGER PRIMARY KEY,
    season_id TEXT NOT NULL REFERENCES seasons (season_id) ON DELETE RESTRICT,
    number INTEGER NOT NULL CHECK (number > 0),
    status TEXT NOT NULL DEFAULT 'begun' CHECK (status IN ('begun', 'booked')),
    scheduled_at TEXT NOT NULL,
    closed_at TEXT,
    static_prompt_hash TEXT,
    market_prompt_hash TEXT,
    prompt_hash TEXT,
    snapshot_hash TEXT,
    configuration_hash TEXT,
    execution_order TEXT,
    booking INTEGER,
    requests INTEGER,
    request_weight INTEGER,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    UNIQUE (season_id, number)
) STRICT;
CREATE INDEX IF NOT EXISTS cycles_scheduled ON cycles (season_id, scheduled_at);
CREATE INDEX IF NOT EXISTS cycles_booked ON cycles (season_id, number) WHERE status = 'booked';

-- Units of work in the order in which they were booked, numbered without a gap: a cycle's, or a sweep's between cycles. cursor and
-- foreign_holdings are where the next one starts, closed_intents the orders that nothing more can come of.
CREATE TABLE IF NOT EXISTS bookings (
    id INTEGER PRIMARY KEY,
    season_id TEXT NOT NULL REFERENCES seasons (season_id) ON DELETE RESTRICT,
    number INTEGER NOT NULL CHECK (number > 0),
    cycle INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('cycle', 'sweep')),
    closed_at TEXT NOT NULL,
    cursor TEXT NOT NULL,
    foreign_holdings TEXT NOT NULL,
    closed_intents TEXT NOT NULL,
    marks TEXT NOT NULL,
    payload_hash TEXT NOT NULL,
    journal_hash TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    UNIQUE (season_id, number),
    FOREIGN KEY (season_id, cycle) REFERENCES cycles (season_id, number) ON DELETE RESTRICT
) STRICT;
CREATE INDEX IF NOT EXISTS bookings_cycle ON bookings (season_id, cycle);

-- What the ledger entries add up to. current_balance is the wallet; total_pnl what trading has changed of it.
CREATE TABLE IF NOT EXISTS llm_accounts (
    id INTEGER PRIMARY KEY,
    season_id TEXT NOT NULL,
    llm_id TEXT NOT NULL,
    booking INTEGER,
    initial_balance TEXT NOT NULL,
    current_balance TEXT NOT NULL,
    unrealized_pnl TEXT NOT NULL,
    equity TEXT NOT NULL,
    total_pnl TEXT NOT NULL,
    realized_pnl TEXT NOT NULL,
    fees TEXT NOT NULL,
    funding TEXT NOT NULL,
    insurance TEXT NOT NULL,
    total_trades INTEGER NOT NULL,
    winning_trades INTEGER NOT NULL,
    losing_trades INTEGER NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    UNIQUE (season_id, llm_id),
    FOREIGN KEY (season_id, llm_id) REFERENCES competitors (season_id, llm_id) ON DELETE RESTRICT
) STRICT;

-- The shared parts of the prompts, once each; a competitor's own section is in its turn.
CREATE TABLE IF NOT EXISTS prompts (
    id INTEGER PRIMARY KEY,
    season_id TEXT NOT NULL REFERENCES seasons (season_id) ON DELETE RESTRICT,
    hash TEXT NOT NULL,
    part TEXT NOT NULL CHECK (part IN ('static', 'market')),
    text TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    UNIQUE (season_id, part, hash)
) STRICT;

-- What was the same for all competitors and decides the contest, once each.
CREATE TABLE IF NOT EXISTS configurations (
    id INTEGER PRIMARY KEY,
    season_id TEXT NOT NULL REFERENCES seasons (season_id) ON DELETE RESTRICT,
    hash TEXT NOT NULL,
    text TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    UNIQUE (season_id, hash)
) STRICT;

CREATE TABLE IF NOT EXISTS snapshots (
    id INTEGER PRIMARY KEY,
    season_id TEXT NOT NULL,
    cycle INTEGER NOT NULL,
    hash TEXT NOT NULL,
    as_of TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    UNIQUE (season_id, cycle),
    FOREIGN KEY (season_id, cycle) REFERENCES cycles (season_id, number) ON DELETE RESTRICT
) STRICT;

-- One competitor's part of a cycle. An answer that states no decision, and no answer, are kept as what they are. How it was asked
-- (prompt_hash to ordered_at) is by the run's own clock, and NULL where it was not.
CREATE TABLE IF NOT EXISTS turns (
    id INTEGER PRIMARY KEY,
    season_id TEXT NOT NULL,
    cycle INTEGER NOT NULL,
    llm_id TEXT NOT NULL,
    time TEXT NOT NULL,
    account_prompt TEXT NOT NULL,
    answer TEXT NOT NULL CHECK (answer IN ('decision', 'invalid', 'no_answer')),
    failure TEXT,
    error TEXT,
    calls INTEGER NOT NULL CHECK (calls >= 0),
    notes TEXT NOT NULL,
    skipped TEXT NOT NULL,
    summary TEXT NOT NULL,
    prompt_hash TEXT,
    asked_at TEXT,
    deadline_at TEXT,
    answered_at TEXT,
    ordered_at TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    UNIQUE (season_id, llm_id, cycle),
    FOREIGN KEY (season_id, llm_id) REFERENCES competitors (season_id, llm_id) ON DELETE RESTRICT,
    FOREIGN KEY (season_id, cycle) REFERENCES cycles (season_id, number) ON DELETE RESTRICT
) STRICT;
CREATE INDEX IF NOT EXISTS turns_cycle ON turns (season_id, cycle);
CREATE INDEX IF NOT EXISTS turns_asked ON turns (season_id, time) WHERE calls > 0;

-- Every call of a model, also those that failed (fault), were not accepted (error alone) or came late. The columns from model on
-- are what the provider answered; they are empty where nothing that could be read came back. begun_at is this machine's clock.
CREATE TABLE IF NOT EXISTS model_calls (
    id INTEGER PRIMARY KEY,
    season_id TEXT NOT NULL,
    cycle INTEGER NOT NULL,
    llm_id TEXT NOT NULL,
    number INTEGER NOT NULL CHECK (number > 0),
    purpose TEXT NOT NULL CHECK (purpose IN ('decide', 'repair')),
    begun_at TEXT NOT NULL,
    latency_ms INTEGER NOT NULL,
    fault TEXT,
    error TEXT,
    retry_after_ms INTEGER,
    request_id TEXT,
    model TEXT,
    text TEXT,
    stop_reason TEXT,
    input_tokens INTEGER,
    cached_tokens INTEGER,
    output_tokens INTEGER,
    cost_usd TEXT,
    parameters TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    CHECK (fault IS NOT NULL OR text IS NOT NULL),
    UNIQUE (season_id, cycle, llm_id, number),
    FOREIGN KEY (season_id, cycle) REFERENCES cycles (season_id, number) ON DELETE RESTRICT
) STRICT;

CREATE TABLE IF NOT EXISTS llm_decisions (
    id INTEGER PRIMARY KEY,
    season_id TEXT NOT NULL,
    cycle INTEGER NOT NULL,
    llm_id TEXT NOT NULL,
    time TEXT NOT NULL,
    decision_type TEXT NOT NULL
        CHECK (decision_type IN ('open_long', 'open_short', 'reduce', 'close', 'hold', 'invalid', 'no_answer')),
    symbol TEXT,
    reasoning TEXT NOT NULL,
    confidence INTEGER,
    size_percent INTEGER,
    leverage INTEGER,
    entry_type TEXT CHECK (entry_type IN ('market', 'limit')),
    limit_price TEXT,
    stop_price TEXT,
    target_price TEXT,
    invalidation TEXT,
    outcome TEXT NOT NULL,
    full_response TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    UNIQUE (season_id, cycle, llm_id, symbol),
    FOREIGN KEY (season_id, cycle) REFERENCES cycles (season_id, number) ON DELETE RESTRICT
) STRICT;

CREATE TABLE IF NOT EXISTS rejections (
    id INTEGER PRIMARY KEY,
    season_id TEXT NOT NULL,
    cycle INTEGER NOT NULL,
    llm_id TEXT NOT NULL,
    symbol TEXT NOT NULL,
    action TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    FOREIGN KEY (season_id, cycle) REFERENCES cycles (season_id, number) ON DELETE RESTRICT
) STRICT;
CREATE INDEX IF NOT EXISTS rejections_cycle ON rejections (season_id, cycle);

-- Written before the order is sent; open until a booking says that nothing more can come of it.
CREATE TABLE IF NOT EXISTS intents (
    id INTEGER PRIMARY KEY,
    season_id TEXT NOT NULL,
    cycle INTEGER NOT NULL,
    llm_id TEXT NOT NULL,
    client_order_id TEXT NOT NULL,
    leg TEXT NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL CHECK (side IN ('BUY', 'SELL')),
    position_side TEXT NOT NULL CHECK (position_side IN ('LONG', 'SHORT')),
    order_type TEXT NOT NULL,
    quantity TEXT NOT NULL,
    price TEXT,
    trigger_price TEXT,
    leverage INTEGER NOT NULL,
    thesis TEXT,
    arrival_price TEXT NOT NULL,
    formed_at TEXT NOT NULL,
    mark TEXT NOT NULL,
    closed_booking INTEGER,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    UNIQUE (season_id, client_order_id),
    FOREIGN KEY (season_id, llm_id) REFERENCES competitors (season_id, llm_id) ON DELETE RESTRICT,
    FOREIGN KEY (season_id, cycle) REFERENCES cycles (season_id, number) ON DELETE RESTRICT
) STRICT;
CREATE INDEX IF NOT EXISTS intents_cycle ON intents (season_id, cycle);
CREATE INDEX IF NOT EXISTS intents_competitor ON intents (season_id, llm_id);
CREATE INDEX IF NOT EXISTS intents_open ON intents (season_id) WHERE closed_booking IS NULL;

-- What sending an order has come to, once a booking: an unknown outcome is followed by a known one.
CREATE TABLE IF NOT EXISTS orders (
    id INTEGER PRIMARY KEY,
    season_id TEXT NOT NULL,
    cycle INTEGER NOT NULL,
    booking INTEGER NOT NULL,
    llm_id TEXT NOT NULL,
    client_order_id TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('filled', 'resting', 'refused', 'unknown')),
    exchange_order_id TEXT,
    filled_quantity TEXT NOT NULL,
    code INTEGER,
    message TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    UNIQUE (season_id, client_order_id, booking),
    FOREIGN KEY (season_id, cycle) REFERENCES cycles (season_id, number) ON DELETE RESTRICT
) STRICT;
CREATE INDEX IF NOT EXISTS orders_cycle ON orders (season_id, cycle);

CREATE TABLE IF NOT EXISTS fills (
    id INTEGER PRIMARY KEY,
    season_id TEXT NOT NULL,
    cycle INTEGER NOT NULL,
    booking INTEGER NOT NULL,
    llm_id TEXT NOT NULL,
    trade_id INTEGER NOT NULL,
    exchange_order_id TEXT NOT NULL,
    client_order_id TEXT NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL CHECK (side IN ('BUY', 'SELL')),
    position_side TEXT NOT NULL CHECK (position_side IN ('LONG', 'SHORT')),
    quantity TEXT NOT NULL,
    price TEXT NOT NULL,
    fee TEXT NOT NULL,
    realized_pnl TEXT NOT NULL,
    cause TEXT NOT NULL CHECK (cause IN ('decision', 'stop', 'target', 'arena', 'liquidation', 'adl', 'delivery', 'shutdown', 'manual')),
    time TEXT NOT NULL,
    booked_cycle INTEGER NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    UNIQUE (season_id, llm_id, symbol, trade_id, exchange_order_id),
    FOREIGN KEY (season_id, llm_id) REFERENCES competitors (season_id, llm_id) ON DELETE RESTRICT,
    FOREIGN KEY (season_id, booked_cycle) REFERENCES cycles (season_id, number) ON DELETE RESTRICT
) STRICT;
CREATE INDEX IF NOT EXISTS fills_competitor ON fills (season_id, llm_id);
CREATE INDEX IF NOT EXISTS fills_order ON fills (season_id, client_order_id);
CREATE INDEX IF NOT EXISTS fills_time ON fills (season_id, time);
CREATE INDEX IF NOT EXISTS fills_cycle ON fills (season_id, booked_cycle);

-- Trades of an account, or the parts of them, that belong to no competitor.
CREATE TABLE IF NOT EXISTS foreign_fills (
    id INTEGER PRIMARY KEY,
    season_id TEXT NOT NULL,
    cycle INTEGER NOT NULL,
    booking INTEGER NOT NULL,
    account TEXT NOT NULL,
    trade_id INTEGER NOT NULL,
    exchange_order_id TEXT NOT NULL,
    client_order_id TEXT NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL CHECK (side IN ('BUY', 'SELL')),
    position_side TEXT NOT NULL CHECK (position_side IN ('LONG', 'SHORT')),
    quantity TEXT NOT NULL,
    price TEXT NOT NULL,
    fee TEXT NOT NULL,
    time TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    UNIQUE (season_id, account, symbol, trade_id, exchange_order_id),
    FOREIGN KEY (season_id, cycle) REFERENCES cycles (season_id, number) ON DELETE RESTRICT
) STRICT;
CREATE INDEX IF NOT EXISTS foreign_fills_cycle ON foreign_fills (season_id, cycle);

CREATE TABLE IF NOT EXISTS funding (
    id INTEGER PRIMARY KEY,
    season_id TEXT NOT NULL,
    cycle INTEGER NOT NULL,
    booking INTEGER NOT NULL,
    llm_id TEXT NOT NULL,
    symbol TEXT NOT NULL,
    position_side TEXT NOT NULL CHECK (position_side IN ('LONG', 'SHORT')),
    signed_quantity TEXT NOT NULL,
    mark_price TEXT NOT NULL,
    funding_rate TEXT NOT NULL,
    payment TEXT NOT NULL,
    time TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    UNIQUE (season_id, llm_id, symbol, position_side, time),
    FOREIGN KEY (season_id, llm_id) REFERENCES competitors (season_id, llm_id) ON DELETE RESTRICT,
    FOREIGN KEY (season_id, cycle) REFERENCES cycles (season_id, number) ON DELETE RESTRICT
) STRICT;
CREATE INDEX IF NOT EXISTS funding_time ON funding (season_id, time);
CREATE INDEX IF NOT EXISTS funding_cycle ON funding (season_id, cycle);

-- Why a wallet changed: amount is added to it, balance is the wallet afterwards. The capital belongs to no cycle.
CREATE TABLE IF NOT EXISTS ledger_entries (
    id INTEGER PRIMARY KEY,
    season_id TEXT NOT NULL,
    cycle INTEGER,
    booking INTEGER,
    llm_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('capital', 'realized_pnl', 'fee', 'funding', 'insurance')),
    symbol TEXT NOT NULL,
    amount TEXT NOT NULL,
    balance TEXT NOT NULL,
    reference TEXT NOT NULL,
    time TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    UNIQUE (season_id, llm_id, kind, symbol, reference),
    FOREIGN KEY (season_id, llm_id) REFERENCES competitors (season_id, llm_id) ON DELETE RESTRICT,
    FOREIGN KEY (season_id, cycle) REFERENCES cycles (season_id, number) ON DELETE RESTRICT
) STRICT;
CREATE INDEX IF NOT EXISTS ledger_entries_cycle ON ledger_entries (season_id, cycle);

CREATE TABLE IF NOT EXISTS equity_points (
    id INTEGER PRIMARY KEY,
    season_id TEXT NOT NULL,
    cycle INTEGER NOT NULL,
    llm_id TEXT NOT NULL,
    time TEXT NOT NULL,
    wallet_balance TEXT NOT NULL,
    unrealized_pnl TEXT NOT NULL,
    equity TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    UNIQUE (season_id, llm_id, cycle, time),
    FOREIGN KEY (season_id, llm_id) REFERENCES competitors (season_id, llm_id) ON DELETE RESTRICT,
    FOREIGN KEY (season_id, cycle) REFERENCES cycles (season_id, number) ON DELETE RESTRICT
) STRICT;
CREATE INDEX IF NOT EXISTS equity_points_cycle ON equity_points (season_id, cycle);

CREATE TABLE IF NOT EXISTS position_points (
    id INTEGER PRIMARY KEY,
    season_id TEXT NOT NULL,
    cycle INTEGER NOT NULL,
    llm_id TEXT NOT NULL,
    symbol TEXT NOT NULL,
    position_side TEXT NOT NULL CHECK (position_side IN ('LONG', 'SHORT')),
    signed_quantity TEXT NOT NULL,
    entry_price TEXT NOT NULL,
    mark_price TEXT NOT NULL,
    unrealized_pnl TEXT NOT NULL,
    time TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    UNIQUE (season_id, cycle, llm_id, symbol, position_side, time),
    FOREIGN KEY (season_id, cycle) REFERENCES cycles (season_id, number) ON DELETE RESTRICT
) STRICT;

-- One row a position, from its first fill until it is flat; an open row restores it exactly. Quantity and entry price of an
-- open position are of what is held, of a closed one of all that was traded; unrealized_pnl is at mark_price. cycle and
-- booking are the last that changed the row.
CREATE TABLE IF NOT EXISTS positions (
    id INTEGER PRIMARY KEY,
    season_id TEXT NOT NULL,
    cycle INTEGER NOT NULL,
    booking INTEGER NOT NULL,
    llm_id TEXT NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL CHECK (side IN ('LONG', 'SHORT')),
    status TEXT NOT NULL CHECK (status IN ('open', 'closed')),
    entry_price TEXT NOT NULL,
    quantity TEXT NOT NULL,
    leverage INTEGER NOT NULL CHECK (leverage >= 1),
    mark_price TEXT,
    unrealized_pnl TEXT NOT NULL,
    signed_quantity TEXT NOT NULL,
    signed_cost TEXT NOT NULL,
    opened_at TEXT NOT NULL,
    closed_at TEXT,
    thesis TEXT,
    stop_order_id TEXT,
    target_order_id TEXT,
    opened_quantity TEXT,
    opened_notional TEXT,
    closed_quantity TEXT,
    closed_notional TEXT,
    realized_pnl TEXT NOT NULL,
    fees TEXT NOT NULL,
    funding TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    UNIQUE (season_id, llm_id, symbol, side, opened_at),
    FOREIGN KEY (season_id, llm_id) REFERENCES competitors (season_id, llm_id) ON DELETE RESTRICT,
    FOREIGN KEY (season_id, cycle) REFERENCES cycles (season_id, number) ON DELETE RESTRICT
) STRICT;
CREATE INDEX IF NOT EXISTS positions_cycle ON positions (season_id, cycle);
CREATE UNIQUE INDEX IF NOT EXISTS positions_open ON positions (season_id, llm_id, symbol, side) WHERE status = 'open';

CREATE TABLE IF NOT EXISTS closed_trades (
    id INTEGER PRIMARY KEY,
    season_id TEXT NOT NULL,
    cycle INTEGER NOT NULL,
    booking INTEGER NOT NULL,
    llm_id TEXT NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL CHECK (side IN ('LONG', 'SHORT')),
    entry_price TEXT NOT NULL,
    exit_price TEXT NOT NULL,
    quantity TEXT NOT NULL,
    leverage INTEGER NOT NULL,
    pnl TEXT NOT NULL,
    fees TEXT NOT NULL,
    funding TEXT NOT NULL,
    opened_at TEXT NOT NULL,
    closed_at TEXT NOT NULL,
    cause TEXT NOT NULL CHECK (cause IN ('decision', 'stop', 'target', 'arena', 'liquidation', 'adl', 'delivery', 'shutdown', 'manual')),
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    UNIQUE (season_id, llm_id, symbol, side, opened_at),
    FOREIGN KEY (season_id, llm_id) REFERENCES competitors (season_id, llm_id) ON DELETE RESTRICT,
    FOREIGN KEY (season_id, cycle) REFERENCES cycles (season_id, number) ON DELETE RESTRICT
) STRICT;
CREATE INDEX IF NOT EXISTS closed_trades_cycle ON closed_trades (season_id, cycle);
CREATE INDEX IF NOT EXISTS closed_trades_news ON closed_trades (season_id, closed_at) WHERE cause <> 'decision';

CREATE TABLE IF NOT EXISTS discrepancies (
    id INTEGER PRIMARY KEY,
    season_id TEXT NOT NULL,
    cycle INTEGER NOT NULL,
    booking INTEGER NOT NULL,
    account TEXT NOT NULL,
    symbol TEXT NOT NULL,
    position_side TEXT NOT NULL CHECK (position_side IN ('LONG', 'SHORT')),
    ledgers TEXT NOT NULL,
    foreign_quantity TEXT NOT NULL,
    venue TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    UNIQUE (season_id, booking, account, symbol, position_side),
    FOREIGN KEY (season_id, cycle) REFERENCES cycles (season_id, number) ON DELETE RESTRICT
) STRICT;

CREATE TABLE IF NOT EXISTS alerts (
    id INTEGER PRIMARY KEY,
    season_id TEXT NOT NULL,
    cycle INTEGER NOT NULL,
    booking INTEGER NOT NULL,
    kind TEXT NOT NULL,
    llm_id TEXT,
    text TEXT NOT NULL,
    time TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'),
    FOREIGN KEY (season_id, cycle) REFERENCES cycles (season_id, number) ON DELETE RESTRICT
) STRICT;
CREATE INDEX IF NOT EXISTS alerts_cycle ON alerts (season_id, cycle);
CREATE INDEX IF NOT EXISTS discrepancies_cycle ON discrepancies (season_id, cycle);

-- Where a season stands; the last row counts, and one that has ended is never followed.
CREATE TABLE IF NOT EXISTS standings (
    id INTEGER PRIMARY KEY,
    season_id TEXT NOT NULL REFERENCES seasons (season_id) ON DELETE RESTRICT,
    status TEXT NOT NULL CHECK (status IN ('running', 'halted', 'ended')),
    reason TEXT NOT NULL,
    time TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z')
) STRICT;
CREATE INDEX IF NOT EXISTS standings_season ON standings (season_id, id);

-- Who may act on a season's accounts now, by the venue's clock.
CREATE TABLE IF NOT EXISTS leases (
    season_id TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until TEXT NOT NULL
) STRICT;

-- The accounts of ENVIRONMENT=paper; each save raises the version, and only the version that was read may be followed.
CREATE TABLE IF NOT EXISTS paper_books (
    season_id TEXT NOT NULL,
    account TEXT NOT NULL,
    version INTEGER NOT NULL CHECK (version > 0),
    text TEXT NOT NULL,
    PRIMARY KEY (season_id, account)
) STRICT;

CREATE TRIGGER IF NOT EXISTS standings_unchanged BEFORE UPDATE ON standings
BEGIN SELECT RAISE(ABORT, 'standings is append-only'); END;
CREATE TRIGGER IF NOT EXISTS standings_kept BEFORE DELETE ON standings
BEGIN SELECT RAISE(ABORT, 'standings is append-only'); END;
CREATE TRIGGER IF NOT EXISTS seasons_unchanged BEFORE UPDATE ON seasons
BEGIN SELECT RAISE(ABORT, 'seasons is append-only'); END;
CREATE TRIGGER IF NOT EXISTS seasons_kept BEFORE DELETE ON seasons
BEGIN SELECT RAISE(ABORT, 'seasons is append-only'); END;
CREATE TRIGGER IF NOT EXISTS competitors_unchanged BEFORE UPDATE ON competitors
BEGIN SELECT RAISE(ABORT, 'competitors is append-only'); END;
CREATE TRIGGER IF NOT EXISTS competitors_kept BEFORE DELETE ON competitors
BEGIN SELECT RAISE(ABORT, 'competitors is append-only'); END;
CREATE TRIGGER IF NOT EXISTS bookings_unchanged BEFORE UPDATE ON bookings
BEGIN SELECT RAISE(ABORT, 'bookings is append-only'); END;
CREATE TRIGGER IF NOT EXISTS bookings_kept BEFORE DELETE ON bookings
BEGIN SELECT RAISE(ABORT, 'bookings is append-only'); END;
CREATE TRIGGER IF NOT EXISTS prompts_unchanged BEFORE UPDATE ON prompts
BEGIN SELECT RAISE(ABORT, 'prompts is append-only'); END;
CREATE TRIGGER IF NOT EXISTS prompts_kept BEFORE DELETE ON prompts
BEGIN SELECT RAISE(ABORT, 'prompts is append-only'); END;
CREATE TRIGGER IF NOT EXISTS configurations_unchanged BEFORE UPDATE ON configurations
BEGIN SELECT RAISE(ABORT, 'configurations is append-only'); END;
CREATE TRIGGER IF NOT EXISTS configurations_kept BEFORE DELETE ON configurations
BEGIN SELECT RAISE(ABORT, 'configurations is append-only'); END;
CREATE TRIGGER IF NOT EXISTS snapshots_unchanged BEFORE UPDATE ON snapshots
BEGIN SELECT RAISE(ABORT, 'snapshots is append-only'); END;
CREATE TRIGGER IF NOT EXISTS snapshots_kept BEFORE DELETE ON snapshots
BEGIN SELECT RAISE(ABORT, 'snapshots is append-only'); END;
CREATE TRIGGER IF NOT EXISTS turns_unchanged BEFORE UPDATE ON turns
BEGIN SELECT RAISE(ABORT, 'turns is append-only'); END;
CREATE TRIGGER IF NOT EXISTS turns_kept BEFORE DELETE ON turns
BEGIN SELECT RAISE(ABORT, 'turns is append-only'); END;
CREATE TRIGGER IF NOT EXISTS model_calls_unchanged BEFORE UPDATE ON model_calls
BEGIN SELECT RAISE(ABORT, 'model_calls is append-only'); END;
CREATE TRIGGER IF NOT EXISTS model_calls_kept BEFORE DELETE ON model_calls
BEGIN SELECT RAISE(ABORT, 'model_calls is append-only'); END;
CREATE TRIGGER IF NOT EXISTS llm_decisions_unchanged BEFORE UPDATE ON llm_decisions
BEGIN SELECT RAISE(ABORT, 'llm_decisions is append-only'); END;
CREATE TRIGGER IF NOT EXISTS llm_decisions_kept BEFORE DELETE ON llm_decisions
BEGIN SELECT RAISE(ABORT, 'llm_decisions is append-only'); END;
CREATE TRIGGER IF NOT EXISTS rejections_unchanged BEFORE UPDATE ON rejections
BEGIN SELECT RAISE(ABORT, 'rejections is append-only'); END;
CREATE TRIGGER IF NOT EXISTS rejections_kept BEFORE DELETE ON rejections
BEGIN SELECT RAISE(ABORT, 'rejections is append-only'); END;
CREATE TRIGGER IF NOT EXISTS orders_unchanged BEFORE UPDATE ON orders
BEGIN SELECT RAISE(ABORT, 'orders is append-only'); END;
CREATE TRIGGER IF NOT EXISTS orders_kept BEFORE DELETE ON orders
BEGIN SELECT RAISE(ABORT, 'orders is append-only'); END;
CREATE TRIGGER IF NOT EXISTS fills_unchanged BEFORE UPDATE ON fills
BEGIN SELECT RAISE(ABORT, 'fills is append-only'); END;
CREATE TRIGGER IF NOT EXISTS fills_kept BEFORE DELETE ON fills
BEGIN SELECT RAISE(ABORT, 'fills is append-only'); END;
CREATE TRIGGER IF NOT EXISTS foreign_fills_unchanged BEFORE UPDATE ON foreign_fills
BEGIN SELECT RAISE(ABORT, 'foreign_fills is append-only'); END;
CREATE TRIGGER IF NOT EXISTS foreign_fills_kept BEFORE DELETE ON foreign_fills
BEGIN SELECT RAISE(ABORT, 'foreign_fills is append-only'); END;
CREATE TRIGGER IF NOT EXISTS funding_unchanged BEFORE UPDATE ON funding
BEGIN SELECT RAISE(ABORT, 'funding is append-only'); END;
CREATE TRIGGER IF NOT EXISTS funding_kept BEFORE DELETE ON funding
BEGIN SELECT RAISE(ABORT, 'funding is append-only'); END;
CREATE TRIGGER IF NOT EXISTS ledger_entries_unchanged BEFORE UPDATE ON ledger_entries
BEGIN SELECT RAISE(ABORT, 'ledger_entries is append-only'); END;
CREATE TRIGGER IF NOT EXISTS ledger_entries_kept BEFORE DELETE ON ledger_entries
BEGIN SELECT RAISE(ABORT, 'ledger_entries is append-only'); END;
CREATE TRIGGER IF NOT EXISTS equity_points_unchanged BEFORE UPDATE ON equity_points
BEGIN SELECT RAISE(ABORT, 'equity_points is append-only'); END;
CREATE TRIGGER IF NOT EXISTS equity_points_kept BEFORE DELETE ON equity_points
BEGIN SELECT RAISE(ABORT, 'equity_points is append-only'); END;
CREATE TRIGGER IF NOT EXISTS position_points_unchanged BEFORE UPDATE ON position_points
BEGIN SELECT RAISE(ABORT, 'position_points is append-only'); END;
CREATE TRIGGER IF NOT EXISTS position_points_kept BEFORE DELETE ON position_points
BEGIN SELECT RAISE(ABORT, 'position_points is append-only'); END;
CREATE TRIGGER IF NOT EXISTS closed_trades_unchanged BEFORE UPDATE ON closed_trades
BEGIN SELECT RAISE(ABORT, 'closed_trades is append-only'); END;
CREATE TRIGGER IF NOT EXISTS closed_trades_kept BEFORE DELETE ON closed_trades
BEGIN SELECT RAISE(ABORT, 'closed_trades is append-only'); END;
CREATE TRIGGER IF NOT EXISTS discrepancies_unchanged BEFORE UPDATE ON discrepancies
BEGIN SELECT RAISE(ABORT, 'discrepancies is append-only'); END;
CREATE TRIGGER IF NOT EXISTS discrepancies_kept BEFORE DELETE ON discrepancies
BEGIN SELECT RAISE(ABORT, 'discrepancies is append-only'); END;
CREATE TRIGGER IF NOT EXISTS alerts_unchanged BEFORE UPDATE ON alerts
BEGIN SELECT RAISE(ABORT, 'alerts is append-only'); END;
CREATE TRIGGER IF NOT EXISTS alerts_kept BEFORE DELETE ON alerts
BEGIN SELECT RAISE(ABORT, 'alerts is append-only'); END;
CREATE TRIGGER IF NOT EXISTS cycles_booked_once BEFORE UPDATE ON cycles WHEN OLD.status = 'booked'
BEGIN SELECT RAISE(ABORT, 'a booked cycle is never changed'); END;
CREATE TRIGGER IF NOT EXISTS cycles_kept BEFORE DELETE ON cycles
BEGIN SELECT RAISE(ABORT, 'cycles are never deleted'); END;
CREATE TRIGGER IF NOT EXISTS intents_closed_once BEFORE UPDATE ON intents
WHEN OLD.closed_booking IS NOT NULL OR NEW.closed_booking IS NULL
BEGIN SELECT RAISE(ABORT, 'an intent is never changed, but closed once'); END;
CREATE TRIGGER IF NOT EXISTS intents_kept BEFORE DELETE ON intents
BEGIN SELECT RAISE(ABORT, 'intents are never deleted'); END;
