"""Supabase's data API on this machine: one server for all tests, emptied before each.

def test_it(supabase: Stack) -> None:
    client = create_client(supabase.url, supabase.service_key)

A test that makes tables of its own takes `supabase_stack.fresh_database()`, or a `running(migrations=...)` of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from scripts.supabase_local.stack import Stack, missing, running

# Deleting beats truncating here: a truncated table gets new files, a deleted one of few rows does not. As a replica no trigger
# fires, so neither foreign keys nor append-only tables object, in any order. Rows that a migration has written go, too.
EMPTY = """
do $$
declare
    one regclass;
begin
    set local session_replication_role = replica;
    for one in select oid from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' loop
        execute format('delete from %s', one);
    end loop;
end
$$
"""


@pytest.fixture(scope="session")
def supabase_stack() -> Iterator[Stack]:
    """One for the whole run. Its commits outlive kills but no power failure, which is faster."""
    require(missing())
    with running(durable=False) as stack:
        yield stack


@pytest.fixture
def supabase(supabase_stack: Stack) -> Stack:
    """The same, mended, calm, and with empty tables."""
    renew(supabase_stack)
    return supabase_stack


def renew(stack: Stack) -> None:
    """Undo what a test has done to it."""
    if not (stack.postgres.alive and stack.rest.alive and stack.rest.answers()):
        stack.recover()
    stack.gateway.calm()
    empty(stack)


def empty(stack: Stack) -> None:
    """Delete every row of the public schema."""
    stack.sql(EMPTY)


def require(lacking: str | None) -> None:
    """Skip a test in one line where this machine cannot run it; what checks a change must be able to.

    Args:
        lacking: What is missing, in a sentence; None if nothing.
    """
    if lacking is not None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(lacking)
