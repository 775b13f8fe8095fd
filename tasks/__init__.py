"""Thin Prefect tasks: each wraps one call of the arena, and says how often it may be repeated."""
