"""Every playbook's baseline on real candles: `make baselines`, and a shorter one in the suite."""
