"""Real servers on loopback, in temporary directories, for tests and for the demo; each ended by its own process id."""
