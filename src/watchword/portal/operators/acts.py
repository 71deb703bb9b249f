"""What operators can do to an account or a token, who may, and what they are asked first."""

import enum
from dataclasses import dataclass

from watchword.services.roles import Role


class Subject(enum.Enum):
    """What an act is done to."""

    ACCOUNT = "account"
    TOKEN = "token"  # noqa: S105 - not a password


STAFF = frozenset({Role.ADMIN, Role.HELPDESK})


@dataclass(frozen=True, slots=True)
class Act:
    """One act: its name in paths, its question, what it means, what is said when it is done.

    `asks` names what has to be given beside the reason: `account`, `serial`, `codes`.
    """

    name: str
    subject: Subject
    label: str
    question: str
    meaning: str
    done: str
    asks: str = ""
    is_harmful: bool = False
    roles: frozenset[Role] = STAFF


_ACTS = (
    Act(
        "clear-failures",
        Subject.ACCOUNT,
        "Clear failures",
        "Clear the wrong codes of {subject}?",
        "A lockout ends at once. If the wrong codes were not theirs, somebody has their password: change that first.",
        "The count begins anew.",
    ),
    Act(
        "unlock",
        Subject.ACCOUNT,
        "Unlock",
        "Unlock {subject}?",
        "Whoever or whatever locked it. If one of us did, ask them first.",
        "The account is unlocked.",
    ),
    Act(
        "lock",
        Subject.ACCOUNT,
        "Lock",
        "Lock {subject}?",
        "No code opens it until it is unlocked, and its sessions in this portal end. Who is logged in stays so.",
        "The account is locked.",
        is_harmful=True,
    ),
    Act(
        "assign",
        Subject.ACCOUNT,
        "Give a fob",
        "Give {subject} a fob?",
        "See the person, or their badge: whoever holds the fob has the second factor of this account.",
        "The fob is theirs.",
        asks="serial",
    ),
    Act(
        "enable",
        Subject.TOKEN,
        "Enable",
        "Enable {subject}?",
        "Its codes are good again.",
        "The token is enabled.",
    ),
    Act(
        "disable",
        Subject.TOKEN,
        "Disable",
        "Disable {subject}?",
        "Its codes are no good until it is enabled. It still counts as a pairing: its owner is asked for a code.",
        "The token is disabled.",
        is_harmful=True,
    ),
    Act(
        "resync",
        Subject.TOKEN,
        "Resync",
        "Find the clock of {subject} again?",
        "Take two codes that come one after the other, both newer than the last that was used.",
        "The token is in step again.",
        asks="codes",
    ),
    Act(
        "unassign",
        Subject.TOKEN,
        "Put back",
        "Put {subject} back in the drawer?",
        "It can be given to somebody else. An account that has no token any more is unpaired.",
        "The fob is in the drawer.",
        is_harmful=True,
    ),
    Act(
        "remove",
        Subject.TOKEN,
        "Remove",
        "Remove {subject} for good?",
        "This can't be taken back. An account that has no token any more is unpaired, and in some modes let in without "
        "a code: if the token was stolen, lock the account first.",
        "The token is removed.",
        is_harmful=True,
    ),
)

ACTS = {act.name: act for act in _ACTS}


def acts_for(role: Role | None, subject: Subject) -> list[Act]:
    """List what a role may do to an account or a token."""
    return [act for act in _ACTS if act.subject is subject and role in act.roles]
