"""Who an account is."""
