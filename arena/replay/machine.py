"""Compiling, where numba is there; a plain path where it is not, some fifty times as slow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

try:
    import numba
except ImportError:  # numba is not needed, and has no wheel for every Python
    numba = None

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Return the function compiled without holding the interpreter's lock, its machine code kept beside it from run to run."""
    if numba is None:
        return function
    fast: F = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    return fast
