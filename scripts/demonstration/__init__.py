"""A whole login, shown: it stands on the same real parts as the tests."""
