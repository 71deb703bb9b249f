"""Pair in two steps from somebody else's portal: begin, and prove by a code.

Nothing is stored in between. What the second step needs stands in a handle, sealed for the account, which the caller
brings back: they can neither read it (a texted code stands in it) nor change it. A handle pairs once, allows a few
guesses, and is good for ten minutes.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field

from watchword.clock import Clock
from watchword.domain.accounts import check_account_name
from watchword.domain.errors import Conflict, KeyringError, SealError
from watchword.domain.otp import SECRET_OCTETS, OtpProfile, find_step, normalise_code, provisioning_uri
from watchword.domain.phones import parse_phone
from watchword.domain.tokens import Kind, Token, check_label, make_serial
from watchword.services.pair import NO_PROFILE, Pairer
from watchword.services.pairing_flow_rules import TEXTS_OF_ACCOUNT, TEXTS_TO_NUMBER
from watchword.services.portal_ports import PortalStore, PortalWork
from watchword.services.ports import Seal
from watchword.services.text_codes import compose_message, draw_code
from watchword.services.throttle import Throttle

HANDLE_SECONDS = 600
GUESSES = 5


class CannotPair(Conflict):
    """The handle or the code is not good; the same words whichever it is."""

    def __init__(self) -> None:
        super().__init__("this code does not prove this pairing", hint="begin again if the code was typed rightly")


@dataclass(frozen=True, slots=True)
class Begun:
    """A pairing that has begun: `otpauth` is what a phone app scans, empty if a code was texted."""

    serial: str
    handle: str = field(repr=False)
    otpauth: str = field(repr=False)
    ends_at: int


@dataclass(frozen=True, slots=True)
class _Half:
    """What stands in a handle; `code` is what was texted."""

    serial: str
    kind: Kind
    secret: bytes = field(repr=False)
    code: str = field(repr=False)
    label: str
    ends_at: int


class TwoStepPairer:
    """Pairs soft and sms tokens whose owners prove that they have them."""

    def __init__(
        self,
        store: PortalStore,
        seal: Seal,
        pairer: Pairer,
        throttle: Throttle,
        *,
        clock: Clock,
        random_octets: Callable[[int], bytes],
        issuer: str,
        drift_seconds: int,
        text: str,
    ) -> None:
        """Take the ports; `text` is what stands in a text message, with `{code}`."""
        self._store = store
        self._seal = seal
        self._pairer = pairer
        self._throttle = throttle
        self._clock = clock
        self._random_octets = random_octets
        self._issuer = issuer
        self._drift_seconds = drift_seconds
        self._text = text

    def begin_soft(self, account: str, *, label: str = "") -> Begun:
        """Draw a seed; raises InvalidValue."""
        check_account_name(account)
        seed = self._random_octets(SECRET_OCTETS)
        half = _Half(self._serial(Kind.SOFT), Kind.SOFT, seed, "", check_label(label), self._ends_at())
        uri = provisioning_uri(seed, NO_PROFILE, account=account, issuer=self._issuer)
        return Begun(half.serial, self._write(account, half), uri, half.ends_at)

    def begin_sms(self, account: str, phone: str, *, label: str = "") -> Begun:
        """Text a code; raises InvalidValue, TooMany."""
        check_account_name(account)
        number = parse_phone(phone)
        self._throttle.take(TEXTS_OF_ACCOUNT, account)
        self._throttle.take(TEXTS_TO_NUMBER, number)
        serial, now = self._serial(Kind.SMS), int(self._clock())
        sent = draw_code(serial, self._random_octets, now, HANDLE_SECONDS)
        half = _Half(serial, Kind.SMS, number.encode("ascii"), sent.code, check_label(label), now + HANDLE_SECONDS)
        message = compose_message(sent, account, number, self._text)
        self._store.write(lambda rows: rows.outbox.put(message))
        return Begun(serial, self._write(account, half), "", half.ends_at)

    def prove(self, account: str, handle: str, code: str) -> str:
        """Pair, if the code is right; answers the new token's serial. Raises CannotPair, Conflict."""
        half = self._read(account, handle)
        now = self._clock()
        if half is None or now >= half.ends_at:
            raise CannotPair
        # The guess is counted before it is looked at, so that many at once are no more than one after another.
        if not self._store.write(lambda rows: _take_guess(rows, half)):
            raise CannotPair
        token = self._proved(half, normalise_code(code), now)
        if token is None:
            raise CannotPair

        def work(rows: PortalWork) -> None:
            if not rows.used_once.spend(_mark(half, "paired"), half.ends_at):
                raise CannotPair
            if rows.accounts.ensure(account).standing.held:
                raise Conflict("this account is held", hint="an operator unlocks it")
            self._pairer.tie(rows, account, token)

        self._store.write(work)
        return token.serial

    def _proved(self, half: _Half, code: str, now: float) -> Token | None:
        """Make the token, its proof's time step used up; None if the code is wrong."""
        if half.kind is Kind.SMS:
            right = hmac.compare_digest(half.code.encode(), code.encode("utf-8", "surrogatepass"))
            return Token(half.serial, half.kind, half.secret, NO_PROFILE, label=half.label) if right else None
        profile = OtpProfile()
        here, reach = profile.step_at(now), self._drift_seconds // profile.period_seconds
        step = find_step(half.secret, code, profile, start=here, steps=range(here - reach, here + reach + 1))
        if step is None:
            return None
        drift = step - here
        return Token(
            half.serial,
            half.kind,
            half.secret,
            profile,
            label=half.label,
            last_step=step,
            drift_steps=drift,
            base_drift_steps=drift,
        )

    def _serial(self, kind: Kind) -> str:
        return make_serial(kind, self._random_octets(4))

    def _ends_at(self) -> int:
        return int(self._clock()) + HANDLE_SECONDS

    def _write(self, account: str, half: _Half) -> str:
        text = json.dumps([half.serial, half.kind, half.secret.hex(), half.code, half.label, half.ends_at])
        sealed = self._seal.seal(text.encode("ascii"), _place(account))
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")

    def _read(self, account: str, handle: str) -> _Half | None:
        try:
            sealed = base64.b64decode(handle.encode("ascii") + b"=" * (-len(handle) % 4), altchars=b"-_", validate=True)
            opened = self._seal.unseal(sealed, _place(account))
        except (UnicodeEncodeError, binascii.Error, SealError, KeyringError):
            return None
        serial, kind, secret, code, label, ends_at = json.loads(opened)
        return _Half(serial, Kind(kind), bytes.fromhex(secret), code, label, ends_at)


def _place(account: str) -> str:
    return f"api pairing/{account}"


def _mark(half: _Half, what: str) -> bytes:
    return hashlib.sha256(f"pairing\0{half.serial}\0{half.ends_at}\0{what}".encode()).digest()


def _take_guess(rows: PortalWork, half: _Half) -> bool:
    """Use up one of the guesses that a handle allows; False if none is left."""
    return any(rows.used_once.spend(_mark(half, f"guess {number}"), half.ends_at) for number in range(GUESSES))
