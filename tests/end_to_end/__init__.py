"""Whole logins, with nothing in them that is not real."""
