"""`make supabase-local`: Supabase's data API on this machine until Ctrl-C; the database is kept in runs/supabase."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from scripts.processes import NotReady, default_signals
from scripts.supabase_local import stack

PORT = 8910


def main() -> int:
    """Run it until it is told to end; return 0 when nothing failed."""
    parser = argparse.ArgumentParser(prog="make supabase-local", description=__doc__)
    parser.add_argument("--port", type=int, default=PORT, help=f"of the data API ({PORT})")
    parser.add_argument("--directory", type=Path, default=Path("runs/supabase"), help="what is kept (runs/supabase)")
    asked = parser.parse_args()
    default_signals()
    try:
        serve(asked.directory, asked.port)
    except NotReady as reason:
        print(reason, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


def serve(directory: Path, port: int) -> None:
    """Run it until this process is interrupted.

    Raises:
        NotReady: It did not start, or a part of it has ended.
    """
    with stack.running(directory, port=port) as local:
        tell(local)
        while local.postgres.alive and local.rest.alive:
            time.sleep(0.2)
    raise NotReady(f"Postgres or PostgREST has ended; see the logs in {directory}")


def tell(local: stack.Stack) -> None:
    """Print what to write into `.env`, and how to look inside."""
    print(f"SUPABASE_URL={local.url}")
    print(f"SUPABASE_KEY={local.service_key}")
    print(f"\npsql '{local.owner_dsn}'")
    print(f"Kept in {local.folder}; migrations applied now: {', '.join(local.applied) or 'none'}. Ctrl-C ends it.")


if __name__ == "__main__":
    sys.exit(main())
