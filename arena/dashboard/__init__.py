"""The season on a page: an API that only reads, and what a browser shows of it."""
