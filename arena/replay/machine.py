"""Compiling, where numba is there; a plain path where it is not, some fifty times as slow.

Machine code is kept from run to run. numba makes it anew when a function's own file has changed, not when that of a function it
calls has, so it is kept under a name that follows from the text of every module here.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np

_HERE = Path(__file__).resolve().parent
_numba: Any = importlib.import_module("numba") if importlib.util.find_spec("numba") else None  # it has no wheel for every Python

integer = cast(Callable[[Any], int], np.int64)  # of 64 bits, whatever a number had before

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Return the function compiled without holding the interpreter's lock, its machine code kept if this folder is writable.

    It makes no arrays, so that references to those that it is given need not be counted: that took longer than the work.
    """
    if _numba is None:
        return function
    kept = os.access(_HERE, os.W_OK)
    fast: F = _numba.njit(cache=kept, nogil=True, error_model="numpy", _nrt=False)(function)
    return fast


def numbers(count: int) -> list[int]:
    """Return 0, 1, ..., for constants that are handed to compiled functions.

    numba compiles a function anew for every plain number that it is handed as such, and once for all of these.
    """
    return [integer(number) for number in range(count)]


def _kept_at() -> str:
    """Return the folder of machine code that was made from exactly these modules."""
    text = b"".join(path.read_bytes() for path in sorted(_HERE.glob("*.py")))
    return str(_HERE / "__pycache__" / f"machine-code-{hashlib.sha256(text).hexdigest()[:16]}")


if _numba is not None and not os.environ.get("NUMBA_CACHE_DIR"):
    _numba.config.CACHE_DIR = _kept_at()
