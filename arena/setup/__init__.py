"""`arena setup`: the way to a `.env` that works, step by step; each step is tried before anything of it is written."""
