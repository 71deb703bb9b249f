"""A person: what a directory knows about the owner of an account."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Person:
    """The owner of an account.

    `pairing` is the value of the attribute that the centre keeps pairings in (`soft`, `sms`, …), empty for none.
    `phone` is as the directory has it, not yet in E.164.
    """

    account: str
    name: str = ""
    mail: str = ""
    phone: str = field(default="", repr=False)
    groups: frozenset[str] = frozenset()
    pairing: str = ""
