"""Language models through their official SDKs."""
