"""The trade's nouns as frozen values and pure functions; standard library only, money is Decimal."""
