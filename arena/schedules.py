"""Pausing and resuming what Prefect schedules, by its HTTP API: the emergency exit must not wait for Prefect's client to load."""

from __future__ import annotations

import os

import httpx
from tenacity import AsyncRetrying

from arena.busy_server import while_busy

TRADING = ("trading-cycle/trading-cycle",)  # flow/deployment; the sweep goes on: it protects, and never opens anything
PATIENCE_SECONDS = 5.0  # while an account is being left
RESUMING_PATIENCE_SECONDS = 30.0  # nothing hurries, and a busy server on SQLite may take this long


async def pause_schedules(api_url: str) -> tuple[str, ...]:
    """Pause the deployments that trade; return what could not be paused, in sentences.

    Args:
        api_url: PREFECT_API_URL; empty where no server is named, then there is nothing to pause.
    """
    faults = await _each(api_url, "pause_deployment", PATIENCE_SECONDS)
    return tuple(f"{name} could not be paused ({fault}); the halt keeps it from trading" for name, fault in faults)


async def resume_schedules(api_url: str) -> tuple[str, ...]:
    """Let the deployments that trade be scheduled again; return what could not be, in sentences.

    Args:
        api_url: As `pause_schedules`.
    """
    faults = await _each(api_url, "resume_deployment", RESUMING_PATIENCE_SECONDS)
    return tuple(f"{name} may still be paused ({fault}): resume it in the Prefect UI" for name, fault in faults)


async def _each(api_url: str, action: str, seconds: float) -> list[tuple[str, str]]:
    """Do it to every deployment that trades and is registered; return the names and faults of those it failed for."""
    if not api_url:
        return []
    faults, ask = [], AsyncRetrying(**while_busy(seconds))
    async with httpx.AsyncClient(base_url=api_url.rstrip("/"), timeout=seconds, headers=_authorization()) as http:
        for name in TRADING:
            try:
                found: httpx.Response = await ask(http.get, f"/deployments/name/{name}")
                if found.status_code == httpx.codes.NOT_FOUND:
                    continue
                deployment = found.raise_for_status().json()["id"]
                (await ask(http.post, f"/deployments/{deployment}/{action}")).raise_for_status()
            except (httpx.HTTPError, ValueError, KeyError) as error:
                faults.append((name, type(error).__name__))
    return faults


async def scheduling(api_url: str) -> bool:
    """Return whether a deployment that trades is registered and not paused; no where no server is named or it does not answer.

    Args:
        api_url: As `pause_schedules`.
    """
    if not api_url:
        return False
    ask = AsyncRetrying(**while_busy(PATIENCE_SECONDS))
    async with httpx.AsyncClient(base_url=api_url.rstrip("/"), timeout=PATIENCE_SECONDS, headers=_authorization()) as http:
        try:
            found: list[httpx.Response] = [await ask(http.get, f"/deployments/name/{name}") for name in TRADING]
            return any(each.status_code == httpx.codes.OK and not each.json()["paused"] for each in found)
        except (httpx.HTTPError, ValueError, KeyError):
            return False


def _authorization() -> dict[str, str]:
    """Return the header of a server that asks for one: a key of Prefect Cloud, or user:password of an own server."""
    import base64

    key, pair = os.environ.get("PREFECT_API_KEY", ""), os.environ.get("PREFECT_API_AUTH_STRING", "")
    if key:
        return {"Authorization": f"Bearer {key}"}
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"} if pair else {}
