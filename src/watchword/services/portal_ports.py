"""What the portal's use cases need beside what logins do: one more property for each area."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from watchword.services.ports import Work
from watchword.services.ports_announcements import AnnouncementRows
from watchword.services.ports_api import Answers, ApiKeyRows, UsedOnce
from watchword.services.ports_flows import Flows
from watchword.services.ports_imports import Imports
from watchword.services.ports_mail import MailLinks, Mails
from watchword.services.ports_search import Search
from watchword.services.ports_sessions import Sessions, Throttles
from watchword.services.ports_statistics import DayCounts

Result = TypeVar("Result")


class PortalWork(Work, Protocol):
    """One transaction: everything in it happens, or nothing does."""

    @property
    def sessions(self) -> Sessions:
        """Who is signed in."""

    @property
    def search(self) -> Search:
        """Operators' lists."""

    @property
    def imports(self) -> Imports:
        """Files of seeds that wait."""

    @property
    def throttles(self) -> Throttles:
        """How often things were tried."""

    @property
    def flows(self) -> Flows:
        """Pairings that have begun."""

    @property
    def mails(self) -> Mails:
        """Mail that has still to leave."""

    @property
    def mail_links(self) -> MailLinks:
        """Links that were mailed."""

    @property
    def announcements(self) -> AnnouncementRows:
        """What the directory has still to be told."""

    @property
    def day_counts(self) -> DayCounts:
        """The audit log, counted by day."""

    @property
    def api_keys(self) -> ApiKeyRows:
        """The keys of the REST API."""

    @property
    def used_once(self) -> UsedOnce:
        """What is good once, and was used."""

    @property
    def answers(self) -> Answers:
        """What the REST API answered."""


class PortalStore(Protocol):
    """Where the rows are; both raise StoreUnavailable."""

    def write(self, work: Callable[[PortalWork], Result]) -> Result:
        """Do the work in one transaction; it may be begun anew, so it must change nothing but rows."""

    def read(self, work: Callable[[PortalWork], Result]) -> Result:
        """Do work that changes nothing."""
