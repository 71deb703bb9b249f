"""`watchword doctor`: is this node, or this server, right; and if not, what to do."""

from watchword.cli.doctor.command import doctor

__all__ = ["doctor"]
