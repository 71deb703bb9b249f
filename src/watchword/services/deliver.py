"""Send the text messages that wait in the outbox, outside any login's transaction."""

from watchword.clock import Clock
from watchword.domain.audit import AuditEvent, EventKind, Result
from watchword.domain.errors import DeliveryFailed
from watchword.services.ports import Store, TextMessage, TextSender, Work

ATTEMPTS = 3
HOLD_SECONDS = 60
"""Longer than a carrier may take (settings.py: 25 s to connect, 25 to answer). If this server dies with a message in
hand, another sends it after that."""

PAUSE_SECONDS = 5


class Postman:
    """Sends due messages through a carrier."""

    def __init__(self, store: Store, sender: TextSender, *, clock: Clock) -> None:
        self._store = store
        self._sender = sender
        self._clock = clock

    def deliver_due(self) -> int:
        """Send the message that is due first; answers 0 if none was due, else 1. Raises StoreUnavailable."""
        now = int(self._clock())
        if not self._store.read(lambda work: work.outbox.any_due(now)):
            return 0
        messages = self._store.write(lambda work: work.outbox.claim(now, 1, HOLD_SECONDS))
        for message in messages:
            self._deliver(message)
        return 1

    def _deliver(self, message: TextMessage) -> None:
        if self._clock() >= message.expires_at:
            self._give_up(message, "its code had expired")
            return
        try:
            carrier_name = self._sender.send(message.phone, message.text)
        except DeliveryFailed as failure:
            if failure.final or message.attempts >= ATTEMPTS:
                self._give_up(message, str(failure))
            else:
                self._postpone(message, str(failure))
            return
        self._store.write(lambda work: self._sent(work, message, carrier_name))

    def _sent(self, work: Work, message: TextMessage, carrier_name: str) -> None:
        work.outbox.remove(message.issue)
        work.audit.record([self._event(message, Result.DONE, f"carrier's id {carrier_name[:64]}")])

    def _postpone(self, message: TextMessage, why: str) -> None:
        due_at = int(self._clock()) + PAUSE_SECONDS * message.attempts

        def work(rows: Work) -> None:
            rows.outbox.postpone(message.issue, due_at)
            rows.audit.record([self._event(message, Result.FAILED, f"will be tried again: {why}")])

        self._store.write(work)

    def _give_up(self, message: TextMessage, why: str) -> None:
        """Withdraw the code as well, so that the person can ask for another at once."""

        def work(rows: Work) -> None:
            rows.outbox.remove(message.issue)
            rows.sent_codes.spend(message.serial, message.issue)
            rows.audit.record([self._event(message, Result.FAILED, f"given up: {why}")])

        self._store.write(work)

    def _event(self, message: TextMessage, result: Result, detail: str) -> AuditEvent:
        return AuditEvent(
            at_milliseconds=int(self._clock() * 1000),
            kind=EventKind.TEXT,
            result=result,
            account=message.account,
            serial=message.serial,
            detail=detail[:500],
        )
