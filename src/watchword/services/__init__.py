"""Use cases, a verb a module."""
