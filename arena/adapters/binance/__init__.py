"""Binance USD-M futures through python-binance."""
