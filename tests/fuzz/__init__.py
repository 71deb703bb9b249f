"""Input that nobody meant: a value, or the one error that is documented; never another, a hang, or growth."""
