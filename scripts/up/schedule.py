"""What Prefect's server knows of the trading cycle: the run that ended last, and the next one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from arena.schedules import TRADING
from deployments.server import PrefectServer

ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
DONE = "Completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Of the trading cycle; times are the wall's, UTC.

    Attributes:
        paused: Nothing is started by the schedule.
        next_at: None where nothing is scheduled.
        completed_at: End of the last run that completed, however others ended since.
        last_state, last_message: How the last run ended; empty before the first.
    """

    paused: bool
    next_at: datetime | None
    completed_at: datetime | None
    last_state: str
    last_message: str


def read_schedule(server: PrefectServer) -> Schedule:
    """Ask the server.

    Raises:
        httpx.HTTPError: It does not answer, or knows no such deployment.
    """
    deployment = server.get(f"/deployments/name/{TRADING[0]}")
    coming = _first(server, deployment["id"], "EXPECTED_START_TIME_ASC", {"type": {"any_": ["SCHEDULED"]}})
    last = _first(server, deployment["id"], "END_TIME_DESC", {"type": {"any_": list(ENDED)}})
    done = _first(server, deployment["id"], "END_TIME_DESC", {"name": {"any_": [DONE]}})
    return Schedule(
        paused=bool(deployment["paused"]),
        next_at=_time(coming, "expected_start_time"),
        completed_at=_time(done, "end_time"),
        last_state=last["state"]["name"] if last else "",
        last_message=(last["state"]["message"] or "") if last else "",
    )


def begin_cycle(server: PrefectServer) -> None:
    """Start a cycle now, beside the schedule.

    Raises:
        httpx.HTTPError: The server does not take it.
    """
    deployment = server.get(f"/deployments/name/{TRADING[0]}")
    server.post(f"/deployments/{deployment['id']}/create_flow_run")


def _first(server: PrefectServer, deployment_id: str, sort: str, state: dict[str, Any]) -> dict[str, Any] | None:
    """Return the first run of the deployment in a state."""
    deployments = {"id": {"any_": [deployment_id]}}
    found = server.post("/flow_runs/filter", deployments=deployments, flow_runs={"state": state}, sort=sort, limit=1)
    return found[0] if found else None


def _time(run: dict[str, Any] | None, field: str) -> datetime | None:
    text = run[field] if run else None
    return datetime.fromisoformat(text).astimezone(UTC) if text else None
