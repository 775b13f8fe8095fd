"""Seasons of rules and recorded decisions over recorded candles, compiled: the paper engine's rules a second time, for speed.

tape.py  contracts.py   a market and what may be traded, as arrays
seat.py                 one account at it
decisions.py            what it wants at a bar's open, and what comes of it
bar.py  liquidation.py  what happens inside a bar
corridor.py             bars in which certainly nothing happens
season.py  engine.py    one competitor's season; all of them
rules.py                what simple rules want
matched.py              what luck alone makes of a competitor's trades
"""
