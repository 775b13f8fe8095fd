"""LLM Trading Arena: language models compete on Binance USD-M futures, each with its own capital."""
