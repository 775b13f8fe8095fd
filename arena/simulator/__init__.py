"""Binance's and the model providers' HTTP faces over the paper engine and the baseline rules."""
