"""The secrets of this process, which neither a log line nor a fault's text holds: what reads them names them here.

Known for the whole process, since what must not be told is the same for everybody in it: the SDKs' loggers, the text of a fault
that quotes an address, the traceback of a defect.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus, unquote

BLOT = "***"
_SHORTEST = 6  # characters; what is shorter is a word, such as the "demo" of a server that wants no key
_SHORTEST_PART = 8  # of a URL
_NO_SECRET = "simulator"  # noqa: S105  what the simulator's keys begin with, as its messages and docs say

_LOGIN = re.compile(r"://([^/@:\s]*):([^/@\s]+)@")

_forms: set[str] = set()
_pattern: re.Pattern[str] | None = None


def keep_secret(values: Iterable[str]) -> None:
    """Blot these out of every text from now on: as they are, in a URL and in base64; of a URL its secret parts too."""
    global _pattern  # noqa: PLW0603  of the process
    secrets = {part for value in values for part in _parts(value)}
    new = {form for secret in secrets for form in _written(secret)} - _forms
    if new:
        _forms.update(new)
        alternatives = "|".join(re.escape(form) for form in sorted(_forms, key=len, reverse=True))
        _pattern = re.compile(alternatives, re.IGNORECASE)  # %2f is %2F


def redacted(text: str) -> str:
    """Return a text with all known secrets blotted out."""
    return _pattern.sub(BLOT, text) if _pattern else text


def _parts(value: str) -> Iterator[str]:
    """Yield a secret; of URLs also the password and whatever else in them looks drawn by chance."""
    if len(value) >= _SHORTEST and not value.lower().startswith(_NO_SECRET):
        yield value
    if "://" in value:
        passwords = {password for user, password in _LOGIN.findall(value) if password != user and len(password) >= _SHORTEST}
        words = re.split(r"[/:@?&=#,|\s]+", value)
        yield from map(unquote, (*passwords, *(word for word in words if len(word) >= _SHORTEST_PART and _by_chance(word))))


def _by_chance(part: str) -> bool:
    """Return whether a part of a URL is no word, host or number of a port."""
    return bool(re.search(r"[0-9A-Z]", part)) and not re.fullmatch(r"[\d.]+|[a-z0-9_-]+(\.[a-z0-9_-]+)+", part)


def _written(secret: str) -> Iterator[str]:
    """Yield the forms in which a secret appears in texts."""
    yield from {secret, quote(secret, safe=""), quote(secret), quote_plus(secret)}
    for shift in range(3):  # within a longer text that is in base64, such as user:password, it begins at any of three bits
        whole = bytes(shift) + secret.encode()
        first, last = -(-shift * 8 // 6), len(whole) * 8 // 6
        for coded in {base64.b64encode(whole), base64.urlsafe_b64encode(whole)}:
            form = coded.decode()[first:last]
            if len(form) >= _SHORTEST:
                yield form
