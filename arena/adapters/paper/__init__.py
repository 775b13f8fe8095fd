"""The matching engine for everything that is not Binance."""
