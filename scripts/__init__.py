"""Commands for people and make; each runs as `python -m scripts.NAME`."""
