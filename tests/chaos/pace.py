"""How long and how hard: the long form of `make chaos`, and the short one that runs with the other tests."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """What differs between the two forms. Times are seconds."""

    people: int
    nodes: int
    logins_a_second: float
    timeout: float
    """For one server's answer, as in pam.toml."""
    patience: float
    """The same, where no login may fail: here a busy machine must not look like a silent server."""
    dead: float
    """For which a node passes a silent server over, as in pam.toml."""
    calm: float
    """Of load before and after the harm."""
    harm: float
    """Of load while something goes wrong again and again."""
    spell: float
    """Of one thing that goes wrong once."""
    freeze: float
    rounds: int
    nodes_killed: int
    races: int
    verifies_each: bool
    """Whether the audit log is verified after each scenario; else the tests do it once."""


LONG = Pace(
    people=1200,
    nodes=32,
    logins_a_second=80,
    timeout=3,  # these three: what pam.toml has by default
    patience=3,
    dead=60,
    calm=1.5,
    harm=14,
    spell=6,
    freeze=20,
    rounds=3,
    nodes_killed=3,
    races=1000,
    verifies_each=True,
)
SHORT = Pace(
    people=120,
    nodes=8,
    logins_a_second=25,
    timeout=1,
    patience=10,
    dead=2,
    calm=0.3,
    harm=1.5,
    spell=1,
    freeze=3,
    rounds=1,
    nodes_killed=1,
    races=50,
    verifies_each=False,
)
