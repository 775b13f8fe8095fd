"""2,000 cycles under `make up` in accelerated time, and what they do to the memory of all that runs."""
