"""Pausing and resuming what Prefect has scheduled, by its HTTP API: the emergency exit must not wait for its client to load."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import httpx

TRADING = ("trading-cycle/trading-cycle",)  # flow/deployment; the sweep goes on: it protects, and never opens anything
PATIENCE_SECONDS = 5.0


async def pause_schedules(api_url: str) -> tuple[str, ...]:
    """Pause the deployments that trade; return what could not be paused, in sentences.

    Args:
        api_url: PREFECT_API_URL; empty where no server is named, then there is nothing to pause.
    """
    if not api_url:
        return ()
    faults = []
    async with _server(api_url) as http:
        for name in TRADING:
            try:
                found = await _deployment(http, name)
                if found is not None:
                    (await http.post(f"/deployments/{found['id']}/pause_deployment")).raise_for_status()
            except (httpx.HTTPError, ValueError, KeyError) as error:
                faults.append(f"{name} could not be paused ({type(error).__name__}); the halt keeps it from trading")
    return tuple(faults)


async def running_schedules(api_url: str) -> tuple[str, ...]:
    """Return the deployments that trade and are not paused; none where no server is named or it does not answer."""
    if not api_url:
        return ()
    async with _server(api_url) as http:
        try:
            there = {name: await _deployment(http, name) for name in TRADING}
        except (httpx.HTTPError, ValueError):
            return ()
    return tuple(name for name, found in there.items() if found is not None and not found.get("paused"))


async def resume_schedules(api_url: str, names: Sequence[str]) -> tuple[str, ...]:
    """Let deployments go on that `pause_schedules` has paused; return what could not be resumed, in sentences."""
    faults = []
    async with _server(api_url) as http:
        for name in names:
            try:
                found = await _deployment(http, name)
                if found is not None:
                    (await http.post(f"/deployments/{found['id']}/resume_deployment")).raise_for_status()
            except (httpx.HTTPError, ValueError, KeyError) as error:
                faults.append(f"{name} is still paused ({type(error).__name__}): resume it in the Prefect UI, or `make deploy`")
    return tuple(faults)


async def _deployment(http: httpx.AsyncClient, name: str) -> dict[str, Any] | None:
    """Return a deployment as the server has it; None where it was never registered."""
    found = await http.get(f"/deployments/name/{name}")
    if found.status_code == httpx.codes.NOT_FOUND:
        return None
    told: dict[str, Any] = found.raise_for_status().json()
    return told


def _server(api_url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=api_url.rstrip("/"), timeout=PATIENCE_SECONDS, headers=_authorization())


def _authorization() -> dict[str, str]:
    """Return the header of a server that asks for one: a key of Prefect Cloud, or user:password of an own server."""
    import base64

    key, pair = os.environ.get("PREFECT_API_KEY", ""), os.environ.get("PREFECT_API_AUTH_STRING", "")
    if key:
        return {"Authorization": f"Bearer {key}"}
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"} if pair else {}
