"""Watchword: multi-factor authentication for the login nodes of HPC centres."""
