"""From settings to what people do for themselves in the portal, and what it does for them behind the pages."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace

from watchword.clock import Clock
from watchword.delivery.mail import SmtpSender, SmtpSettings
from watchword.directory.ldap_announcer import LdapAnnouncer
from watchword.domain.errors import SettingsError
from watchword.domain.tokens import Kind
from watchword.services.announce import Announcer
from watchword.services.lost_phone import LostPhone
from watchword.services.pair import Pairer
from watchword.services.pairing_flow import PairingFlows
from watchword.services.ports_keeper import Keeper
from watchword.services.roles import Roles
from watchword.services.this_wasnt_me import Reports
from watchword.services.throttle import Throttle
from watchword.services.unpair import Unpairer
from watchword.services.write_mail import MailPostman, MailWriter
from watchword.services.write_mail_letters import Words
from watchword.settings import Settings
from watchword.wiring import Services, ldap_settings, login_policy, make_pairer, read_secret

LINK_PATH = "/lost/link/"


@dataclass(frozen=True, slots=True)
class Errand:
    """What is done behind the pages: `run` does some of it, and answers 0 once nothing is left to do for now."""

    name: str
    every_seconds: float
    run: Callable[[], int]


@dataclass(frozen=True, slots=True)
class People:
    """What people do for themselves."""

    pairing: PairingFlows
    unpairer: Unpairer
    lost_phone: LostPhone
    reports: Reports
    errands: tuple[Errand, ...]


def serve_people(
    settings: Settings,
    services: Services,
    *,
    clock: Clock,
    throttle: Throttle,
    keeper: Keeper,
    roles: Roles,
) -> People:
    """Put together what people's pages call; connects to nothing. Raises SettingsError."""
    store = services.store
    words = Words(settings.soft.issuer, settings.portal.public_url, settings.portal.help)
    is_on = bool(settings.mail.server)
    mail = MailWriter(clock, os.urandom, words, is_on, settings.mail.operators)

    def pairer_at(address: str) -> Pairer:
        services.refresh_keys()
        return make_pairer(settings, store, clock, address=address)

    pairing = PairingFlows(
        store,
        clock=clock,
        random_octets=os.urandom,
        throttle=throttle,
        keeper=keeper,
        pairer_at=pairer_at,
        mail=mail,
        kinds=_kinds(settings),
        countries=settings.portal.countries,
        text=login_policy(settings).sent_code_text,
        drift_seconds=settings.soft.drift_seconds,
        issuer=settings.soft.issuer,
    )
    lost_phone = LostPhone(
        store,
        clock=clock,
        random_octets=os.urandom,
        throttle=throttle,
        keys=services.keyring,
        pairer_at=pairer_at,
        mail=mail,
        address_of_link=lambda carried: f"{settings.portal.public_url}{LINK_PATH}{carried}",
        link_minutes=settings.mail.link_minutes,
        is_operator=lambda account: roles.role_of(account) is not None,
    )
    return People(
        pairing=pairing,
        unpairer=Unpairer(store, keeper, throttle, pairer_at, mail),
        lost_phone=lost_phone,
        reports=Reports(store, clock, mail, announces=settings.announce is not None),
        errands=(
            *_deliveries(settings, services, clock),
            Errand("pairings that were left", 60, pairing.sweep),
            Errand("links that are too old", 600, lost_phone.sweep),
        ),
    )


def _kinds(settings: Settings) -> list[Kind]:
    """List what people may pair here."""
    kinds = [Kind(kind) for kind in settings.portal.kinds]
    return [kind for kind in kinds if kind is not Kind.SMS or settings.sms.carrier != "none"]


def _deliveries(settings: Settings, services: Services, clock: Clock) -> list[Errand]:
    errands = []
    # Where a keeper opens what is sealed, this process may not read numbers either: the RADIUS servers send.
    if services.postman is not None and settings.portal.keeper_socket is None:
        errands.append(Errand("text messages", 2, services.postman.deliver_due))
    if settings.mail.server:
        sender = SmtpSender(_smtp_settings(settings))
        postman = MailPostman(services.store, sender, services.directory, clock=clock, domain=settings.mail.domain)
        errands.append(Errand("mail", 2, postman.deliver_due))
    if settings.announce is not None:
        announcer = Announcer(services.store, _ldap_announcer(settings), clock=clock)
        errands.append(Errand("announcements", 2, announcer.deliver_due))
    return errands


def _smtp_settings(settings: Settings) -> SmtpSettings:
    mail = settings.mail
    return SmtpSettings(
        server=mail.server,
        port=mail.port,
        start_tls=mail.start_tls,
        ca_file=str(mail.ca_file) if mail.ca_file else "",
        user=mail.user,
        password=read_secret(mail.password_file, "mail.password_file"),
        sender=mail.sender,
        timeout_seconds=mail.timeout_seconds,
    )


def _ldap_announcer(settings: Settings) -> LdapAnnouncer:
    announce = settings.announce
    if announce is None or settings.ldap is None:
        raise SettingsError("[announce] writes into the directory of [ldap], which is missing")
    reading = ldap_settings(settings.ldap)
    writing = replace(
        reading,
        bind_dn=announce.bind_dn,
        bind_password=read_secret(announce.bind_password_file, "announce.bind_password_file"),
    )
    values = {kind.value: getattr(announce, kind.value) for kind in Kind} | {"": announce.unpaired}
    return LdapAnnouncer(writing, announce.attribute, values)
