"""Candles from files: recorded ones, or a generated market written in the same layout.

A market is a folder with a file a symbol, such as `5m/BTCUSDT.parquet` with `open_time` (timestamp, UTC), `open`, `high`, `low`,
`close` (USDT) and `volume` (base asset). Beside that folder there may be `funding/` (`funding_time`, `funding_rate`) and
`mark-1h/` (the mark price's candles of one hour). CSV files of the same columns are read as well, and so is Binance's public
archive as it is downloaded.
"""

from arena.adapters.recorded.archive import CandleArchive
from arena.adapters.recorded.generated import generate_market

__all__ = ["CandleArchive", "generate_market"]
