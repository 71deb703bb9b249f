"""The web: people's pages, operators' pages, the REST API."""
