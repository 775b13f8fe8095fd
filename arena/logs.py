"""Where the arena's log lines go: to stdout for people, and to LOG_FILE_PATH as JSON, an object a line.

Each line says which season, cycle and competitor it is about, where one is: whoever begins with one binds it
(`structlog.contextvars`), and all that runs within, tasks and threads too, is about it.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, MutableMapping
from pathlib import Path
from typing import Any, TextIO

from structlog.contextvars import bound_contextvars

from arena.application.levels import Level, level_of
from arena.application.record import Alert
from arena.redaction import redacted
from arena.settings import Settings

FILE_BYTES, FILES = 5_000_000, 5

_LEVELS = {Level.INFO: logging.INFO, Level.WARNING: logging.WARNING, Level.CRITICAL: logging.CRITICAL}

Event = MutableMapping[str, Any]

_added: list[logging.Handler] = []


def configure_logging(settings: Settings, *others: logging.Handler) -> None:
    """Set where the arena's own loggers write, and their level (DEBUG=true overrides LOG_LEVEL); safe to repeat.

    Args:
        settings: LOG_LEVEL, DEBUG, LOG_FILE_PATH; a file that is not set is not written.
        others: Who else is told.
    """
    arena = logging.getLogger("arena")
    arena.setLevel(logging.DEBUG if settings.debug else settings.log_level)
    while _added:
        handler = _added.pop()
        arena.removeHandler(handler)
        handler.close()
    _added.extend((_stdout(), *([_file(settings.log_file_path)] if settings.log_file_path else ()), *others))
    for handler in _added:
        arena.addHandler(handler)
    for console in logging.getLogger().handlers:  # what others have set up, such as Prefect: it would say everything again
        if isinstance(console, logging.StreamHandler) and getattr(console.stream, "name", "") in {"<stderr>", "<stdout>"}:
            console.addFilter(_not_ours)


def log_alerts(log: logging.Logger, alerts: Iterable[Alert]) -> None:
    """Write a line for each alert, as grave as it is."""
    for alert in alerts:
        with bound_contextvars(**({} if alert.llm_id is None else {"competitor": alert.llm_id})):
            log.log(_LEVELS[level_of(alert.kind)], alert.text)


def redact_logs() -> None:
    """Keep known secrets out of every log record of this process, whichever library writes it, whoever prints it."""
    made = logging.getLogRecordFactory()
    if not isinstance(made, _Redacting):
        logging.setLogRecordFactory(_Redacting(made))


class _Redacting:
    """Makes log records without secrets; one that holds none is as it would be."""

    def __init__(self, made: Any) -> None:
        self._made = made

    def __call__(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record: logging.LogRecord = self._made(*args, **kwargs)
        try:
            said = record.getMessage()
        except Exception:  # its arguments do not fit, which the handler would show together with them
            said = f"{record.msg} {record.args}"
        if (clean := redacted(said)) != said:
            record.msg, record.args = clean, ()
        if record.exc_info and record.exc_info[0]:
            traceback = logging.Formatter().formatException(record.exc_info)
            if (clean := redacted(traceback)) != traceback:
                record.exc_text, record.exc_info = clean, None
        if record.stack_info:
            record.stack_info = redacted(record.stack_info)
        return record


class _Stdout(logging.StreamHandler[TextIO]):
    """Writes to what is stdout at that moment."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:
        return sys.stdout

    @stream.setter
    def stream(self, stream: TextIO) -> None:
        """Nothing: it is asked for each time."""


def _stdout() -> logging.Handler:
    import structlog

    handler = _Stdout()
    renderer = structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), exception_formatter=structlog.dev.plain_traceback)
    handler.setFormatter(_formatter(renderer))
    return handler


def _file(path: Path) -> logging.Handler:
    """Return the rotated file, which many processes write at once: each line under a lock, and so is the rotation.

    A file for each process would be one for each cycle and each sweep, as these are processes of their own.
    """
    import structlog
    from concurrent_log_handler import ConcurrentRotatingFileHandler

    path.parent.mkdir(parents=True, exist_ok=True)
    handler = ConcurrentRotatingFileHandler(path, maxBytes=FILE_BYTES, backupCount=FILES, encoding="utf-8")
    handler.setFormatter(_formatter(structlog.processors.JSONRenderer(ensure_ascii=False)))
    return handler


def _formatter(renderer: Any) -> logging.Formatter:
    import structlog

    chain = [
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.contextvars.merge_contextvars,
        structlog.processors.format_exc_info,
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        renderer,
    ]
    return structlog.stdlib.ProcessorFormatter(processors=chain, foreign_pre_chain=[_traceback_text])


def _traceback_text(_logger: Any, _name: str, event: Event) -> Event:
    if event["_record"].exc_text and "exc_info" not in event:
        event["exception"] = event["_record"].exc_text
    return event


def _not_ours(record: logging.LogRecord) -> bool:
    return record.name != "arena" and not record.name.startswith("arena.")
