"""What our mail says."""

from dataclasses import dataclass
from datetime import UTC, datetime

from watchword.domain.tokens import Kind
from watchword.services.ports_mail import Letter

_NAMES = {
    Kind.SOFT: "a phone app",
    Kind.SMS: "a phone for text messages",
    Kind.HARD: "a key fob",
    Kind.STATIC: "a training code",
}


@dataclass(frozen=True, slots=True)
class Words:
    """What a centre is called, where its portal is, and how to reach a person there."""

    issuer: str
    public_url: str
    help: str


def paired(words: Words, account: str, kind: Kind, address: str, now_seconds: float) -> Letter:
    """Say that a token was paired."""
    text = (
        f"{_capital(_NAMES[kind])} was paired with your account {account} at {words.issuer}.\n\n"
        f"When:  {_when(now_seconds)}\nFrom:  {address}\n\n"
        f"From now on you are asked for its code when you log in.\n{_not_you(words)}"
    )
    return Letter(account, f"{words.issuer}: a device was paired", text)


def unpaired(
    words: Words, account: str, kinds: list[Kind], address: str, now_seconds: float, *, by_link: bool
) -> Letter:
    """Say that tokens were unpaired."""
    how = "by the link that was mailed to you" if by_link else "with a code"
    named = " and ".join(_NAMES[kind] for kind in kinds)
    text = (
        f"{_capital(named)} {'was' if len(kinds) == 1 else 'were'} unpaired from your account {account} at "
        f"{words.issuer}, {how}.\n\n"
        f"When:  {_when(now_seconds)}\nFrom:  {address}\n\n"
        f"To pair another, sign in at {words.public_url}\n{_not_you(words)}"
    )
    return Letter(account, f"{words.issuer}: a device was unpaired", text)


def lost(words: Words, account: str, link: str, *, minutes: int, address: str, now_seconds: float) -> Letter:
    """Bring the link that removes a lost phone."""
    text = (
        f"Somebody who is signed in as {account} at {words.issuer} says that the phone is lost.\n\n"
        f"When:  {_when(now_seconds)}\nFrom:  {address}\n\n"
        f"To unpair it, open this link within {minutes} minutes, and confirm:\n\n{link}\n\n"
        "It works once, and does nothing else: it signs nobody in.\n"
        f"{_not_you(words)}"
    )
    return Letter(account, f"{words.issuer}: unpair a lost phone", text)


def reported(
    words: Words, account: str, what: str, *, address: str, now_seconds: float, operators: tuple[str, ...]
) -> Letter:
    """Tell the operators that somebody says "this wasn't me"."""
    text = (
        f"{account} says: this wasn't me.\n\n"
        f"What:  {what}\n"
        f"When:  {_when(now_seconds)}, from {address}\n\n"
        "The account is held, and its sessions in the portal have ended. Somebody else may know its password.\n"
        f"Look at it: {words.public_url}/operators\n"
    )
    return Letter(account, f"{words.issuer}: this wasn't me, says {account}", text, to=operators)


def _not_you(words: Words) -> str:
    return (
        f'\nThis was not you? Change your password now, sign in at {words.public_url} and choose "This wasn\'t me".\n'
        f"{words.help}\n"
    )


def _when(now_seconds: float) -> str:
    return datetime.fromtimestamp(now_seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
