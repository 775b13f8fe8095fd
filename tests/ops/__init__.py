"""Whether a season that runs by itself survives what happens to machines (`make ops-test`)."""
