"""End somebody's sessions in this portal, for them."""

from watchword.domain.audit import EventKind
from watchword.services.actor import Actor
from watchword.services.portal_ports import PortalStore, PortalWork


def end_sessions(store: PortalStore, account: str, actor: Actor, now_seconds: float) -> int:
    """End all of an account's sessions; answers how many there were."""

    def work(rows: PortalWork) -> int:
        ended = rows.sessions.end_all(account)
        rows.audit.record([actor.event(now_seconds, EventKind.ADMINISTRATION, "sessions ended", account=account)])
        return ended

    return store.write(work)
