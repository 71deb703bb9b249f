"""Unpair a lost phone by a link that is mailed to its owner.

Rule 1. Only who is signed in can ask; what they read does not depend on whether a mail leaves.
Rule 2. The link names a row, and carries a MAC over all that the row says: who can write to the database cannot make a
        link, nor have one remove more than it was made for.
Rule 3. It removes the soft and sms tokens that there were when it was asked for, once, in its time. Opening it changes
        nothing, since mail scanners open links; a form has to be sent.
Rule 4. No link for operators, who have to ask a colleague.
Rule 5. A link that is used, altered or too old, or whose account is held, is answered in one and the same way.
"""

import base64
import binascii
import hmac
import json
from collections.abc import Callable

from watchword.clock import Clock
from watchword.domain.audit import AuditEvent, EventKind, Result
from watchword.domain.errors import KeyringError, NotFound, WatchwordError
from watchword.domain.tokens import Kind
from watchword.services.actor import Actor
from watchword.services.pair import Pairer
from watchword.services.portal_ports import PortalStore, PortalWork
from watchword.services.ports_mail import LinkKeys, MailLink
from watchword.services.ports_tokens import TokenFacts
from watchword.services.throttle import Limit, Throttle, place_of
from watchword.services.write_mail import MailWriter

KINDS = (Kind.SOFT, Kind.SMS)
"""What a link removes: a fob is the help desk's to give back, and a training code nobody loses."""

MOST = 100

ID_OCTETS = 16
KEY_ID_OCTETS = 4
MAC_OCTETS = 32

LINKS_OF_ACCOUNT = Limit("lost phone/links of account", 3, 3600)
LINKS_FROM_ADDRESS = Limit("lost phone/links from address", 30, 3600)


class LinkUnusable(WatchwordError):
    """The link removes nothing: it was used, altered, or is too old."""


class LostPhone:
    """Mails links, and keeps what they promise."""

    def __init__(
        self,
        store: PortalStore,
        *,
        clock: Clock,
        random_octets: Callable[[int], bytes],
        throttle: Throttle,
        keys: LinkKeys,
        pairer_at: Callable[[str], Pairer],
        mail: MailWriter,
        address_of_link: Callable[[str], str],
        link_minutes: int,
        is_operator: Callable[[str], bool],
    ) -> None:
        """Take the ports and how long a link works.

        `pairer_at` makes the pairer of somebody who sits at an address, `address_of_link` the URL of what a link
        carries. An operator, by `is_operator`, gets no link: a password and a mailbox must not be enough to become
        one.
        """
        self._store = store
        self._clock = clock
        self._random_octets = random_octets
        self._throttle = throttle
        self._keys = keys
        self._pairer_at = pairer_at
        self._mail = mail
        self._address_of_link = address_of_link
        self._link_minutes = link_minutes
        self._is_operator = is_operator

    @property
    def is_offered(self) -> bool:
        """Whether mail is sent at all."""
        return self._mail.is_on

    def ask(self, account: str, address: str, actor: Actor | None = None) -> None:
        """Have a link mailed, if there is anything that it could remove; raises TooMany.

        `actor` is who asks in the person's stead, from an address that is not the person's.
        """
        self._throttle.take(LINKS_OF_ACCOUNT, account)
        if actor is None:
            self._throttle.take(LINKS_FROM_ADDRESS, place_of(address))
        is_operator = self._is_operator(account)
        link_id = self._random_octets(ID_OCTETS)
        ends_at = int(self._clock()) + self._link_minutes * 60

        def work(rows: PortalWork) -> None:
            serials = tuple(token.serial for token in _lost_tokens(rows, account))
            asked = self._mail.is_on and serials and not is_operator and not _is_held(rows, account)
            if asked:
                link = MailLink(link_id, account, serials, ends_at)
                rows.mail_links.add(link)
                url = self._address_of_link(self._sign(link))
                self._mail.send_link(rows, account, url, self._link_minutes, address)
            what = "link for a lost phone mailed" if asked else "no link for a lost phone to mail"
            event = self._event(account, address, what)
            if actor is not None:
                event = event._replace(actor=actor.name, detail=actor.why)
            rows.audit.record([event])

        self._store.write(work)

    def look(self, carried: str) -> MailLink:
        """Read what a link would do, and change nothing; raises LinkUnusable."""
        link = self._store.read(lambda rows: self._find(rows, carried))
        if link is None:
            raise LinkUnusable("this link does not work")
        return link

    def use(self, carried: str, address: str) -> list[TokenFacts]:
        """Remove what a link was made for; answers what was removed. Raises LinkUnusable."""
        pairer = self._pairer_at(address)
        if self._is_operator(self.look(carried).account):
            raise LinkUnusable("this link does not work")

        def work(rows: PortalWork) -> list[TokenFacts] | None:
            link = self._find(rows, carried)
            if link is None or not rows.mail_links.use(link.link_id):
                return None
            rows.mail_links.drop_all(link.account)
            removed = [token for serial in link.serials if (token := _untie(pairer, rows, serial, link.account))]
            # What the phone proved is worth nothing any more: whoever has it may be signed in.
            rows.sessions.end_all(link.account)
            rows.audit.record([self._event(link.account, address, "link for a lost phone used")])
            kinds = [token.kind for token in removed]
            if kinds:
                self._mail.tell_unpaired(rows, link.account, kinds, address, by_link=True)
            return removed

        removed = self._store.write(work)
        if removed is None:
            raise LinkUnusable("this link does not work")
        return removed

    def sweep(self) -> int:
        """Drop links that are too old; answers how many."""
        now = int(self._clock())
        return self._store.write(lambda rows: rows.mail_links.prune(now))

    def _find(self, rows: PortalWork, carried: str) -> MailLink | None:
        parts = _split(carried)
        if parts is None:
            return None
        link_id, key_id, mac = parts
        link = rows.mail_links.find(link_id)
        if link is None or self._clock() >= link.ends_at or _is_held(rows, link.account):
            return None
        try:
            expected = self._mac(link, key_id)
        except KeyringError:
            return None
        return link if hmac.compare_digest(expected, mac) else None

    def _sign(self, link: MailLink) -> str:
        key_id = self._keys.primary.key_id
        octets = link.link_id + bytes.fromhex(key_id) + self._mac(link, key_id)
        return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")

    def _mac(self, link: MailLink, key_id: str) -> bytes:
        said = json.dumps([link.link_id.hex(), link.account, link.serials, link.ends_at])
        return hmac.digest(self._keys.derived(key_id, "mail link"), said.encode("ascii"), "sha256")

    def _event(self, account: str, address: str, what: str) -> AuditEvent:
        return AuditEvent(
            at_milliseconds=int(self._clock() * 1000),
            kind=EventKind.ADMINISTRATION,
            result=Result.DONE,
            account=account,
            address=address,
            node="portal",
            reason=what,
        )


def _split(carried: str) -> tuple[bytes, str, bytes] | None:
    """Take apart what a link carries: its row, the key that signed it, the MAC."""
    try:
        octets = base64.b64decode(carried + "=" * (-len(carried) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None
    # One text for one link: base64 has several for the same octets.
    canonical = base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")
    if len(octets) != ID_OCTETS + KEY_ID_OCTETS + MAC_OCTETS or canonical != carried:
        return None
    key_id = octets[ID_OCTETS : ID_OCTETS + KEY_ID_OCTETS].hex()
    return octets[:ID_OCTETS], key_id, octets[ID_OCTETS + KEY_ID_OCTETS :]


def _lost_tokens(rows: PortalWork, account: str) -> list[TokenFacts]:
    return [token for token in rows.tokens.describe_page("", MOST, account=account) if token.kind in KINDS]


def _untie(pairer: Pairer, rows: PortalWork, serial: str, account: str) -> TokenFacts | None:
    """Remove a token, unless it is gone already, or somebody else's by now."""
    try:
        return pairer.untie(rows, serial, owner=account)
    except NotFound:
        return None


def _is_held(rows: PortalWork, account: str) -> bool:
    found = rows.accounts.find(account)
    return found is not None and found.standing.held
