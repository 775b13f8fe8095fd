"""Rebuild and audit: a season's records against what they say of themselves. Above the adapters, since both sides are rows."""
