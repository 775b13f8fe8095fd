"""What becomes of a scheduled run that starts late: a machine that slept through ten cycles owes one cycle, not ten.

A run does the cycle of the interval in which it starts, whichever one it was scheduled for; where that one has begun, none.
"""

from __future__ import annotations

from datetime import datetime, timedelta


def left_out(scheduled: datetime, now: datetime, interval: timedelta, age: timedelta | None) -> str | None:
    """Return why a scheduled run does no cycle, or None where it does one.

    Args:
        scheduled: When the run was to start.
        now: When it has started, by the same clock.
        interval: Between two runs of the schedule.
        age: How long ago the season's last cycle began; None before the first. An age, since the venue's clock may be another.
    """
    late = timedelta(seconds=max(0.0, (now - scheduled).total_seconds()))  # a time of Prefect's yields no plain timedelta
    into = late % interval
    if age is None or age > into:
        return None
    return f"{late.total_seconds():.0f} s late, and the cycle of this interval began {age.total_seconds():.0f} s ago"
