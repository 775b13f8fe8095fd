"""A run's log lines: where all of the arena's go, and to the run in the Prefect UI."""

from __future__ import annotations

import logging

from prefect.context import FlowRunContext, TaskRunContext
from prefect.logging.handlers import APILogHandler
from structlog.contextvars import bind_contextvars, clear_contextvars

from arena.logs import configure_logging
from arena.settings import Settings


class RunLog(APILogHandler):
    """Shows lines at the run in which they are written; those of no run are not Prefect's."""

    def emit(self, record: logging.LogRecord) -> None:
        """Send a line to Prefect's server, in the background."""
        if FlowRunContext.get() or TaskRunContext.get():
            super().emit(record)


def begin_logging(settings: Settings) -> None:
    """Log as the settings say, about their season; what a run before this one was about is over."""
    configure_logging(settings, RunLog())
    clear_contextvars()
    bind_contextvars(season=settings.season)
