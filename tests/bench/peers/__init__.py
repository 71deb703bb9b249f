"""What people would use instead, each installed in an environment of its own."""
