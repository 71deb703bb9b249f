"""The pages on which people help themselves."""
