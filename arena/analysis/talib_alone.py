"""TA-Lib without pandas, which it imports for arguments of that kind wherever it is installed: seconds in every process."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


@cache
def talib() -> ModuleType:
    """Return TA-Lib, for arrays; pandas is as importable as before."""
    with _not_found("pandas"):
        return import_module("talib")


class _NotFound:
    """Finds no module of one name for one thread; others import it meanwhile as they like."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._thread = threading.get_ident()

    def find_spec(self, name: str, path: Sequence[str] | None, target: Any = None) -> ModuleSpec | None:
        if name == self._name and threading.get_ident() == self._thread:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


@contextmanager
def _not_found(name: str) -> Iterator[None]:
    finder = _NotFound(name)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
