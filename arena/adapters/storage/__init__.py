"""Where the state of a season is kept."""
