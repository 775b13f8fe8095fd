"""What the programs that scripts start find in their environment."""

from __future__ import annotations

from collections.abc import Mapping

from arena.settings import Settings

SERVER = {  # Prefect's settings for a private server on SQLite
    "PREFECT_API_TLS_INSECURE_SKIP_VERIFY": "true",  # it is plain HTTP on loopback; loading certificates costs 40 ms a client
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_LOGGING_SERVER_LEVEL": "WARNING",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TRIGGERS_READ_BATCH_SIZE": "100",
}
KEPT = {  # how long a server that runs for months keeps what it has seen, 85 MB a day; the books are elsewhere, and stay
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": "P7D",
    "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "P3D",
}


def without_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which neither the arena nor Prefect is told anything: what is set for real trading has no say."""
    ours = {name.upper() for name in Settings.model_fields}
    return {
        name: value
        for name, value in environ.items()
        if name.upper() not in ours and not name.startswith(("LLM_", "PREFECT_", "ARENA_"))
    }


def without_prefect(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment that names no other Prefect server."""
    return {name: value for name, value in environ.items() if not name.startswith("PREFECT_")}
