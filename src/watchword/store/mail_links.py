"""Links that were mailed to people who lost their phone."""

from sqlalchemy import Connection, delete, insert, select

from watchword.services.ports_mail import MailLink
from watchword.store.portal_schema import mail_links


class MailLinkRows:
    """Verbs on mailed links, in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, link: MailLink) -> None:
        """Remember a link."""
        # A serial has no space in it.
        self._connection.execute(
            insert(mail_links).values(
                link_id=link.link_id, account=link.account, serials=" ".join(link.serials), ends_at=link.ends_at
            )
        )

    def find(self, link_id: bytes) -> MailLink | None:
        """Find a link, however old it is."""
        row = self._connection.execute(select(mail_links).where(mail_links.c.link_id == link_id)).first()
        return MailLink(row.link_id, row.account, tuple(row.serials.split()), row.ends_at) if row is not None else None

    def use(self, link_id: bytes) -> bool:
        """Take a link away; False if somebody else did already."""
        return self._connection.execute(delete(mail_links).where(mail_links.c.link_id == link_id)).rowcount == 1

    def drop_all(self, account: str) -> int:
        """Take away every link of an account; answers how many."""
        return self._connection.execute(delete(mail_links).where(mail_links.c.account == account)).rowcount

    def prune(self, now_seconds: int) -> int:
        """Drop links that have ended; answers how many."""
        return self._connection.execute(delete(mail_links).where(mail_links.c.ends_at <= now_seconds)).rowcount
