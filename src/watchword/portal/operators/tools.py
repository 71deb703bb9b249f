"""What operators' pages work with, made of the desk for each request: all of it is cheap to make."""

import os
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from watchword.domain.errors import InvalidValue
from watchword.portal.current import Current
from watchword.portal.guards import AtDesk
from watchword.services.actor import Actor
from watchword.services.administer import Administrator
from watchword.services.diagnose_gather import Circumstances, Investigator
from watchword.services.find import Finder, PeopleSearch
from watchword.services.find_account import AccountReader
from watchword.services.import_fobs import FobImporter
from watchword.services.pair import Pairer
from watchword.services.train_class import ClassMaker
from watchword.services.watch_live import Watcher
from watchword.wiring import make_administrator, make_pairer
from watchword.wiring.portal import Desk

SHORTEST_WHY = 3


@dataclass(frozen=True, slots=True)
class Tools:
    """The use cases behind operators' pages."""

    desk: Desk

    @property
    def can_find_people(self) -> bool:
        """Whether the directory finds people by their names."""
        return isinstance(self.desk.directory, PeopleSearch)

    @property
    def finder(self) -> Finder:
        """Finds accounts and tokens."""
        directory = self.desk.directory
        people = directory if isinstance(directory, PeopleSearch) else None
        return Finder(self.desk.store, clock=self.desk.clock, people=people)

    @property
    def reader(self) -> AccountReader:
        """Reads all there is about an account."""
        return AccountReader(self.desk.store, self.desk.directory, clock=self.desk.clock)

    @property
    def investigator(self) -> Investigator:
        """Finds out why somebody can't log in."""
        settings = self.desk.settings
        circumstances = Circumstances(
            settings.portal.mode, settings.portal.deadline, settings.soft.drift_seconds, settings.portal.exemptions
        )
        return Investigator(self.desk.store, self.desk.directory, circumstances, clock=self.desk.clock)

    @property
    def watcher(self) -> Watcher:
        """Reads feeds."""
        return Watcher(self.desk.store)

    @property
    def importer(self) -> FobImporter:
        """Brings in files of seeds."""
        return FobImporter(self.desk.store, clock=self.desk.clock, random_octets=os.urandom)

    @property
    def classes(self) -> ClassMaker:
        """Makes training classes."""
        return ClassMaker(self.desk.store, random_octets=os.urandom)

    def administrator(self, actor: Actor) -> Administrator:
        """Make what administers, in an operator's name."""
        return make_administrator(
            self.desk.settings, self.desk.store, self.desk.clock, actor=actor.name, why=actor.why, address=actor.address
        )

    def pairer(self, actor: Actor) -> Pairer:
        """Make what pairs, in an operator's name."""
        return make_pairer(
            self.desk.settings, self.desk.store, self.desk.clock, actor=actor.name, why=actor.why, address=actor.address
        )


async def the_tools(desk: AtDesk) -> Tools:
    """Answer the use cases."""
    return Tools(desk)


AtTools = Annotated[Tools, Depends(the_tools)]


def actor_of(request: Request, operator: Current, why: str) -> Actor:
    """Name who acts, and why; raises InvalidValue if there is no reason, or none that can be written down."""
    reason = why.strip()
    if len(reason) < SHORTEST_WHY:
        raise InvalidValue("say why: it stands in the audit log, beside your name")
    return Actor(operator.account, reason, request.state.address)
