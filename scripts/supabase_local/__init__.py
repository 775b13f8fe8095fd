"""Supabase's data API on this machine, without Docker: Postgres, PostgREST and a gateway in front of it.

What the hosted one has beside it is not here: sign-in, realtime, storage, a connection pooler, TLS.
"""
