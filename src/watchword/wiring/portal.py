"""From settings to what the portal needs: the only place that knows its adapters."""

import os
from dataclasses import dataclass

from watchword.clock import Clock, now_seconds
from watchword.directory.ldap import LdapDirectory
from watchword.directory.ldap_password import LdapPassword
from watchword.directory.pam_password import PamPassword
from watchword.domain.errors import SettingsError
from watchword.keeper.client import KeeperClient
from watchword.services.administer import Administrator
from watchword.services.pair import Pairer
from watchword.services.ports import Directory
from watchword.services.ports_keeper import Keeper
from watchword.services.roles import Role, Roles
from watchword.services.sessions import SessionKeeper
from watchword.services.sign_in import FirstFactor, SignIn
from watchword.services.throttle import Throttle
from watchword.settings import Settings
from watchword.store.store import Store
from watchword.wiring import Services, assemble, make_administrator, make_pairer
from watchword.wiring.keeper import local_keeper
from watchword.wiring.people import People, serve_people


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything that a page may call, made once for each process."""

    settings: Settings
    services: Services
    clock: Clock
    directory: Directory
    sessions: SessionKeeper
    throttle: Throttle
    sign_in: SignIn
    roles: Roles
    keeper: Keeper
    people: People

    @property
    def store(self) -> Store:
        """The rows."""
        return self.services.store

    def pairer(self, actor: str = "", why: str = "", address: str = "") -> Pairer:
        """Make what pairs, for one request: by an operator, for a reason, or by the person themself (no `actor`).

        Raises InvalidValue for a reason that cannot be written down.
        """
        self.services.refresh_keys()
        return make_pairer(self.settings, self.store, self.clock, actor=actor, why=why, address=address)

    def administrator(self, actor: str = "", why: str = "", address: str = "") -> Administrator:
        """Make what does operators' work, for one request; raises InvalidValue."""
        self.services.refresh_keys()
        return make_administrator(self.settings, self.store, self.clock, actor=actor, why=why, address=address)

    def close(self) -> None:
        """Close the database."""
        self.services.close()


def open_desk(settings: Settings, *, clock: Clock = now_seconds) -> Desk:
    """Put the portal's services together; connects to nothing. Raises KeyringError, SettingsError."""
    services = assemble(settings, role="portal", clock=clock)
    throttle = Throttle(services.store, clock=clock)
    sessions = SessionKeeper(
        services.store,
        clock=clock,
        random_octets=os.urandom,
        idle_seconds=settings.portal.idle_minutes * 60,
        longest_seconds=settings.portal.session_hours * 3600,
    )
    keeper = make_keeper(settings, services, clock)
    roles = Roles(role_members(settings), services.directory, clock=clock)
    return Desk(
        settings=settings,
        services=services,
        clock=clock,
        directory=services.directory,
        sessions=sessions,
        throttle=throttle,
        sign_in=SignIn(
            services.store, first_factor(settings, services.directory), services.directory, sessions, throttle, clock
        ),
        keeper=keeper,
        people=serve_people(settings, services, clock=clock, throttle=throttle, keeper=keeper, roles=roles),
        roles=roles,
    )


def first_factor(settings: Settings, directory: Directory) -> FirstFactor:
    """Make what checks passwords; raises SettingsError."""
    if settings.portal.sign_in == "pam":
        return PamPassword(settings.portal.pam_service)
    if not isinstance(directory, LdapDirectory):
        raise SettingsError('[portal] sign_in = "ldap" needs an [ldap]')
    return LdapPassword(directory)


def make_keeper(settings: Settings, services: Services, clock: Clock) -> Keeper:
    """Make what opens seeds: the daemon's client, or without one this process itself."""
    if settings.portal.keeper_socket is not None:
        return KeeperClient(settings.portal.keeper_socket)
    return local_keeper(settings, services.store, services.answer, clock)


def role_members(settings: Settings) -> dict[Role, tuple[str, ...]]:
    """Answer who has each role: names, and groups in parentheses."""
    roles = settings.portal.roles
    return {Role.ADMIN: roles.admin, Role.HELPDESK: roles.helpdesk, Role.AUDITOR: roles.auditor}
