-- Who may do what. Writing goes through the functions of the next migration alone, for the service's key too; what happened cannot
-- be changed by anybody who does not own the tables.

do $$
begin
    if not exists (select from pg_catalog.pg_roles where rolname = 'arena_dashboard') then
        create role arena_dashboard nologin noinherit;
    end if;
end
$$;
grant arena_dashboard to authenticator;
grant usage on schema public to arena_dashboard, service_role;

create or replace function public.refuse_change() returns trigger
language plpgsql set search_path = '' as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'AR403';
end
$$;

create or replace function public.refuse_second_end() returns trigger
language plpgsql set search_path = '' as $$
begin
    if tg_table_name = 'cycles' then
        raise exception 'a booked cycle is never changed' using errcode = 'AR403';
    end if;
    raise exception 'an intent is never changed, but closed once' using errcode = 'AR403';
end
$$;

create or replace function public.touch() returns trigger
language plpgsql set search_path = '' as $$
begin
    new.updated_at = now();
    return new;
end
$$;

do $$
declare
    name text;
begin
    foreach name in array array[
        'seasons', 'competitors', 'cycles', 'bookings', 'llm_accounts', 'prompts', 'configurations', 'snapshots',
        'turns', 'model_calls', 'llm_decisions', 'rejections', 'intents', 'orders', 'fills', 'foreign_fills',
        'funding', 'ledger_entries', 'equity_points', 'position_points', 'positions', 'closed_trades',
        'discrepancies', 'alerts', 'leases', 'paper_books'
    ] loop
        execute format('alter table public.%I enable row level security', name);
        execute format('revoke all on public.%I from public, anon, authenticated, service_role, arena_dashboard', name);
    end loop;
    foreach name in array array[
        'seasons', 'competitors', 'cycles', 'bookings', 'llm_accounts', 'prompts', 'configurations', 'snapshots',
        'turns', 'model_calls', 'llm_decisions', 'rejections', 'intents', 'orders', 'fills', 'foreign_fills',
        'funding', 'ledger_entries', 'equity_points', 'position_points', 'positions', 'closed_trades',
        'discrepancies', 'alerts'
    ] loop  -- readers
        execute format('grant select on public.%I to service_role, arena_dashboard', name);
        execute format('drop policy if exists dashboard_reads on public.%I', name);
        execute format('create policy dashboard_reads on public.%I for select to arena_dashboard using (true)', name);
    end loop;
    foreach name in array array[
        'seasons', 'competitors', 'bookings', 'prompts', 'configurations', 'snapshots', 'turns', 'model_calls', 'llm_decisions',
        'rejections', 'orders', 'fills', 'foreign_fills', 'funding', 'ledger_entries', 'equity_points',
        'position_points', 'closed_trades', 'discrepancies', 'alerts'
    ] loop
        execute format(
            'create or replace trigger unchanged before update or delete on public.%I '
            'for each row execute function public.refuse_change()', name
        );
    end loop;
    foreach name in array array[
        'seasons', 'competitors', 'cycles', 'bookings', 'llm_accounts', 'prompts', 'configurations', 'snapshots',
        'turns', 'model_calls', 'llm_decisions', 'rejections', 'intents', 'orders', 'fills', 'foreign_fills',
        'funding', 'ledger_entries', 'equity_points', 'position_points', 'positions', 'closed_trades',
        'discrepancies', 'alerts'
    ] loop  -- a row's trigger does not see this one
        execute format(
            'create or replace trigger kept before truncate on public.%I '
            'for each statement execute function public.refuse_change()', name
        );
    end loop;
    foreach name in array array['cycles', 'llm_accounts', 'intents', 'positions'] loop
        execute format(
            'create or replace trigger touched before update on public.%I for each row execute function public.touch()', name
        );
    end loop;
end
$$;

create or replace trigger ended before update on public.cycles for each row when (old.status = 'booked')
    execute function public.refuse_second_end();
create or replace trigger ended before update on public.intents
    for each row when (old.closed_booking is not null or new.closed_booking is null)
    execute function public.refuse_second_end();
create or replace trigger unremoved before delete on public.cycles for each row execute function public.refuse_change();
create or replace trigger unremoved before delete on public.intents for each row execute function public.refuse_change();
