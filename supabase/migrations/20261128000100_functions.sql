-- What the arena calls. Each function is one transaction: all of it or nothing. They are repeated after a lost answer, so that doing
-- the same again changes nothing. What may be refused comes back as a value; what is read comes back as the text of a JSON, since a
-- client that parses numbers as floats must not see an amount.

create or replace function public.schema_version() returns integer
language sql immutable security definer set search_path = '' as $$ select 5 $$;

-- The season as it was created, with its competitors, whoever created it.
create or replace function public.open_season(tables jsonb) returns text
language plpgsql security definer set search_path = '' as $$
declare
    season text := tables #>> '{seasons,0,season_id}';
begin
    insert into public.seasons (
        season_id, started_at, symbols, interval_seconds, market, settings, environment, account_mode, strategy,
        marks, journal_hash
    )
    select
        r.season_id, r.started_at, r.symbols, r.interval_seconds, r.market, r.settings, r.environment,
        r.account_mode, r.strategy, r.marks, r.journal_hash
    from jsonb_populate_recordset(null::public.seasons, tables -> 'seasons') as r
    on conflict do nothing;
    if found then
        insert into public.competitors (
            season_id, llm_id, provider, model, max_tokens, temperature, base_url, seed, baseline, thinking,
            reasoning_effort, capital
        )
        select
            r.season_id, r.llm_id, r.provider, r.model, r.max_tokens, r.temperature, r.base_url, r.seed, r.baseline,
            r.thinking, r.reasoning_effort, r.capital
        from jsonb_populate_recordset(null::public.competitors, tables -> 'competitors') as r;
        insert into public.llm_accounts (
            season_id, llm_id, booking, initial_balance, current_balance, unrealized_pnl, equity, total_pnl,
            realized_pnl, fees, funding, insurance, total_trades, winning_trades, losing_trades
        )
        select
            r.season_id, r.llm_id, r.booking, r.initial_balance, r.current_balance, r.unrealized_pnl, r.equity,
            r.total_pnl, r.realized_pnl, r.fees, r.funding, r.insurance, r.total_trades, r.winning_trades,
            r.losing_trades
        from jsonb_populate_recordset(null::public.llm_accounts, tables -> 'llm_accounts') as r;
        insert into public.ledger_entries (
            season_id, cycle, booking, llm_id, kind, symbol, amount, balance, reference, time
        )
        select
            r.season_id, r.cycle, r.booking, r.llm_id, r.kind, r.symbol, r.amount, r.balance, r.reference, r.time
        from jsonb_populate_recordset(null::public.ledger_entries, tables -> 'ledger_entries') as r;
    end if;
    return public.find_season(season);
end
$$;

create or replace function public.find_season(season text) returns text
language sql stable security definer set search_path = '' as $$
    select json_build_object(
        'seasons', (select json_agg(s) from public.seasons s where s.season_id = season),
        'competitors', (select json_agg(c order by c.id) from public.competitors c where c.season_id = season),
        'known', (
            select json_agg(k.season_id order by k.id desc)
            from (select s.id, s.season_id from public.seasons s order by s.id desc limit 5) as k
        )
    )::text
$$;

-- Claim a cycle's number: whether it is this claim's.
create or replace function public.begin_cycle(season text, number integer, scheduled_at timestamptz, claim text) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
    mine constant text := claim;
    wanted constant integer := number;
begin
    insert into public.cycles as c (season_id, number, scheduled_at, claim)
    values (season, wanted, begin_cycle.scheduled_at, mine)
    on conflict do nothing;
    return exists (select from public.cycles c where c.season_id = season and c.number = wanted and c.claim = mine);
end
$$;

-- Write orders down before they are sent: null, or the id of one that is written down with other contents.
create or replace function public.append_intents(season text, intents jsonb) returns text
language plpgsql security definer set search_path = '' set plan_cache_mode = force_generic_plan set jit = off as $$
declare
    other text;
begin
    select r.client_order_id into other
    from jsonb_populate_recordset(null::public.intents, intents) with ordinality as r
    cross join lateral (
        select i.* from public.intents as i
        where i.season_id = season and i.client_order_id = r.client_order_id
        offset 0  -- an id at a time; joined, they would be looked for in the whole season while the planner knows nothing of it
    ) as i
    where to_jsonb(i) - array['id', 'closed_booking', 'created_at', 'updated_at']
        <> to_jsonb(r) - array['id', 'closed_booking', 'created_at', 'updated_at', 'ordinality']
    order by r.ordinality limit 1;
    if found then
        return other;
    end if;
    insert into public.intents (
        season_id, cycle, llm_id, client_order_id, leg, symbol, side, position_side, order_type, quantity, price,
        trigger_price, leverage, thesis, arrival_price, formed_at, mark
    )
    select
        r.season_id, r.cycle, r.llm_id, r.client_order_id, r.leg, r.symbol, r.side, r.position_side, r.order_type,
        r.quantity, r.price, r.trigger_price, r.leverage, r.thesis, r.arrival_price, r.formed_at, r.mark
    from jsonb_populate_recordset(null::public.intents, intents) as r
    on conflict (season_id, client_order_id) do nothing;
    return null;
end
$$;

-- Book a unit of work: its rows by table. Returns a JSON with the outcome: booked, same (it was, with these contents), never_begun,
-- other_contents, moved (the books are elsewhere), unexplained (a wallet), vanished (positions without a trade).
create or replace function public.book(tables jsonb) returns text
language plpgsql security definer set search_path = ''
set plan_cache_mode = force_generic_plan set jit = off  -- planning costs more than writing, and the plan is kept
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off  -- also if it was made while the tables were empty
as $$
declare
    booking constant jsonb := tables #> '{bookings,0}';
    season constant text := booking ->> 'season_id';
    wanted constant integer := booking ->> 'number';
    of_cycle constant integer := booking ->> 'cycle';
    before text;
    last_number integer;
    last_hash text;
    cycle_status text;
    wrong json;
begin
    select s.journal_hash into before from public.seasons s where s.season_id = season for update;  -- one booking after the other
    perform from public.bookings b
    where b.season_id = season and b.number = wanted and b.payload_hash = booking ->> 'payload_hash';
    if found then
        return json_build_object('outcome', 'same');
    end if;
    select c.status into cycle_status from public.cycles c where c.season_id = season and c.number = of_cycle;
    if not found then
        return json_build_object('outcome', 'never_begun');
    end if;
    if booking ->> 'kind' = 'cycle' and cycle_status = 'booked' then
        return json_build_object('outcome', 'other_contents');
    end if;
    select b.number, b.journal_hash into last_number, last_hash
    from public.bookings b where b.season_id = season order by b.number desc limit 1;
    if wanted <> coalesce(last_number, 0) + 1 then
        return json_build_object('outcome', 'moved', 'at', coalesce(last_number, 0));
    end if;

    select json_build_object('outcome', 'unexplained', 'llm_id', w.llm_id, 'balance', (a.current_balance + e.sum)::text) into wrong
    from jsonb_to_recordset(tables -> 'llm_accounts') as w (llm_id text, current_balance numeric)
    left join public.llm_accounts a on a.season_id = season and a.llm_id = w.llm_id
    cross join lateral (
        select coalesce(sum(each.amount), 0) as sum
        from jsonb_to_recordset(tables -> 'ledger_entries') as each (llm_id text, amount numeric) where each.llm_id = w.llm_id
    ) as e
    where a.current_balance + e.sum is distinct from w.current_balance
    order by w.llm_id collate "C" limit 1;
    if found then
        return wrong;
    end if;
    select json_build_object('outcome', 'vanished', 'which', json_agg(p.name order by p.name collate "C")) into wrong
    from (
        select p.llm_id, p.symbol, p.side, p.opened_at, concat_ws(' ', p.llm_id, p.symbol, p.side) as name
        from public.positions p
        where p.season_id = season and p.status = 'open'
            and p.llm_id in (select w.llm_id from jsonb_to_recordset(tables -> 'llm_accounts') as w (llm_id text))
    ) as p
    where not exists (  -- held, or closed by a trade
        select from jsonb_to_recordset(tables -> 'positions')
            as each (llm_id text, symbol text, side text, status text, opened_at timestamptz)
        where each.llm_id = p.llm_id and each.symbol = p.symbol and each.side = p.side
            and (each.status = 'open' or each.opened_at = p.opened_at)
    )
    having count(*) > 0;
    if found then
        return wrong;
    end if;

    insert into public.bookings (
        season_id, number, cycle, kind, closed_at, cursor, foreign_holdings, closed_intents, marks, payload_hash,
        journal_hash
    )
    select
        r.season_id, r.number, r.cycle, r.kind, r.closed_at, r.cursor, r.foreign_holdings, r.closed_intents, r.marks,
        r.payload_hash, encode(sha256(convert_to(coalesce(last_hash, before) || r.payload_hash, 'UTF8')), 'hex')
    from jsonb_populate_record(null::public.bookings, booking) as r;
    insert into public.prompts (
        season_id, hash, part, text
    )
    select
        r.season_id, r.hash, r.part, r.text
    from jsonb_populate_recordset(null::public.prompts, tables -> 'prompts') as r
    on conflict do nothing;
    insert into public.configurations (
        season_id, hash, text
    )
    select
        r.season_id, r.hash, r.text
    from jsonb_populate_recordset(null::public.configurations, tables -> 'configurations') as r
    on conflict do nothing;
    insert into public.snapshots (
        season_id, cycle, hash, as_of
    )
    select
        r.season_id, r.cycle, r.hash, r.as_of
    from jsonb_populate_recordset(null::public.snapshots, tables -> 'snapshots') as r;
    insert into public.turns (
        season_id, cycle, llm_id, time, account_prompt, answer, failure, error, calls, notes, skipped, summary,
        prompt_hash, asked_at, deadline_at, answered_at, ordered_at
    )
    select
        r.season_id, r.cycle, r.llm_id, r.time, r.account_prompt, r.answer, r.failure, r.error, r.calls, r.notes,
        r.skipped, r.summary, r.prompt_hash, r.asked_at, r.deadline_at, r.answered_at, r.ordered_at
    from jsonb_populate_recordset(null::public.turns, tables -> 'turns') as r;
    insert into public.model_calls (
        season_id, cycle, llm_id, number, purpose, begun_at, latency_ms, fault, error, retry_after_ms, request_id,
        model, text, stop_reason, input_tokens, cached_tokens, output_tokens, cost_usd, parameters
    )
    select
        r.season_id, r.cycle, r.llm_id, r.number, r.purpose, r.begun_at, r.latency_ms, r.fault, r.error,
        r.retry_after_ms, r.request_id, r.model, r.text, r.stop_reason, r.input_tokens, r.cached_tokens,
        r.output_tokens, r.cost_usd, r.parameters
    from jsonb_populate_recordset(null::public.model_calls, tables -> 'model_calls') as r;
    insert into public.llm_decisions (
        season_id, cycle, llm_id, time, decision_type, symbol, reasoning, confidence, size_percent, leverage,
        entry_type, limit_price, stop_price, target_price, invalidation, outcome, full_response
    )
    select
        r.season_id, r.cycle, r.llm_id, r.time, r.decision_type, r.symbol, r.reasoning, r.confidence, r.size_percent,
        r.leverage, r.entry_type, r.limit_price, r.stop_price, r.target_price, r.invalidation, r.outcome,
        r.full_response
    from jsonb_populate_recordset(null::public.llm_decisions, tables -> 'llm_decisions') as r;
    insert into public.rejections (
        season_id, cycle, llm_id, symbol, action, reason, detail
    )
    select
        r.season_id, r.cycle, r.llm_id, r.symbol, r.action, r.reason, r.detail
    from jsonb_populate_recordset(null::public.rejections, tables -> 'rejections') as r;
    insert into public.orders (
        season_id, cycle, booking, llm_id, client_order_id, status, exchange_order_id, filled_quantity, code,
        message
    )
    select
        r.season_id, r.cycle, r.booking, r.llm_id, r.client_order_id, r.status, r.exchange_order_id,
        r.filled_quantity, r.code, r.message
    from jsonb_populate_recordset(null::public.orders, tables -> 'orders') as r;
    insert into public.fills (
        season_id, cycle, booking, llm_id, trade_id, exchange_order_id, client_order_id, symbol, side, position_side,
        quantity, price, fee, realized_pnl, cause, time, booked_cycle
    )
    select
        r.season_id, r.cycle, r.booking, r.llm_id, r.trade_id, r.exchange_order_id, r.client_order_id, r.symbol,
        r.side, r.position_side, r.quantity, r.price, r.fee, r.realized_pnl, r.cause, r.time, r.booked_cycle
    from jsonb_populate_recordset(null::public.fills, tables -> 'fills') as r;
    insert into public.foreign_fills (
        season_id, cycle, booking, account, trade_id, exchange_order_id, client_order_id, symbol, side,
        position_side, quantity, price, fee, time
    )
    select
        r.season_id, r.cycle, r.booking, r.account, r.trade_id, r.exchange_order_id, r.client_order_id, r.symbol,
        r.side, r.position_side, r.quantity, r.price, r.fee, r.time
    from jsonb_populate_recordset(null::public.foreign_fills, tables -> 'foreign_fills') as r;
    insert into public.funding (
        season_id, cycle, booking, llm_id, symbol, position_side, signed_quantity, mark_price, funding_rate, payment,
        time
    )
    select
        r.season_id, r.cycle, r.booking, r.llm_id, r.symbol, r.position_side, r.signed_quantity, r.mark_price,
        r.funding_rate, r.payment, r.time
    from jsonb_populate_recordset(null::public.funding, tables -> 'funding') as r;
    insert into public.ledger_entries (
        season_id, cycle, booking, llm_id, kind, symbol, amount, balance, reference, time
    )
    select
        r.season_id, r.cycle, r.booking, r.llm_id, r.kind, r.symbol, r.amount, r.balance, r.reference, r.time
    from jsonb_populate_recordset(null::public.ledger_entries, tables -> 'ledger_entries') as r;
    insert into public.equity_points (
        season_id, cycle, llm_id, time, wallet_balance, unrealized_pnl, equity
    )
    select
        r.season_id, r.cycle, r.llm_id, r.time, r.wallet_balance, r.unrealized_pnl, r.equity
    from jsonb_populate_recordset(null::public.equity_points, tables -> 'equity_points') as r;
    insert into public.position_points (
        season_id, cycle, llm_id, symbol, position_side, signed_quantity, entry_price, mark_price, unrealized_pnl,
        time
    )
    select
        r.season_id, r.cycle, r.llm_id, r.symbol, r.position_side, r.signed_quantity, r.entry_price, r.mark_price,
        r.unrealized_pnl, r.time
    from jsonb_populate_recordset(null::public.position_points, tables -> 'position_points') as r;
    insert into public.closed_trades (
        season_id, cycle, booking, llm_id, symbol, side, entry_price, exit_price, quantity, leverage, pnl, fees,
        funding, opened_at, closed_at, cause
    )
    select
        r.season_id, r.cycle, r.booking, r.llm_id, r.symbol, r.side, r.entry_price, r.exit_price, r.quantity,
        r.leverage, r.pnl, r.fees, r.funding, r.opened_at, r.closed_at, r.cause
    from jsonb_populate_recordset(null::public.closed_trades, tables -> 'closed_trades') as r;
    insert into public.discrepancies (
        season_id, cycle, booking, account, symbol, position_side, ledgers, foreign_quantity, venue
    )
    select
        r.season_id, r.cycle, r.booking, r.account, r.symbol, r.position_side, r.ledgers, r.foreign_quantity,
        r.venue
    from jsonb_populate_recordset(null::public.discrepancies, tables -> 'discrepancies') as r;
    insert into public.alerts (
        season_id, cycle, booking, kind, llm_id, text, time
    )
    select
        r.season_id, r.cycle, r.booking, r.kind, r.llm_id, r.text, r.time
    from jsonb_populate_recordset(null::public.alerts, tables -> 'alerts') as r;
    insert into public.llm_accounts as old (
        season_id, llm_id, booking, initial_balance, current_balance, unrealized_pnl, equity, total_pnl,
        realized_pnl, fees, funding, insurance, total_trades, winning_trades, losing_trades
    )
    select
        r.season_id, r.llm_id, r.booking, r.initial_balance, r.current_balance, r.unrealized_pnl, r.equity,
        r.total_pnl, r.realized_pnl, r.fees, r.funding, r.insurance, r.total_trades, r.winning_trades,
        r.losing_trades
    from jsonb_populate_recordset(null::public.llm_accounts, tables -> 'llm_accounts') as r
    on conflict (season_id, llm_id) do update set
        booking = excluded.booking, initial_balance = excluded.initial_balance,
        current_balance = excluded.current_balance, unrealized_pnl = excluded.unrealized_pnl,
        equity = excluded.equity, total_pnl = excluded.total_pnl, realized_pnl = excluded.realized_pnl,
        fees = excluded.fees, funding = excluded.funding, insurance = excluded.insurance,
        total_trades = excluded.total_trades, winning_trades = excluded.winning_trades,
        losing_trades = excluded.losing_trades;
    insert into public.positions as old (
        season_id, cycle, booking, llm_id, symbol, side, status, entry_price, quantity, leverage, mark_price,
        unrealized_pnl, signed_quantity, signed_cost, opened_at, closed_at, thesis, stop_order_id, target_order_id,
        opened_quantity, opened_notional, closed_quantity, closed_notional, realized_pnl, fees, funding
    )
    select
        r.season_id, r.cycle, r.booking, r.llm_id, r.symbol, r.side, r.status, r.entry_price, r.quantity, r.leverage,
        r.mark_price, r.unrealized_pnl, r.signed_quantity, r.signed_cost, r.opened_at, r.closed_at, r.thesis,
        r.stop_order_id, r.target_order_id, r.opened_quantity, r.opened_notional, r.closed_quantity,
        r.closed_notional, r.realized_pnl, r.fees, r.funding
    from jsonb_populate_recordset(null::public.positions, tables -> 'positions') as r
    on conflict (season_id, llm_id, symbol, side, opened_at) do update set
        cycle = excluded.cycle, booking = excluded.booking, status = excluded.status,
        entry_price = excluded.entry_price, quantity = excluded.quantity, leverage = excluded.leverage,
        mark_price = excluded.mark_price, unrealized_pnl = excluded.unrealized_pnl,
        signed_quantity = excluded.signed_quantity, signed_cost = excluded.signed_cost,
        closed_at = excluded.closed_at, thesis = coalesce(excluded.thesis, old.thesis),
        stop_order_id = excluded.stop_order_id, target_order_id = excluded.target_order_id,
        opened_quantity = coalesce(excluded.opened_quantity, old.opened_quantity),
        opened_notional = coalesce(excluded.opened_notional, old.opened_notional),
        closed_quantity = coalesce(excluded.closed_quantity, old.closed_quantity),
        closed_notional = coalesce(excluded.closed_notional, old.closed_notional),
        realized_pnl = excluded.realized_pnl, fees = excluded.fees, funding = excluded.funding;
    update public.cycles as c set
        status = r.status, scheduled_at = r.scheduled_at, closed_at = r.closed_at,
        static_prompt_hash = r.static_prompt_hash, market_prompt_hash = r.market_prompt_hash,
        prompt_hash = r.prompt_hash, snapshot_hash = r.snapshot_hash, configuration_hash = r.configuration_hash,
        execution_order = r.execution_order, booking = r.booking, requests = r.requests,
        request_weight = r.request_weight
    from jsonb_populate_recordset(null::public.cycles, tables -> 'cycles') as r
    where c.season_id = r.season_id and c.number = r.number;
    update public.intents as i set closed_booking = wanted
    where i.season_id = season and i.closed_booking is null
        and i.client_order_id = any (array(select jsonb_array_elements_text(booking -> 'closed_intents')));
    return json_build_object('outcome', 'booked');
end
$$;

-- The rows that the next cycle starts from, by table; the client puts them together (state.py).
-- asked: season_id, as_of, hour_ago, midnight, past_turns, lately_seconds.
create or replace function public.season_state(asked jsonb) returns text
language plpgsql stable security definer set search_path = '' set plan_cache_mode = force_custom_plan set jit = off as $$
declare
    season constant text := asked ->> 'season_id';
    until constant timestamptz := asked ->> 'as_of';
    last public.bookings;
    begins timestamptz;
    told bigint[];
    late timestamptz;
    written bigint[];
begin
    select s.started_at into begins from public.seasons s where s.season_id = season;
    if not found then
        return public.find_season(season);
    end if;
    select b.* into last from public.bookings b where b.season_id = season order by b.number desc limit 1;
    late := coalesce(last.closed_at, begins) - make_interval(secs => (asked ->> 'lately_seconds')::numeric::double precision);
    select array_agg(t.id) into told
    from public.competitors c
    cross join lateral (
        select t.id from public.turns t where t.season_id = season and t.llm_id = c.llm_id
        order by t.cycle desc limit (asked ->> 'past_turns')::integer
    ) as t
    where c.season_id = season;
    select array_agg(i.id) into written
    from (
        select i.id from public.intents i where i.season_id = season and i.closed_booking is null
        union all
        select i.id from public.intents i
        where i.season_id = season and i.order_type = 'LIMIT' and i.closed_booking is not null
            and i.cycle in (select t.cycle from public.turns t where t.id = any(told))
    ) as i;
    return json_build_object(
        'seasons', (select json_agg(s) from public.seasons s where s.season_id = season),
        'competitors', (select json_agg(c order by c.id) from public.competitors c where c.season_id = season),
        'cycles', (
            select json_agg(c) from (
                (select * from public.cycles c where c.season_id = season order by c.number desc limit 1)
                union
                (select * from public.cycles c where c.season_id = season and c.status = 'booked' order by c.number desc limit 1)
            ) as c
        ),
        'bookings', case when last.id is null then null else json_build_array(last) end,
        'llm_accounts', (select json_agg(a order by a.id) from public.llm_accounts a where a.season_id = season),
        'positions', (
            select json_agg(p order by p.opened_at, p.symbol collate "C", p.side collate "C")
            from public.positions p where p.season_id = season and p.status = 'open'
        ),
        'intents', (select json_agg(i order by i.id) from public.intents i where i.id = any(written)),
        'turns', (
            select json_agg(json_build_object(
                'id', t.id, 'cycle', t.cycle, 'llm_id', t.llm_id, 'time', t.time, 'calls', t.calls, 'summary', t.summary
            ) order by t.time, t.id)
            from public.turns t
            where t.id in (
                select unnest(told)
                union
                select o.id from public.turns o
                where o.season_id = season and o.calls > 0 and o.time > (asked ->> 'hour_ago')::timestamptz and o.time <= until
            )
        ),
        'fills', (
            select json_agg(f order by f.time, f.id)
            from public.fills f
            where f.id in (
                select o.id from public.fills o where o.season_id = season and o.time > late
                union
                select o.id from public.intents i
                join public.fills o on o.season_id = season and o.client_order_id = i.client_order_id
                where i.id = any(written)
            )
        ),
        'funding', (select json_agg(f order by f.id) from public.funding f where f.season_id = season and f.time > late),
        'closed_trades', (
            select json_agg(t order by t.closed_at, t.id)
            from public.closed_trades t
            where t.season_id = season and t.cause <> 'decision' and t.closed_at >= coalesce((
                select max(c.scheduled_at) from public.cycles c
                where c.season_id = season and c.status = 'booked' and c.number = (
                    select max(b.number) from public.cycles b where b.season_id = season and b.status = 'booked'
                )
            ), '-infinity')
        ),
        'model_calls', (
            select json_agg(json_build_object('llm_id', m.llm_id, 'cost_usd', m.cost_usd, 'scheduled_at', c.scheduled_at) order by m.id)
            from public.cycles c
            join public.model_calls m on m.season_id = c.season_id and m.cycle = c.number
            where c.season_id = season and c.scheduled_at >= (asked ->> 'midnight')::timestamptz and c.scheduled_at <= until
                and m.cost_usd is not null
        )
    )::text;
end
$$;

-- A page of a table in booking order, after a row's id.
create or replace function public.table_rows(name text, season text, after bigint, page integer) returns text
language plpgsql stable security definer set search_path = '' as $$
declare
    found_rows text;
begin
    execute format(
        'select json_agg(r)::text from (select * from public.%I t where t.season_id = $1 and t.id > $2 order by t.id limit $3) as r',
        name
    ) into found_rows using season, after, page;
    return found_rows;
end
$$;

create or replace function public.standing(season text) returns text
language sql stable security definer set search_path = '' as $$
    select json_build_object('status', s.status, 'reason', s.reason, 'time', s.time)::text
    from public.standings s where s.season_id = season order by s.id desc limit 1
$$;

-- Note where a season stands: written, ended (nothing follows that) or unknown (the season).
create or replace function public.stand(season text, status text, reason text, "time" timestamptz) returns text
language plpgsql security definer set search_path = '' as $$
declare
    last public.standings;
begin
    perform from public.seasons s where s.season_id = season for update;  -- one after the other
    if not found then
        return 'unknown';
    end if;
    select s.* into last from public.standings s where s.season_id = season order by s.id desc limit 1;
    if (last.status, last.reason, last.time) = (stand.status, stand.reason, stand.time) then
        return 'written';
    end if;
    if last.status = 'ended' then
        return 'ended';
    end if;
    insert into public.standings (season_id, status, reason, time) values (season, stand.status, stand.reason, stand.time);
    return 'written';
end
$$;

-- Take the lease on a season's accounts, or hold it longer: false while somebody else's has not run out.
create or replace function public.take_lease(season text, wanted text, moment timestamptz, until timestamptz) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
    ends constant timestamptz := until;
begin
    insert into public.leases as l (season_id, holder, until) values (season, wanted, ends)
    on conflict (season_id) do update set holder = excluded.holder, until = excluded.until
    where l.holder = excluded.holder or l.until <= moment;
    return found;
end
$$;

create or replace function public.release_lease(season text, wanted text) returns void
language sql security definer set search_path = '' as $$
    delete from public.leases l where l.season_id = season and l.holder = wanted
$$;

create or replace function public.load_paper_book(season text, of_account text) returns text
language sql stable security definer set search_path = '' as $$
    select json_build_object('version', b.version, 'text', b.text)::text
    from public.paper_books b where b.season_id = season and b.account = of_account
$$;

-- Save the text that follows a version: false where another one has followed it meanwhile.
create or replace function public.save_paper_book(season text, of_account text, follows integer, book text) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
    if follows = 0 then
        insert into public.paper_books as b (season_id, account, version, text) values (season, of_account, 1, book)
        on conflict do nothing;
    else
        update public.paper_books as b set text = book, version = b.version + 1
        where b.season_id = season and b.account = of_account and b.version = follows;
    end if;
    return found or exists (
        select from public.paper_books b
        where b.season_id = season and b.account = of_account and b.version = follows + 1 and b.text = book
    );
end
$$;

-- Who leads: every account with its worth, best first.
create or replace view public.leaderboard with (security_invoker = true) as
select
    a.season_id, a.llm_id, c.provider, c.model, c.baseline, a.equity, a.equity / a.initial_balance - 1 as roi,
    a.current_balance, a.unrealized_pnl, a.fees, a.funding, a.total_trades, a.winning_trades, a.losing_trades,
    rank() over (partition by a.season_id order by a.equity desc) as place
from public.llm_accounts a
join public.competitors c using (season_id, llm_id);
revoke all on public.leaderboard from public, anon, authenticated;
grant select on public.leaderboard to service_role, arena_dashboard;

do $$
declare
    called text;
begin
    for called in
        select p.oid::regprocedure from pg_catalog.pg_proc p
        where p.pronamespace = 'public'::regnamespace and p.proname = any (array[
            'schema_version', 'open_season', 'find_season', 'begin_cycle', 'append_intents', 'book', 'season_state', 'table_rows',
            'standing', 'stand', 'take_lease', 'release_lease', 'load_paper_book', 'save_paper_book'
        ])
    loop
        execute format('revoke execute on function %s from public, anon, authenticated', called);
        execute format('grant execute on function %s to service_role', called);
    end loop;
end
$$;
notify pgrst, 'reload schema';
