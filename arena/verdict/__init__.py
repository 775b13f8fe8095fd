"""What a season's records say about who is better, and how sure that is.

rows.py                         what is read of a season
hours.py                        everybody's equity on one grid of hours
contestants.py                  which competitors are one model
frame.py  market.py             a season's frame, and its market as the compiled engine sees it
signals.py  baselines.py        what rules make of that market
traded.py  luck.py  others.py   and what chance makes of a competitor's trades
conduct.py  trading.py  subjects.py   how each competitor has answered, what it cost, where its profit came from
lines.py                        the rows of the comparison
judge.py  judgement.py          all of it put together, as the report, the page and `arena verdict` show it
words.py                        and as sentences
"""
