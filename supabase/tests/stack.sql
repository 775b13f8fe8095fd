-- What migrations may count on, and what nobody is given unasked.
begin;
create extension if not exists pgtap with schema extensions;
select plan(18);

select has_role(each) from unnest(array['anon', 'authenticated', 'service_role', 'authenticator', 'postgres']) as each;
select isnt_superuser(each) from unnest(array['anon', 'authenticated', 'service_role', 'authenticator', 'postgres']) as each;
select set_eq(
    'select rolname::text from pg_roles where rolbypassrls and not rolsuper',
    array['postgres', 'service_role'],
    'row level security holds for anon, authenticated and authenticator'
);
select is_member_of(each, 'authenticator') from unnest(array['anon', 'authenticated', 'service_role']) as each;
select is_empty('select from pg_default_acl', 'there are no default privileges');

create table public.unasked (id int);
select table_privs_are('public', 'unasked', each, array[]::text[], each || ' may not touch a new table')
from unnest(array['anon', 'authenticated', 'service_role']) as each;

select * from finish();
rollback;
