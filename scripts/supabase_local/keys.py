"""The keys of the local data API. They are the same everywhere and open nothing but what runs on loopback."""

from __future__ import annotations

import time

import jwt

ANON_KEY = "sb_publishable_local"
SERVICE_KEY = "sb_secret_local"
ROLES = {ANON_KEY: "anon", SERVICE_KEY: "service_role"}
JWT_SECRET = "what is signed here is believed on loopback alone"  # noqa: S105  no secret; PostgREST wants 32 characters


def token(role: str, seconds: float) -> str:
    """Return a JWT of a role, valid for so long; PostgREST takes it up to 30 s longer."""
    now = int(time.time())
    return jwt.encode({"iss": "supabase", "role": role, "iat": now, "exp": now + int(seconds)}, JWT_SECRET, "HS256")
