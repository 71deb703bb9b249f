"""The only process beside the RADIUS servers that opens a seed, and how the portal asks it."""
