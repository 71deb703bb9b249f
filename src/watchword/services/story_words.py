"""What the words of the audit log are called among people, and what they mean to the help desk."""

from watchword.domain.outcome import Reason
from watchword.domain.tokens import Kind

KINDS_OF_TOKEN: dict[str, str] = {
    Kind.SOFT: "a phone app",
    Kind.SMS: "text messages",
    Kind.HARD: "a fob",
    Kind.STATIC: "a training code",
}

REASONS: dict[str, str] = {
    Reason.RIGHT_CODE: "right code",
    Reason.WRONG_CODE: "wrong code",
    Reason.SPENT_CODE: "a code that was used already",
    Reason.UNKNOWN: "no token was ever paired with this name",
    Reason.UNPAIRED: "no token that works",
    Reason.LOCKED: "locked out after too many wrong codes",
    Reason.HELD: "locked by an operator",
    Reason.STALE_STATE: "answered too late",
    Reason.ASKED: "asked for a code",
    Reason.ASKED_AGAIN: "nothing was typed",
    Reason.TEXT_SENT: "a text message was to be sent",
    Reason.TEXT_STILL_GOOD: "the code texted before is still good",
    Reason.LOOKED_UP: "pairing looked up",
    Reason.TRIPPED: "the server stumbled",
    "wrong_password": "wrong password",
    "too_many_tries": "too many tries",
}
"""Each Reason, and those that the portal has beside them."""

MEANINGS: dict[str, str] = {
    Reason.WRONG_CODE: "Mistyped, the code of another entry in the app, or a clock that is off. "
    "If the address is not theirs, somebody has their password.",
    Reason.SPENT_CODE: "The code was right, and used before, here or elsewhere. They wait for the next one.",
    Reason.UNKNOWN: "A misspelling, or somebody who never paired.",
    Reason.UNPAIRED: "They have no token, or all of theirs are disabled.",
    Reason.LOCKED: "Not even a right code helps until the lockout ends or is cleared.",
    Reason.HELD: "One of us locked it; nothing but unlocking helps.",
    Reason.STALE_STATE: "More than ten minutes passed between question and answer. "
    "If it is everybody, the servers' keyrings differ.",
    Reason.TRIPPED: "The server's own log has the type of the error.",
    "wrong_password": "The portal takes the password of the cluster.",
    "too_many_tries": "It was tried too often in a short time; waiting helps.",
}
"""What the help desk should know beside the words; what explains itself is not here."""
