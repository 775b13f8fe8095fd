"""One TLS context for all models of a process: loading the certificates takes 40 ms, and each SDK client would do it again."""

from __future__ import annotations

import ssl
from functools import cache


@cache
def tls_context() -> ssl.SSLContext:
    """Return the verifying context with this machine's certificates."""
    return ssl.create_default_context()
