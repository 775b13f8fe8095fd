"""`make up`, `make status`, `make down`: a season that runs by itself on this machine, under one supervisor.

base.py       the directory in which all of it lives
rehearsal.py  the season of a clone without keys
programs.py  simulator.py   what runs: the one table
supervision.py  leftovers.py   supervisord, and processes that outlived one
schedule.py   the trading cycle as Prefect's server knows it
start.py  stop.py  status.py   the three commands
"""
