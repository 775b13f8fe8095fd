"""`arena data download`: candles, mark price and fundings of the past, from the venue into the files that the simulator reads."""

from arena.download.run import Downloaded, download, is_there
from arena.download.wanted import Wanted, read_wanted

__all__ = ["Downloaded", "Wanted", "download", "is_there", "read_wanted"]
