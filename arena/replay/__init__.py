"""Seasons of rules and recorded decisions over recorded candles, compiled: the paper engine's rules a second time, for speed.

tape.py       a market as arrays
contracts.py  what may be traded, as arrays
orders.py     what each competitor wants, bar by bar, and how large
bar.py        what happens inside a bar
account.py    one competitor's season
engine.py     all of them
"""
