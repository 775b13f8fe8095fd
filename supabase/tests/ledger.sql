-- What the schema promises on its own, whoever comes: tables, locks on what happened, and who may call what.
begin;
create extension if not exists pgtap with schema extensions;
select plan(55);

select has_table('public', each, each) from unnest(array[
    'seasons', 'competitors', 'cycles', 'bookings', 'llm_accounts', 'llm_decisions', 'positions', 'closed_trades', 'snapshots',
    'prompts', 'model_calls', 'intents', 'orders', 'fills', 'funding', 'ledger_entries', 'equity_points', 'alerts'
]) as each;
select columns_are('public', 'paper_books', array['season_id', 'account', 'version', 'text']);
select col_type_is('public', 'ledger_entries', 'amount', 'numeric', 'money has no scale that would round it');
select col_type_is('public', 'ledger_entries', 'time', 'timestamp with time zone', 'a time knows its zone');
select col_type_is('public', 'llm_decisions', 'full_response', 'jsonb', 'an answer can be queried');
select col_is_unique('public', 'bookings', array['season_id', 'number'], 'a booking has one number');
select col_is_unique('public', 'llm_accounts', array['season_id', 'llm_id'], 'a competitor has one account');

select table_privs_are('public', each, 'anon', array[]::text[], 'anon: ' || each)
from unnest(array['seasons', 'fills', 'ledger_entries', 'leases', 'paper_books', 'standings']) as each;
select table_privs_are('public', each, 'service_role', array['SELECT'], 'the service reads: ' || each)
from unnest(array['seasons', 'fills', 'ledger_entries', 'llm_accounts', 'positions']) as each;
select function_privs_are('public', 'book', array['jsonb'], each, array[]::text[], each || ' books nothing')
from unnest(array['anon', 'authenticated', 'arena_dashboard']) as each;
select function_privs_are('public', 'book', array['jsonb'], 'service_role', array['EXECUTE'], 'the service books');
select is_definer('public', each, each || ' acts as the owner')
from unnest(array['open_season', 'begin_cycle', 'append_intents', 'book', 'season_state', 'table_rows']) as each;

insert into public.seasons (
    season_id, started_at, symbols, interval_seconds, market, settings, environment, account_mode, strategy, marks, journal_hash
) values ('s', now(), '["BTCUSDT"]', 300, '', '', 'demo', 'shared', '', '', '');
insert into public.competitors (season_id, llm_id, provider, model, max_tokens, baseline, capital)
values ('s', 'LLM-A', 'claude', 'm', 1, false, 200);
insert into public.ledger_entries (season_id, llm_id, kind, symbol, amount, balance, reference, time)
values ('s', 'LLM-A', 'capital', '', 200, 200, 'capital', now());

select throws_ok($$update public.ledger_entries set amount = 201$$, 'AR403', 'ledger_entries is append-only');
select throws_ok($$delete from public.ledger_entries$$, 'AR403', 'ledger_entries is append-only');
select throws_ok($$truncate public.ledger_entries$$, 'AR403', 'ledger_entries is append-only');
select throws_ok($$delete from public.seasons$$, 'AR403', 'seasons is append-only');
select throws_ok(
    $$insert into public.ledger_entries (season_id, llm_id, kind, symbol, amount, balance, reference, time)
      values ('s', 'LLM-A', 'capital', '', 200, 400, 'capital', now())$$,
    '23505', null, 'an entry is there once'
);
select throws_ok(
    $$insert into public.competitors (season_id, llm_id, provider, model, max_tokens, baseline, capital)
      values ('s', 'LLM-B', 'claude', 'm', 1, false, 0)$$,
    '23514', null, 'a competitor has capital'
);
select is(public.begin_cycle('s', 1, now(), 'one'), true, 'a cycle is claimed');
select is(public.begin_cycle('s', 1, now(), 'one'), true, 'the same claim again is the same claim');
select is(public.begin_cycle('s', 1, now(), 'two'), false, 'another claim comes too late');
select throws_ok($$delete from public.cycles$$, 'AR403', 'cycles is append-only');

select * from finish();
rollback;
