"""What the competitors are asked to trade, and the deterministic rules they are measured against."""
