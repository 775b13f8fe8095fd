"""The kill switch: a file. It needs no server and no store, and a person can make or remove it by hand."""

from __future__ import annotations

import time

from arena.settings import VenueSettings

EMERGENCY = "emergency shutdown"  # how the reason begins while the exit is used
EMERGENCY_SECONDS = 75.0  # longer than the exit tries


def halt(settings: VenueSettings, reason: str) -> None:
    """Write the halt file; it needs no server and no store."""
    settings.halt_file.parent.mkdir(parents=True, exist_ok=True)
    settings.halt_file.write_text(reason.strip() + "\n", encoding="utf-8")


def resume(settings: VenueSettings) -> bool:
    """Remove the halt file; return whether there was one."""
    was_halted = settings.halt_file.exists()
    settings.halt_file.unlink(missing_ok=True)
    return was_halted


def halted(settings: VenueSettings) -> str | None:
    """Return why the season is halted, or None; a file that cannot be read halts too."""
    try:
        return settings.halt_file.read_text(encoding="utf-8", errors="replace").strip() or "no reason was given"
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"{settings.halt_file} cannot be read ({error.strerror})"


def shutting_down(settings: VenueSettings) -> bool:
    """Return whether the emergency exit is being used just now: whoever protects positions must not open what it cancels."""
    try:
        young = time.time() - settings.halt_file.stat().st_mtime < EMERGENCY_SECONDS
    except OSError:
        return False
    return young and (halted(settings) or "").startswith(EMERGENCY)
