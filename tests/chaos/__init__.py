"""Everything under Watchword is broken while people log in; an oracle outside of it counts what must never happen."""
