"""The REST API, called as a centre's own portal calls it."""
