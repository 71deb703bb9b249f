"""Unpair a token of one's own, with a current code."""

from collections.abc import Callable
from dataclasses import dataclass

from watchword.domain.errors import Conflict, InvalidValue, NotFound
from watchword.domain.outcome import Challenge, Granted
from watchword.domain.tokens import Kind
from watchword.services.pair import Pairer
from watchword.services.portal_ports import PortalStore, PortalWork
from watchword.services.ports_keeper import Keeper
from watchword.services.ports_tokens import TokenFacts
from watchword.services.throttle import Limit, Throttle
from watchword.services.write_mail import MailWriter

MOST = 100

OWN_KINDS = (Kind.SOFT, Kind.SMS)
"""What people unpair themselves. A fob goes back to the help desk, and a training code is the class's."""

TEXTS_OF_ACCOUNT = Limit("unpairing/texts of account", 6, 3600)


@dataclass(frozen=True, slots=True)
class Unpairer:
    """Unpairs for the person themself; `pairer_at` makes the pairer of somebody who sits at an address."""

    store: PortalStore
    keeper: Keeper
    throttle: Throttle
    pairer_at: Callable[[str], Pairer]
    mail: MailWriter

    def tokens(self, account: str) -> list[TokenFacts]:
        """List an account's tokens, the one that a login asks for first."""
        found = self.store.read(lambda rows: rows.tokens.describe_page("", MOST, account=account))
        return sorted(found, key=lambda token: (token.rank, token.serial))

    def token(self, account: str, serial: str) -> TokenFacts:
        """Find an account's token; raises NotFound for a serial that is nobody's or somebody else's."""
        for token in self.tokens(account):
            if token.serial == serial:
                return token
        raise NotFound("you have no such device")

    def text_code(self, account: str, address: str) -> None:
        """Have a code texted to the account's telephone, if it has one; raises TooMany."""
        self.throttle.take(TEXTS_OF_ACCOUNT, account)
        asked = self.keeper.begin(account, address)
        first = next((token for token in self.tokens(account) if token.enabled), None)
        if first is not None and first.kind is not Kind.SMS and isinstance(asked, Challenge):
            # As somebody at an ssh prompt asks for it, whose first token is another.
            self.keeper.answer(account, asked.handle, Kind.SMS.value, address)

    def unpair(self, account: str, serial: str, code: str, address: str, *, session_hash: bytes = b"") -> TokenFacts:
        """Remove a token once a code of the account is given; raises NotFound, Conflict, InvalidValue.

        A wrong code counts as a failure of the account, as at a login. The account's other sessions end: one of them
        may be why somebody unpairs a device.
        """
        if self.token(account, serial).kind not in OWN_KINDS:
            raise Conflict("this one is unpaired by the help desk")
        if not isinstance(self.keeper.check(account, code, address), Granted):
            raise InvalidValue("This code is not right.", hint="Each code works once: wait for the next one.")
        pairer = self.pairer_at(address)

        def work(rows: PortalWork) -> TokenFacts:
            facts = pairer.untie(rows, serial, owner=account)
            rows.sessions.unprove(session_hash, serial)
            rows.sessions.end_all(account, but=session_hash)
            self.mail.tell_unpaired(rows, account, [facts.kind], address, by_link=False)
            return facts

        return self.store.write(work)
