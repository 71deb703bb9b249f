"""Every promise has a test."""
