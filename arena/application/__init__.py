"""The use cases: pure steps of a trading cycle and the ports through which they reach the outside."""
