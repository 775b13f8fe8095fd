"""Doubles and what is computed with them: indicators, performance, inference, charts. Money stays Decimal, in the core."""
