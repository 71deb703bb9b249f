"""`watchword doctor`."""


def doctor() -> None:
    """Placeholder while it is being written."""
