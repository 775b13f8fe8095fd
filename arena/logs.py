"""Where the arena's log lines go: to the console, and to LOG_FILE_PATH where it is set."""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler

from arena.settings import Settings

FILE_BYTES, FILES = 5_000_000, 5
FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def configure_logging(settings: Settings) -> None:
    """Set the level (DEBUG=true overrides LOG_LEVEL) and the rotated file of the arena's own loggers; safe to repeat."""
    root = logging.getLogger("arena")
    root.setLevel(logging.DEBUG if settings.debug else settings.log_level)
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    if settings.log_file_path is not None:
        settings.log_file_path.parent.mkdir(parents=True, exist_ok=True)
        file = RotatingFileHandler(settings.log_file_path, maxBytes=FILE_BYTES, backupCount=FILES, encoding="utf-8")
        file.setFormatter(logging.Formatter(FORMAT))
        root.addHandler(file)
