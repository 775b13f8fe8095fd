"""Binance's USD-M futures API over the paper engine: its paths, words, numbers and error codes."""
