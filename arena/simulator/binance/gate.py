"""Who asks, and whether they may: keys, signatures and timestamps."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

from arena.simulator.binance.refusals import OUTSIDE_THE_WINDOW, WireError
from arena.simulator.binance.wire import Parameters, to_ms
from arena.simulator.venue import ApiKey, Venue

KEY_HEADER = "X-MBX-APIKEY"
DEFAULT_WINDOW_MS = 5000
WIDEST_WINDOW_MS = 60_000
_KEY_FORMAT = re.compile(r"[A-Za-z0-9_-]{1,128}")
_SIGNATURE = "signature="


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A request as it was sent: query string, form body, and API key, empty without one."""

    query: str
    body: str
    key: str

    def pairs(self) -> list[tuple[str, str]]:
        """Return the parameters of query and form body together."""
        return [pair for text in (self.query, self.body) for pair in parse_qsl(text, keep_blank_values=True)]

    def parameters(self) -> Parameters:
        """Return the parameters, each of which may be there once.

        Raises:
            WireError: -1101.
        """
        pairs = self.pairs()
        values = dict(pairs)
        if len(values) < len(pairs):
            raise WireError(-1101, "Duplicate values for a parameter detected.")
        return Parameters(values)

    def signed_text(self) -> str:
        """Return what a signature covers: query and body as they were sent, one after the other, without the signature."""
        texts = (self.query, self.body)
        return "".join("&".join(part for part in text.split("&") if not part.startswith(_SIGNATURE)) for text in texts)


def authenticate(venue: Venue, received: Received, parameters: Parameters) -> ApiKey:
    """Return the key that signed the request.

    Raises:
        WireError: -2014, -2015 (key), -1102, -1021, -1131 (timestamp and its window), -1022 (signature).
    """
    key = _known_key(venue, received.key)
    if received.key in venue.conditions.clocks_off:
        raise WireError(*OUTSIDE_THE_WINDOW)
    timestamp = parameters.integer("timestamp")
    signature = parameters.text("signature")
    window_ms = parameters.optional_integer("recvWindow")
    if window_ms is not None and not 0 < window_ms <= WIDEST_WINDOW_MS:
        raise WireError(-1131, "recvWindow must be less than 60000")
    server_ms = to_ms(venue.engine.now)
    if not venue.clock.accepts(timestamp, server_ms, window_ms or DEFAULT_WINDOW_MS):
        if timestamp > server_ms:
            raise WireError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
        raise WireError(*OUTSIDE_THE_WINDOW)
    expected = hmac.new(key.secret.encode(), received.signed_text().encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, signature.lower()):
        raise WireError(-1022, "Signature for this request is not valid.")
    return key


def _known_key(venue: Venue, text: str) -> ApiKey:
    if not _KEY_FORMAT.fullmatch(text):
        raise WireError(-2014, "API-key format invalid.", status=401)
    if text not in venue.keys:
        raise WireError(-2015, "Invalid API-key, IP, or permissions for action.", status=401)
    return venue.keys[text]
