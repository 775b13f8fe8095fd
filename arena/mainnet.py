"""The gate to real money: what must be true before a cycle may trade on ENVIRONMENT=mainnet. Looks at files alone, sends nothing.

Leaving is never gated: the emergency exit and the sweeps that protect what is open need no preflight.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from arena.domain.competitor import AccountMode
from arena.errors import ConfigurationError
from arena.settings import Settings, VenueSettings, in_order

RESULT = Path("runs") / "preflight.json"
VALID_FOR = timedelta(hours=24)  # a season must begin within it; one that has begun goes on
ACKNOWLEDGEMENT = "I know that real money can be lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One line of a preflight: whether it is well, and what was seen or what to change."""

    subject: str
    well: bool
    detail: str


def check_gate(settings: Settings, now: datetime, *, begun: bool) -> None:
    """Make sure that a cycle may trade real money.

    Args:
        settings: With ENVIRONMENT=mainnet.
        now: UTC.
        begun: Whether the season has booked before.

    Raises:
        ConfigurationError: It may not; the sentence says what is missing.
    """
    passed = _read()
    if passed is None:
        raise ConfigurationError(f"ENVIRONMENT=mainnet trades real money: let `arena preflight` pass first ({RESULT} is missing)")
    failed = [line["subject"] for line in passed["checked"] if not line["well"]]
    if failed or not passed["checked"]:
        raise ConfigurationError(f"`arena preflight` of {passed['time']} failed ({', '.join(failed)}): let it pass first")
    if passed["fingerprint"] != fingerprint(settings):
        raise ConfigurationError("`arena preflight` passed with another season, mode, host or key: let it pass with these")
    if not begun and not timedelta(0) <= now - datetime.fromisoformat(passed["time"]) <= VALID_FOR:
        raise ConfigurationError(
            f"`arena preflight` of {passed['time']} is too old to begin a season with: let it pass within a day of the beginning"
        )
    if settings.mainnet_acknowledgement.strip() != ACKNOWLEDGEMENT:
        raise ConfigurationError(f"MAINNET_ACKNOWLEDGEMENT is not given: set it to `{ACKNOWLEDGEMENT}` if that is so")


def write_result(settings: VenueSettings, checked: Sequence[Checked], now: datetime) -> None:
    """Keep what a preflight has seen, for the gate."""
    found = {
        "time": now.astimezone(UTC).isoformat(timespec="seconds"),
        "fingerprint": fingerprint(settings),
        "checked": [asdict(line) for line in checked],
    }
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def fingerprint(settings: VenueSettings) -> str:
    """Return what a preflight is good for: this season, on these accounts. Keys go in as a digest only."""
    keys = [settings.binance_api_key]
    if settings.account_mode is AccountMode.SEPARATE:
        keys = [pair.api_key for _, pair in sorted(settings.account_keys.items(), key=in_order)]
    named = [settings.season, str(settings.account_mode), settings.binance_base_url, *(key.get_secret_value() for key in keys)]
    return hashlib.sha256("\n".join(named).encode()).hexdigest()[:16]


def _read() -> dict[str, Any] | None:
    """Return the last preflight's result; None where there is none, or nothing that can be read as one."""
    try:
        found = json.loads(RESULT.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and {"time", "fingerprint", "checked"} <= found.keys() else None
