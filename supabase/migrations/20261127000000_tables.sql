-- The system of record, as arena/adapters/storage/schema.sql keeps it in SQLite: the same tables and columns.
-- Money is numeric without a scale: numeric(p, s) rounds what it is given without a word. A season's cycle is booked in one call;
-- what happened is appended and never changed. marks name every cell that was written, journal_hash chains the bookings.
-- Ids follow booking order. Every foreign key is indexed, every business event has a unique key.

create table if not exists public.seasons (
    id bigint generated always as identity primary key,
    season_id text not null unique,
    started_at timestamptz not null,
    symbols jsonb not null,
    interval_seconds integer not null check (interval_seconds > 0),
    market text not null,
    settings text not null,
    environment text not null check (environment in ('demo', 'paper', 'testnet', 'mainnet')),
    account_mode text not null check (account_mode in ('shared', 'separate')),
    strategy text not null,
    marks text not null,
    journal_hash text not null,
    created_at timestamptz not null default now()
);

create table if not exists public.competitors (
    id bigint generated always as identity primary key,
    season_id text not null references public.seasons (season_id) on delete restrict,
    llm_id text not null,
    provider text not null,
    model text not null,
    max_tokens integer not null,
    temperature numeric,
    base_url text,
    seed bigint,
    baseline boolean not null,
    thinking boolean,
    reasoning_effort text check (reasoning_effort in ('low', 'medium', 'high')),
    capital numeric not null check (capital > 0),
    created_at timestamptz not null default now(),
    unique (season_id, llm_id)
);

-- A number is claimed (begun) before anything is sent, and booked whole. claim names the run, so that a claim whose answer was lost
-- can be repeated.
create table if not exists public.cycles (
    id bigint generated always as identity primary key,
    season_id text not null references public.seasons (season_id) on delete restrict,
    number integer not null check (number > 0),
    status text not null default 'begun' check (status in ('begun', 'booked')),
    scheduled_at timestamptz not null,
    closed_at timestamptz,
    static_prompt_hash text,
    market_prompt_hash text,
    prompt_hash text,
    snapshot_hash text,
    configuration_hash text,
    execution_order jsonb,
    booking integer,
    requests integer,
    request_weight integer,
    claim text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (season_id, number)
);
create index if not exists cycles_scheduled on public.cycles (season_id, scheduled_at);
create index if not exists cycles_booked on public.cycles (season_id, number) where status = 'booked';

-- Units of work in the order in which they were booked, numbered without a gap: a cycle's, or a sweep's between cycles. cursor and
-- foreign_holdings are where the next one starts, closed_intents the orders that nothing more can come of.
create table if not exists public.bookings (
    id bigint generated always as identity primary key,
    season_id text not null references public.seasons (season_id) on delete restrict,
    number integer not null check (number > 0),
    cycle integer not null,
    kind text not null check (kind in ('cycle', 'sweep')),
    closed_at timestamptz not null,
    cursor jsonb not null,
    foreign_holdings jsonb not null,
    closed_intents jsonb not null,
    marks text not null,
    payload_hash text not null,
    journal_hash text not null,
    created_at timestamptz not null default now(),
    unique (season_id, number),
    foreign key (season_id, cycle) references public.cycles (season_id, number) on delete restrict
);
create index if not exists bookings_cycle on public.bookings (season_id, cycle);

-- What the ledger entries add up to. current_balance is the wallet; total_pnl what trading has changed of it.
create table if not exists public.llm_accounts (
    id bigint generated always as identity primary key,
    season_id text not null,
    llm_id text not null,
    booking integer,
    initial_balance numeric not null,
    current_balance numeric not null,
    unrealized_pnl numeric not null,
    equity numeric not null,
    total_pnl numeric not null,
    realized_pnl numeric not null,
    fees numeric not null,
    funding numeric not null,
    insurance numeric not null,
    total_trades integer not null,
    winning_trades integer not null,
    losing_trades integer not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (season_id, llm_id),
    foreign key (season_id, llm_id) references public.competitors (season_id, llm_id) on delete restrict
);

-- The shared parts of the prompts, once each; a competitor's own section is in its turn.
create table if not exists public.prompts (
    id bigint generated always as identity primary key,
    season_id text not null references public.seasons (season_id) on delete restrict,
    hash text not null,
    part text not null check (part in ('static', 'market')),
    text text not null,
    created_at timestamptz not null default now(),
    unique (season_id, part, hash)
);

-- What was the same for all competitors and decides the contest, once each.
create table if not exists public.configurations (
    id bigint generated always as identity primary key,
    season_id text not null references public.seasons (season_id) on delete restrict,
    hash text not null,
    text text not null,
    created_at timestamptz not null default now(),
    unique (season_id, hash)
);

create table if not exists public.snapshots (
    id bigint generated always as identity primary key,
    season_id text not null,
    cycle integer not null,
    hash text not null,
    as_of timestamptz not null,
    created_at timestamptz not null default now(),
    unique (season_id, cycle),
    foreign key (season_id, cycle) references public.cycles (season_id, number) on delete restrict
);

-- One competitor's part of a cycle. An answer that states no decision, and no answer, are kept as what they are. How it was asked
-- (prompt_hash to ordered_at) is by the run's own clock, and NULL where it was not.
create table if not exists public.turns (
    id bigint generated always as identity primary key,
    season_id text not null,
    cycle integer not null,
    llm_id text not null,
    time timestamptz not null,
    account_prompt text not null,
    answer text not null check (answer in ('decision', 'invalid', 'no_answer')),
    failure text,
    error text,
    calls integer not null check (calls >= 0),
    notes jsonb not null,
    skipped jsonb not null,
    summary text not null,
    prompt_hash text,
    asked_at timestamptz,
    deadline_at timestamptz,
    answered_at timestamptz,
    ordered_at timestamptz,
    created_at timestamptz not null default now(),
    unique (season_id, llm_id, cycle),
    foreign key (season_id, llm_id) references public.competitors (season_id, llm_id) on delete restrict,
    foreign key (season_id, cycle) references public.cycles (season_id, number) on delete restrict
);
create index if not exists turns_cycle on public.turns (season_id, cycle);
create index if not exists turns_asked on public.turns (season_id, time) where calls > 0;

-- Every call of a model, also those that failed (fault), were not accepted (error alone) or came late. The columns from model on
-- are what the provider answered; they are empty where nothing that could be read came back. begun_at is this machine's clock.
create table if not exists public.model_calls (
    id bigint generated always as identity primary key,
    season_id text not null,
    cycle integer not null,
    llm_id text not null,
    number integer not null check (number > 0),
    purpose text not null check (purpose in ('decide', 'repair')),
    begun_at timestamptz not null,
    latency_ms integer not null,
    fault text,
    error text,
    retry_after_ms integer,
    request_id text,
    model text,
    text text,
    stop_reason text,
    input_tokens integer,
    cached_tokens integer,
    output_tokens integer,
    cost_usd numeric,
    parameters jsonb,
    created_at timestamptz not null default now(),
    check (fault is not null or text is not null),
    unique (season_id, cycle, llm_id, number),
    foreign key (season_id, cycle) references public.cycles (season_id, number) on delete restrict
);

create table if not exists public.llm_decisions (
    id bigint generated always as identity primary key,
    season_id text not null,
    cycle integer not null,
    llm_id text not null,
    time timestamptz not null,
    decision_type text not null
        check (decision_type IN ('open_long', 'open_short', 'reduce', 'close', 'hold', 'invalid', 'no_answer')),
    symbol text,
    reasoning text not null,
    confidence integer,
    size_percent integer,
    leverage integer,
    entry_type text check (entry_type in ('market', 'limit')),
    limit_price numeric,
    stop_price numeric,
    target_price numeric,
    invalidation text,
    outcome text not null,
    full_response jsonb not null,
    created_at timestamptz not null default now(),
    unique (season_id, cycle, llm_id, symbol),
    foreign key (season_id, cycle) references public.cycles (season_id, number) on delete restrict
);

create table if not exists public.rejections (
    id bigint generated always as identity primary key,
    season_id text not null,
    cycle integer not null,
    llm_id text not null,
    symbol text not null,
    action text not null,
    reason text not null,
    detail text not null,
    created_at timestamptz not null default now(),
    foreign key (season_id, cycle) references public.cycles (season_id, number) on delete restrict
);
create index if not exists rejections_cycle on public.rejections (season_id, cycle);

-- Written before the order is sent; open until a booking says that nothing more can come of it.
create table if not exists public.intents (
    id bigint generated always as identity primary key,
    season_id text not null,
    cycle integer not null,
    llm_id text not null,
    client_order_id text not null,
    leg text not null,
    symbol text not null,
    side text not null check (side in ('BUY', 'SELL')),
    position_side text not null check (position_side in ('LONG', 'SHORT')),
    order_type text not null,
    quantity numeric not null check (quantity > 0),
    price numeric,
    trigger_price numeric,
    leverage integer not null,
    thesis jsonb,
    arrival_price numeric not null,
    formed_at timestamptz not null,
    mark text not null,
    closed_booking integer,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (season_id, client_order_id),
    foreign key (season_id, llm_id) references public.competitors (season_id, llm_id) on delete restrict,
    foreign key (season_id, cycle) references public.cycles (season_id, number) on delete restrict
);
create index if not exists intents_cycle on public.intents (season_id, cycle);
create index if not exists intents_competitor on public.intents (season_id, llm_id);
create index if not exists intents_open on public.intents (season_id) where closed_booking is null;

-- What sending an order has come to, once a booking: an unknown outcome is followed by a known one.
create table if not exists public.orders (
    id bigint generated always as identity primary key,
    season_id text not null,
    cycle integer not null,
    booking integer not null,
    llm_id text not null,
    client_order_id text not null,
    status text not null check (status in ('filled', 'resting', 'refused', 'unknown')),
    exchange_order_id text,
    filled_quantity numeric not null check (filled_quantity >= 0),
    code integer,
    message text not null,
    created_at timestamptz not null default now(),
    unique (season_id, client_order_id, booking),
    foreign key (season_id, cycle) references public.cycles (season_id, number) on delete restrict
);
create index if not exists orders_cycle on public.orders (season_id, cycle);

create table if not exists public.fills (
    id bigint generated always as identity primary key,
    season_id text not null,
    cycle integer not null,
    booking integer not null,
    llm_id text not null,
    trade_id bigint not null,
    exchange_order_id text not null,
    client_order_id text not null,
    symbol text not null,
    side text not null check (side in ('BUY', 'SELL')),
    position_side text not null check (position_side in ('LONG', 'SHORT')),
    quantity numeric not null check (quantity > 0),
    price numeric not null check (price > 0),
    fee numeric not null,
    realized_pnl numeric not null,
    cause text not null check (cause in ('decision', 'stop', 'target', 'arena', 'liquidation', 'adl', 'delivery', 'shutdown', 'manual')),
    time timestamptz not null,
    booked_cycle integer not null,
    created_at timestamptz not null default now(),
    unique (season_id, llm_id, symbol, trade_id, exchange_order_id),
    foreign key (season_id, llm_id) references public.competitors (season_id, llm_id) on delete restrict,
    foreign key (season_id, booked_cycle) references public.cycles (season_id, number) on delete restrict
);
create index if not exists fills_competitor on public.fills (season_id, llm_id);
create index if not exists fills_order on public.fills (season_id, client_order_id);
create index if not exists fills_time on public.fills (season_id, time);
create index if not exists fills_cycle on public.fills (season_id, booked_cycle);

-- Trades of an account, or the parts of them, that belong to no competitor.
create table if not exists public.foreign_fills (
    id bigint generated always as identity primary key,
    season_id text not null,
    cycle integer not null,
    booking integer not null,
    account text not null,
    trade_id bigint not null,
    exchange_order_id text not null,
    client_order_id text not null,
    symbol text not null,
    side text not null check (side in ('BUY', 'SELL')),
    position_side text not null check (position_side in ('LONG', 'SHORT')),
    quantity numeric not null check (quantity > 0),
    price numeric not null check (price > 0),
    fee numeric not null,
    time timestamptz not null,
    created_at timestamptz not null default now(),
    unique (season_id, account, symbol, trade_id, exchange_order_id),
    foreign key (season_id, cycle) references public.cycles (season_id, number) on delete restrict
);
create index if not exists foreign_fills_cycle on public.foreign_fills (season_id, cycle);

create table if not exists public.funding (
    id bigint generated always as identity primary key,
    season_id text not null,
    cycle integer not null,
    booking integer not null,
    llm_id text not null,
    symbol text not null,
    position_side text not null check (position_side in ('LONG', 'SHORT')),
    signed_quantity numeric not null,
    mark_price numeric not null,
    funding_rate numeric not null,
    payment numeric not null,
    time timestamptz not null,
    created_at timestamptz not null default now(),
    unique (season_id, llm_id, symbol, position_side, time),
    foreign key (season_id, llm_id) references public.competitors (season_id, llm_id) on delete restrict,
    foreign key (season_id, cycle) references public.cycles (season_id, number) on delete restrict
);
create index if not exists funding_time on public.funding (season_id, time);
create index if not exists funding_cycle on public.funding (season_id, cycle);

-- Why a wallet changed: amount is added to it, balance is the wallet afterwards. The capital belongs to no cycle.
create table if not exists public.ledger_entries (
    id bigint generated always as identity primary key,
    season_id text not null,
    cycle integer,
    booking integer,
    llm_id text not null,
    kind text not null check (kind in ('capital', 'realized_pnl', 'fee', 'funding', 'insurance')),
    symbol text not null,
    amount numeric not null,
    balance numeric not null,
    reference text not null,
    time timestamptz not null,
    created_at timestamptz not null default now(),
    unique (season_id, llm_id, kind, symbol, reference),
    foreign key (season_id, llm_id) references public.competitors (season_id, llm_id) on delete restrict,
    foreign key (season_id, cycle) references public.cycles (season_id, number) on delete restrict
);
create index if not exists ledger_entries_cycle on public.ledger_entries (season_id, cycle);

create table if not exists public.equity_points (
    id bigint generated always as identity primary key,
    season_id text not null,
    cycle integer not null,
    llm_id text not null,
    time timestamptz not null,
    wallet_balance numeric not null,
    unrealized_pnl numeric not null,
    equity numeric not null,
    created_at timestamptz not null default now(),
    unique (season_id, llm_id, cycle, time),
    foreign key (season_id, llm_id) references public.competitors (season_id, llm_id) on delete restrict,
    foreign key (season_id, cycle) references public.cycles (season_id, number) on delete restrict
);
create index if not exists equity_points_cycle on public.equity_points (season_id, cycle);

create table if not exists public.position_points (
    id bigint generated always as identity primary key,
    season_id text not null,
    cycle integer not null,
    llm_id text not null,
    symbol text not null,
    position_side text not null check (position_side in ('LONG', 'SHORT')),
    signed_quantity numeric not null,
    entry_price numeric not null,
    mark_price numeric not null,
    unrealized_pnl numeric not null,
    time timestamptz not null,
    created_at timestamptz not null default now(),
    unique (season_id, cycle, llm_id, symbol, position_side, time),
    foreign key (season_id, cycle) references public.cycles (season_id, number) on delete restrict
);

-- One row a position, from its first fill until it is flat; an open row restores it exactly. Quantity and entry price of an
-- open position are of what is held, of a closed one of all that was traded; unrealized_pnl is at mark_price. cycle and
-- booking are the last that changed the row.
create table if not exists public.positions (
    id bigint generated always as identity primary key,
    season_id text not null,
    cycle integer not null,
    booking integer not null,
    llm_id text not null,
    symbol text not null,
    side text not null check (side in ('LONG', 'SHORT')),
    status text not null check (status in ('open', 'closed')),
    entry_price numeric not null,
    quantity numeric not null,
    leverage integer not null check (leverage >= 1),
    mark_price numeric,
    unrealized_pnl numeric not null,
    signed_quantity numeric not null,
    signed_cost numeric not null,
    opened_at timestamptz not null,
    closed_at timestamptz,
    thesis jsonb,
    stop_order_id text,
    target_order_id text,
    opened_quantity numeric,
    opened_notional numeric,
    closed_quantity numeric,
    closed_notional numeric,
    realized_pnl numeric not null,
    fees numeric not null,
    funding numeric not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (season_id, llm_id, symbol, side, opened_at),
    foreign key (season_id, llm_id) references public.competitors (season_id, llm_id) on delete restrict,
    foreign key (season_id, cycle) references public.cycles (season_id, number) on delete restrict
);
create index if not exists positions_cycle on public.positions (season_id, cycle);
create unique index if not exists positions_open on public.positions (season_id, llm_id, symbol, side) where status = 'open';

create table if not exists public.closed_trades (
    id bigint generated always as identity primary key,
    season_id text not null,
    cycle integer not null,
    booking integer not null,
    llm_id text not null,
    symbol text not null,
    side text not null check (side in ('LONG', 'SHORT')),
    entry_price numeric not null,
    exit_price numeric not null,
    quantity numeric not null check (quantity > 0),
    leverage integer not null,
    pnl numeric not null,
    fees numeric not null,
    funding numeric not null,
    opened_at timestamptz not null,
    closed_at timestamptz not null,
    cause text not null check (cause in ('decision', 'stop', 'target', 'arena', 'liquidation', 'adl', 'delivery', 'shutdown', 'manual')),
    created_at timestamptz not null default now(),
    unique (season_id, llm_id, symbol, side, opened_at),
    foreign key (season_id, llm_id) references public.competitors (season_id, llm_id) on delete restrict,
    foreign key (season_id, cycle) references public.cycles (season_id, number) on delete restrict
);
create index if not exists closed_trades_cycle on public.closed_trades (season_id, cycle);
create index if not exists closed_trades_news on public.closed_trades (season_id, closed_at) where cause <> 'decision';

create table if not exists public.discrepancies (
    id bigint generated always as identity primary key,
    season_id text not null,
    cycle integer not null,
    booking integer not null,
    account text not null,
    symbol text not null,
    position_side text not null check (position_side in ('LONG', 'SHORT')),
    ledgers numeric not null,
    foreign_quantity numeric not null,
    venue numeric not null,
    created_at timestamptz not null default now(),
    unique (season_id, booking, account, symbol, position_side),
    foreign key (season_id, cycle) references public.cycles (season_id, number) on delete restrict
);

create table if not exists public.alerts (
    id bigint generated always as identity primary key,
    season_id text not null,
    cycle integer not null,
    booking integer not null,
    kind text not null,
    llm_id text,
    text text not null,
    time timestamptz not null,
    created_at timestamptz not null default now(),
    foreign key (season_id, cycle) references public.cycles (season_id, number) on delete restrict
);
create index if not exists alerts_cycle on public.alerts (season_id, cycle);
create index if not exists discrepancies_cycle on public.discrepancies (season_id, cycle);

-- Who may act on a season's accounts now, by the venue's clock.
create table if not exists public.leases (
    season_id text primary key,
    holder text not null,
    until timestamptz not null
);

-- The accounts of ENVIRONMENT=paper; each save raises the version, and only the version that was read may be followed.
create table if not exists public.paper_books (
    season_id text not null,
    account text not null,
    version integer not null check (version > 0),
    text text not null,
    primary key (season_id, account)
);
