"""From settings to services: the only place that knows every adapter."""

import logging
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from watchword.clock import Clock, now_seconds
from watchword.delivery.recorder import Recorder
from watchword.delivery.twilio import TwilioSender, TwilioSettings
from watchword.directory.ldap import LdapDirectory, LdapSettings
from watchword.directory.system import SystemDirectory
from watchword.domain.errors import KeyringError, SettingsError
from watchword.domain.lockout import LockoutPolicy
from watchword.domain.outcome import Outcome
from watchword.services.administer import Administrator
from watchword.services.attempts import Attempt
from watchword.services.authenticate import Authenticator
from watchword.services.deliver import Postman
from watchword.services.pair import Pairer
from watchword.services.policy import LoginPolicy
from watchword.services.ports import Directory, TextSender
from watchword.services.ports import Store as AnyStore
from watchword.services.report import Reporter
from watchword.services.rotate import Rotator
from watchword.settings import LdapSection, Settings, SmsSettings
from watchword.store.anchors import Anchors
from watchword.store.database import Database
from watchword.store.keyring import Keyring
from watchword.store.sealing import Sealer
from watchword.store.store import Store

log = logging.getLogger(__name__)

LONGEST_WRITER = 64


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases, and the few adapters that an entry point touches itself."""

    store: Store
    keyring: Keyring
    authenticator: Authenticator
    pairer: Pairer
    administrator: Administrator
    reporter: Reporter
    rotator: Rotator
    directory: Directory
    postman: Postman | None

    def answer(self, attempts: Sequence[Attempt]) -> list[Outcome]:
        """Answer attempts with the keys as they are now."""
        self.refresh_keys()
        return self.authenticator.answer(attempts)

    def refresh_keys(self) -> None:
        """Take the keys as the file has them now; while it cannot be used, those in hand stay."""
        try:
            self.keyring.refresh()
        except KeyringError as error:
            log.error("the keys stay as they were: %s", error)

    def close(self) -> None:
        """Close the database."""
        self.store.database.close()


def assemble(settings: Settings, *, role: str, actor: str = "", clock: Clock = now_seconds) -> Services:
    """Put the services together; `role` names this process in the audit log, `actor` the operator at the keyboard.

    Connects to nothing. Raises KeyringError, SettingsError.
    """
    keyring = Keyring(settings.keyring.file)
    sealer = Sealer(keyring)
    server = settings.audit.server or socket.gethostname().partition(".")[0]
    writer = f"{server}/{role}"
    if len(writer) > LONGEST_WRITER:
        raise SettingsError("this server's name is too long for the audit log", hint="give it a short [audit] server")
    store = Store(
        Database(settings.database.url.get_secret_value()),
        sealer,
        keyring,
        writer=writer,
        anchors=Anchors(settings.audit.anchors),
    )
    policy = login_policy(settings)
    sender = text_sender(settings.sms)
    return Services(
        store=store,
        keyring=keyring,
        authenticator=Authenticator(store, sealer, policy, clock=clock, random_octets=os.urandom),
        pairer=make_pairer(settings, store, clock, actor=actor),
        administrator=make_administrator(settings, store, clock, actor=actor),
        reporter=Reporter(store, keyring, store.recall_anchors),
        rotator=Rotator(store, clock=clock, actor=actor),
        directory=directory(settings),
        postman=Postman(store, sender, clock=clock) if sender is not None else None,
    )


def make_pairer(
    settings: Settings, store: AnyStore, clock: Clock, *, actor: str = "", why: str = "", address: str = ""
) -> Pairer:
    """Make what pairs, for whoever acts: `actor` is empty for the person themself, `why` an operator's reason.

    Raises InvalidValue for a reason that cannot be written down.
    """
    return Pairer(
        store,
        clock=clock,
        random_octets=os.urandom,
        issuer=settings.soft.issuer,
        actor=actor,
        why=why,
        address=address,
        announce=settings.announce is not None,
    )


def make_administrator(
    settings: Settings, store: AnyStore, clock: Clock, *, actor: str = "", why: str = "", address: str = ""
) -> Administrator:
    """Make what does operators' work, as `make_pairer` does; raises InvalidValue."""
    return Administrator(
        store,
        clock=clock,
        random_octets=os.urandom,
        lockout=login_policy(settings).lockout,
        actor=actor,
        why=why,
        address=address,
        announce=settings.announce is not None,
    )


def login_policy(settings: Settings) -> LoginPolicy:
    """Translate what a centre has decided."""
    return LoginPolicy(
        lockout=LockoutPolicy(settings.lockout.failures, settings.lockout.release_after_minutes * 60),
        drift_seconds=settings.soft.drift_seconds,
        tries=settings.radius.tries,
        challenge_seconds=settings.radius.challenge_seconds,
        prompt=settings.radius.prompt,
        refused=settings.radius.refused.replace("{url}", settings.portal.public_url),
        sent_code_seconds=settings.sms.code_minutes * 60,
        sent_code_text=settings.sms.text.replace("{issuer}", settings.soft.issuer).replace(
            "{minutes}", str(settings.sms.code_minutes)
        ),
    )


def text_sender(sms: SmsSettings) -> TextSender | None:
    """Make the carrier that the settings name; raises SettingsError."""
    match sms.carrier:
        case "none" | "elsewhere":
            return None
        case "recorder":
            return Recorder(sms.recorder_file)
        case "twilio":
            is_service = sms.sender.startswith("MG")
            return TwilioSender(
                TwilioSettings(
                    account_sid=sms.account_sid,
                    auth_token=_auth_token(sms),
                    from_number="" if is_service else sms.sender,
                    messaging_service_sid=sms.sender if is_service else "",
                    timeout_seconds=sms.timeout_seconds,
                    api_url=sms.api_url,
                    ca_file=str(sms.ca_file) if sms.ca_file else "",
                    proxy_url=sms.proxy_url.get_secret_value() if sms.proxy_url else "",
                )
            )


def _auth_token(sms: SmsSettings) -> str:
    if sms.auth_token is not None:
        return sms.auth_token.get_secret_value()
    return read_secret(sms.auth_token_file, "sms.auth_token_file")


def read_secret(file: Path | None, key: str) -> str:
    """Read a secret from its file, empty for no file; raises SettingsError, which names the key."""
    if file is None:
        return ""
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{key} cannot be read: {type(error).__name__}") from None


def directory(settings: Settings) -> Directory:
    """Make the directory that the settings name: LDAP if there is an [ldap], else this machine's own."""
    return SystemDirectory() if settings.ldap is None else LdapDirectory(ldap_settings(settings.ldap))


def ldap_settings(ldap: LdapSection) -> LdapSettings:
    """Translate what an [ldap] says; raises SettingsError."""
    return LdapSettings(
        servers=ldap.servers,
        base_dn=ldap.base_dn,
        bind_dn=ldap.bind_dn,
        bind_password=read_secret(ldap.bind_password_file, "ldap.bind_password_file"),
        start_tls=ldap.start_tls,
        ca_file=str(ldap.ca_file) if ldap.ca_file else "",
        allow_plaintext=ldap.allow_plaintext,
        timeout_seconds=ldap.timeout_seconds,
        people_filter=ldap.people_filter,
        account_attribute=ldap.account_attribute,
        mail_attribute=ldap.mail_attribute,
        phone_attribute=ldap.phone_attribute,
        group_base_dn=ldap.group_base_dn,
        pairing_attribute=ldap.pairing_attribute,
    )
