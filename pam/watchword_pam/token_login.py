"""The second factor: mode -> pairing -> prompt -> verdict."""

from __future__ import annotations

from contextlib import suppress

from watchword.domain.enforcement import (
    Acknowledgement,
    Mode,
    Nothing,
    Pairing,
    current_mode,
    demand,
    pairing_matters,
)
from watchword_pam.addresses import is_address
from watchword_pam.clock import boot_seconds, today
from watchword_pam.conversation import ConversationAborted, Unreadable, can_be_account
from watchword_pam.exchange import Person, answer, begin, pairing_query
from watchword_pam.nss import as_the_node_spells
from watchword_pam.radius_packet import LONGEST_PASSWORD
from watchword_pam.servers import NobodyAnswers, Servers
from watchword_pam.verdict import Granted, Refused, Verdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchword_pam.conversation import Conversation
    from watchword_pam.exchange import Reply
    from watchword_pam.settings import Settings

DEFAULT_PROMPT = "Token code: "
CODE_IN_HAND = frozenset({"soft", "hard", "static"})  # the code is there already: no need to begin at the server
PAIRING_PREFIX = "watchword:"


class TokenLogin:
    """One login's second factor."""

    def __init__(self, conversation: Conversation, settings: Settings) -> None:
        self._conversation = conversation
        self._settings = settings
        self._start = boot_seconds()
        # The servers compare names to the letter: about another spelling they would say that it is unpaired.
        spelled = as_the_node_spells(conversation.account)
        self._is_known = spelled is not None
        name = conversation.account if spelled is None else spelled
        origin = conversation.origin
        self._person = Person(name if can_be_account(name) else "", origin if is_address(origin) else "", settings.node)
        self._until = self._start + settings.budget_seconds
        self._servers = Servers(settings, self._until)
        self._tries_left = settings.tries

    @property
    def account(self) -> str:
        """Return the account as the node spells it; as it was typed, if the node doesn't know it."""
        return self._person.account

    def verdict(self) -> Verdict:
        """Take the login to its end."""
        if not self._person.account:
            return self._refused("account-name")
        try:
            return self._demanded()
        except ConversationAborted:
            return Refused("conversation-ended")
        except NobodyAnswers:
            return self._outage()

    def _demanded(self) -> Verdict:
        """Find out what is demanded of this login, and do it."""
        settings = self._settings
        # Dates are slow to load.
        date = today() if settings.mode is Mode.COUNTDOWN else None
        mode = current_mode(settings.mode, settings.deadline, date)
        kind = ""
        pairing = Pairing.UNKNOWN
        if pairing_matters(mode) or (settings.ldap is not None and mode.value != "off"):
            kind = self._kind()
            pairing = Pairing.UNPAIRED if kind == "unpaired" else Pairing.PAIRED if kind else Pairing.UNKNOWN
        wanted = demand(mode, pairing, settings.deadline, date)
        if isinstance(wanted, Nothing):
            return Granted("mode-off" if mode.value == "off" else "not-paired", mode=mode.value)
        if isinstance(wanted, Acknowledgement):
            return self._acknowledged(wanted.days_left)
        return self._coded(kind)

    def _kind(self) -> str:
        """Look up the kind of the account's token: "unpaired" for none, "" if that can't be found out."""
        if not self._is_known:  # nobody can say by which name the servers know it
            return ""
        if self._settings.ldap is not None:
            from watchword_pam.ldap_pairing import find_kind  # noqa: PLC0415 - ldap3 is slow to load

            # Half the budget at most: the RADIUS servers must have their chance to answer.
            half = self._start + self._settings.budget_seconds / 2
            return find_kind(self._settings.ldap, self._person.account, half)
        reply = self._servers.ask(pairing_query(self._person))
        kinds = _pairings(reply)
        return kinds.pop() if reply.accepts and len(kinds) == 1 else ""

    def _acknowledged(self, days_left: int) -> Verdict:
        """Announce the deadline. Text and question are one prompt: OpenSSH before 10.3 holds back a mere text."""
        days = {0: "Today is the last day", 1: "You have 1 day"}.get(days_left, f"You have {days_left} days")
        text = f"{days} to pair a device for logging in, see {self._settings.info_url}\nPress return to continue: "
        with suppress(Unreadable):  # whatever was typed, return was pressed
            self._conversation.ask(text, echo=True)
        return Granted("acknowledged", days_left=days_left)

    def _coded(self, kind: str) -> Verdict:
        """Ask for a code, and take it to the servers until they grant or deny."""
        # Where an outage lets people in, nothing that a person types may come before the first answer: a server
        # that is silent about odd input would else be an open door.
        at_once = kind in CODE_IN_HAND or kind == "unpaired"
        if self._settings.ldap is None or not at_once or self._settings.allow_on_outage:
            reply = self._servers.ask(begin(self._person))
        else:
            typed = self._typed(self._settings.prompt or DEFAULT_PROMPT, echo=True)
            if isinstance(typed, Refused):
                return typed
            reply = self._servers.ask(answer(self._person, typed, []))
        while reply.challenges:
            typed = self._typed(self._worded(reply.text), echo=reply.echo)
            if isinstance(typed, Refused):
                return typed
            reply = self._servers.ask(answer(self._person, typed, reply.state))
        if reply.accepts:
            # An accepted pairing query says who is paired, not that a code is right. Where a client is excused from
            # signing, somebody on the way could have made an answer into a query.
            if _pairings(reply):
                return self._refused("not-about-a-code", server=self._servers.last)
            return Granted("accepted", server=self._servers.last)
        return self._refused("rejected", reply.text, server=self._servers.last)

    def _worded(self, text: str) -> str:
        """Return a challenge as one prompt; `prompt` in pam.toml stands in for its last line."""
        lines = text.strip("\n").split("\n")
        lines[-1] = self._settings.prompt or lines[-1] or DEFAULT_PROMPT
        return "\n".join(lines)

    def _typed(self, prompt: str, *, echo: bool) -> bytes | Refused:
        """Ask until something can be sent. What can't be a code is never sent, and counts as a try."""
        while self._tries_left > 0:
            self._tries_left -= 1
            try:
                typed = self._conversation.ask(prompt, echo=echo)
            except Unreadable:
                continue
            if boot_seconds() >= self._until:
                return self._refused("too-slow")
            data = typed.encode("utf-8", "replace")
            if len(data) <= LONGEST_PASSWORD and typed.isprintable():
                return data
        return self._refused("too-many-tries")

    def _outage(self) -> Verdict:
        """Nobody answers: do what pam.toml says. A server that has spoken once in this login is no outage."""
        if self._settings.allow_on_outage and self._servers.is_outage:
            return Granted("on-outage", mode=self._settings.mode.value)
        where = f", or see {self._settings.info_url}" if self._settings.info_url else ""
        text = f"The service that checks token codes can't be reached now. Try again in a few minutes{where}"
        return Refused("no-server", text)

    def _refused(self, reason: str, text: str = "", **fields: object) -> Refused:
        """Refuse with the server's words, or with ours: the same whatever the reason."""
        where = f" To see why, sign in at {self._settings.info_url}" if self._settings.info_url else ""
        return Refused(reason, text or f"Access refused.{where}", **fields)


def _pairings(reply: Reply) -> set[str]:
    """Return the kinds of token that a reply to a pairing query tells; none in any other reply."""
    return {name.removeprefix(PAIRING_PREFIX) for name in reply.filter_ids if name.startswith(PAIRING_PREFIX)}
