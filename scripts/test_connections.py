"""`python -m scripts.test_connections`: every connection a season needs, a line each; the same as `arena doctor`."""

from __future__ import annotations

import sys

from arena.cli import main

if __name__ == "__main__":
    sys.argv = ["arena", "doctor"]
    main()
