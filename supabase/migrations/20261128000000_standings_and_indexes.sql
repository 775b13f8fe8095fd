-- Where a season stands; the last row counts, and one that has ended is never followed.
create table if not exists public.standings (
    id bigint generated always as identity primary key,
    season_id text not null references public.seasons (season_id) on delete restrict,
    status text not null check (status in ('running', 'halted', 'ended')),
    reason text not null,
    time timestamptz not null,
    created_at timestamptz not null default now()
);
create index if not exists standings_season on public.standings (season_id, id);
alter table public.standings enable row level security;
revoke all on public.standings from public, anon, authenticated, service_role, arena_dashboard;
grant select on public.standings to service_role, arena_dashboard;
drop policy if exists dashboard_reads on public.standings;
create policy dashboard_reads on public.standings for select to arena_dashboard using (true);
create or replace trigger unchanged before update or delete on public.standings
    for each row execute function public.refuse_change();
create or replace trigger kept before truncate on public.standings
    for each statement execute function public.refuse_change();

-- An index that only answers for a foreign key, or finds by time, begins with what it is found by and not with the season: a plan
-- that is made while the tables are empty, and then kept by a connection, takes any index that begins with the season for as good
-- as the unique key, and would walk through the season's rows at every check of a foreign key.

drop index if exists public.cycles_scheduled;
create index cycles_scheduled on public.cycles (scheduled_at, season_id);
drop index if exists public.bookings_cycle;
create index bookings_cycle on public.bookings (cycle, season_id);
drop index if exists public.turns_cycle;
create index turns_cycle on public.turns (cycle, season_id);
drop index if exists public.rejections_cycle;
create index rejections_cycle on public.rejections (cycle, season_id);
drop index if exists public.intents_cycle;
create index intents_cycle on public.intents (cycle, season_id);
drop index if exists public.intents_competitor;
create index intents_competitor on public.intents (llm_id, season_id);
drop index if exists public.orders_cycle;
create index orders_cycle on public.orders (cycle, season_id);
drop index if exists public.fills_competitor;
create index fills_competitor on public.fills (llm_id, season_id);
drop index if exists public.fills_cycle;
create index fills_cycle on public.fills (booked_cycle, season_id);
drop index if exists public.foreign_fills_cycle;
create index foreign_fills_cycle on public.foreign_fills (cycle, season_id);
drop index if exists public.funding_cycle;
create index funding_cycle on public.funding (cycle, season_id);
drop index if exists public.ledger_entries_cycle;
create index ledger_entries_cycle on public.ledger_entries (cycle, season_id);
drop index if exists public.equity_points_cycle;
create index equity_points_cycle on public.equity_points (cycle, season_id);
drop index if exists public.positions_cycle;
create index positions_cycle on public.positions (cycle, season_id);
drop index if exists public.closed_trades_cycle;
create index closed_trades_cycle on public.closed_trades (cycle, season_id);
drop index if exists public.alerts_cycle;
create index alerts_cycle on public.alerts (cycle, season_id);
drop index if exists public.discrepancies_cycle;
create index discrepancies_cycle on public.discrepancies (cycle, season_id);
