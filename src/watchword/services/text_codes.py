"""Codes that are drawn, not computed: for text messages and for training accounts."""

from collections.abc import Callable

from watchword.services.ports import SentCode, TextMessage

DIGITS = 6


def draw_digits(random_octets: Callable[[int], bytes]) -> str:
    """Draw six digits. Of 2**64 numbers, each of a million ends has the same share, to one part in 10**13."""
    return f"{int.from_bytes(random_octets(8), 'big') % 10**DIGITS:0{DIGITS}d}"


def draw_code(serial: str, random_octets: Callable[[int], bytes], now_seconds: int, good_seconds: int) -> SentCode:
    """Draw a code for a token, with a name of its own."""
    issue = random_octets(8).hex()
    return SentCode(serial, issue, draw_digits(random_octets), now_seconds, now_seconds + good_seconds)


def compose_message(sent: SentCode, account: str, phone: str, text: str) -> TextMessage:
    """Compose the message that brings a code; `text` holds `{code}`."""
    return TextMessage(
        issue=sent.issue,
        serial=sent.serial,
        account=account,
        phone=phone,
        text=text.replace("{code}", sent.code),
        attempts=0,
        due_at=sent.sent_at,
        expires_at=sent.expires_at,
    )
