"""Who asks, and whether they may: keys, signatures and timestamps."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

from arena.adapters.paper.account import PaperAccount
from arena.simulator.binance.refusals import WireError
from arena.simulator.binance.wire import Parameters, to_ms
from arena.simulator.venue import ApiKey, Venue

KEY_HEADER = "X-MBX-APIKEY"
DEFAULT_WINDOW_MS = 5000
WIDEST_WINDOW_MS = 60_000
_KEY_FORMAT = re.compile(r"[A-Za-z0-9_-]{1,128}")
_SIGNATURE = "signature="


def read_parameters(query: str, body: str) -> Parameters:
    """Return the parameters of query and form body together.

    Raises:
        WireError: -1101 where one is there twice.
    """
    pairs = parse_qsl(query, keep_blank_values=True) + parse_qsl(body, keep_blank_values=True)
    values = dict(pairs)
    if len(values) < len(pairs):
        raise WireError(-1101, "Duplicate values for a parameter detected.")
    return Parameters(values)


def authenticate(venue: Venue, headers: Mapping[str, str], query: str, body: str, parameters: Parameters) -> PaperAccount:
    """Return the account whose key signed the request.

    Raises:
        WireError: -2014, -2015 (key), -1102, -1021, -1131 (timestamp and its window), -1022 (signature).
    """
    key = _known_key(venue, headers.get(KEY_HEADER, ""))
    timestamp = parameters.integer("timestamp")
    signature = parameters.text("signature")
    window_ms = parameters.optional_integer("recvWindow")
    if window_ms is not None and not 0 < window_ms <= WIDEST_WINDOW_MS:
        raise WireError(-1131, "recvWindow must be less than 60000")
    server_ms = to_ms(venue.engine.now)
    if not venue.clock.accepts(timestamp, server_ms, window_ms or DEFAULT_WINDOW_MS):
        if timestamp > server_ms:
            raise WireError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
        raise WireError(-1021, "Timestamp for this request is outside of the recvWindow.")
    expected = hmac.new(key.secret.encode(), _signed(query, body).encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, signature.lower()):
        raise WireError(-1022, "Signature for this request is not valid.")
    return venue.engine.account(key.account)


def _known_key(venue: Venue, text: str) -> ApiKey:
    if not _KEY_FORMAT.fullmatch(text):
        raise WireError(-2014, "API-key format invalid.", status=401)
    if text not in venue.keys:
        raise WireError(-2015, "Invalid API-key, IP, or permissions for action.", status=401)
    return venue.keys[text]


def _signed(query: str, body: str) -> str:
    """Return what a signature covers: query and body as they were sent, one after the other, without the signature itself."""
    return "".join("&".join(part for part in text.split("&") if not part.startswith(_SIGNATURE)) for text in (query, body))
