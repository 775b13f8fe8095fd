"""The compiled engine is held against the paper engine, season by season."""
