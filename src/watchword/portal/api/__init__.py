"""The REST API, `/api/v1`: for the centre's own portal."""

PREFIX = "/api/v1"
