"""End sessions in this portal, one's own or somebody's for them; each end leaves a line in the audit log."""

from watchword.domain.audit import EventKind
from watchword.services.actor import Actor
from watchword.services.portal_ports import PortalStore, PortalWork
from watchword.services.ports_sessions import Session


def end_sessions(store: PortalStore, account: str, actor: Actor, now_seconds: float, *, but: bytes = b"") -> int:
    """End all of an account's sessions, or all but one; answers how many there were."""

    def work(rows: PortalWork) -> int:
        ended = rows.sessions.end_all(account, but=but)
        if ended or not but:
            said = actor.event(
                now_seconds, EventKind.ADMINISTRATION, "sessions ended", account=account, detail=f"{ended} of them"
            )
            rows.audit.record([said])
        return ended

    return store.write(work)


def end_session(store: PortalStore, session: Session, actor: Actor, now_seconds: float) -> bool:
    """End a session; False if it was over."""

    def work(rows: PortalWork) -> bool:
        if not rows.sessions.end(session.session_hash):
            return False
        begun = f"begun from {session.address}"
        said = actor.event(
            now_seconds, EventKind.ADMINISTRATION, "session ended", account=session.account, detail=begun
        )
        rows.audit.record([said])
        return True

    return store.write(work)
