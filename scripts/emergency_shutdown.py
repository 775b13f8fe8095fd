"""Get out of everything now. Needs nothing but the keys (on paper the store): no models, no Prefect; asks nothing.

    python -m scripts.emergency_shutdown        (or: python scripts/emergency_shutdown.py)

Halts the season, cancels all orders and closes all positions of every symbol, looks until the account is flat or a minute has
passed, and ends with 0 only when it is flat.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # so that it runs as a file

from arena.configuration import load_venue_settings
from arena.emergency import emergency_shutdown
from arena.errors import ArenaError


def main() -> int:
    """Shut down; return 0 when the account is flat. Runs from anywhere: `.env` and the halt file are the project's."""
    os.chdir(os.environ.get("ARENA_HOME", ROOT))
    try:
        ended = asyncio.run(emergency_shutdown(load_venue_settings(), "the script"))
    except ArenaError as error:
        print(f"the account is NOT known to be flat: {error}", file=sys.stderr)
        return 2
    print(ended.sentence())
    return 0 if ended.flat else 1


if __name__ == "__main__":
    sys.exit(main())
