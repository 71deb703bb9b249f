"""The tables of watchword.toml that the portal reads: where it listens, who may do what, how it writes to people."""

import ipaddress
from datetime import date
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, field_validator, model_validator

from watchword.domain.enforcement import Mode
from watchword.settings.section import Section


def _network(value: object) -> object:
    try:
        return ipaddress.ip_network(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError(
            "a network is written 192.0.2.0/24 or 2001:db8::/32, with no bit set after its length"
        ) from None


Network = Annotated[ipaddress.IPv4Network | ipaddress.IPv6Network, BeforeValidator(_network)]

OneLine = Annotated[str, Field(max_length=200)]


class RolesSettings(Section):
    """Who is an operator: account names, and groups in parentheses, as in exemptions.conf."""

    admin: tuple[str, ...] = ()
    helpdesk: tuple[str, ...] = ()
    auditor: tuple[str, ...] = ()


class PortalSettings(Section):
    """The web portal; its public address stands in what people read when they are refused."""

    listen: str = "127.0.0.1:8080"
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    public_url: str = "https://mfa.example.org"
    trusted_proxies: tuple[Network, ...] = ()
    """Whose X-Forwarded-For and X-Forwarded-Proto are believed."""

    sign_in: Literal["pam", "ldap"] = "pam"
    pam_service: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")] = "watchword-portal"
    keeper_socket: Path | None = None
    """Where `watchword keeper` listens; without it, the portal opens seeds itself."""

    keeper_user: str = "watchword-portal"
    """Whose processes the keeper answers."""

    mode: Mode = Mode.PAIRED
    deadline: date | None = None
    idle_minutes: Annotated[int, Field(ge=1, le=1440)] = 15
    session_hours: Annotated[int, Field(ge=1, le=24)] = 8
    refusal_seconds: Annotated[float, Field(ge=0.1, le=10)] = 2
    """Refused passwords are answered at multiples of this, so that time tells nobody which accounts exist."""

    help: OneLine = "Ask the help desk."
    """One line that tells people how to reach a person."""

    kinds: tuple[Literal["soft", "sms", "hard"], ...] = ("soft", "sms", "hard")
    """What people may pair themselves; sms only where [sms] names a carrier."""

    countries: Annotated[tuple[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], ...], Field(min_length=1)] = ("US",)
    """Whose phone numbers people may pair (ISO 3166); the first is offered first."""

    exemptions: Path = Path("/etc/watchword/exemptions.conf")
    """The list that "why can't alice log in?" looks at."""

    internal_networks: tuple[Network, ...] = tuple(
        ipaddress.ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "::1")
    )
    """Where a login counts as internal, in the charts."""

    api_requests_per_minute: Annotated[int, Field(ge=1, le=100_000)] = 600
    """Of each key of the REST API."""

    roles: RolesSettings = RolesSettings()

    @field_validator("public_url")
    @classmethod
    def _whole_address(cls, url: str) -> str:
        parts = urlsplit(url)
        loopback = parts.hostname in {"127.0.0.1", "::1", "localhost"}
        if not parts.hostname or parts.query or parts.fragment or parts.path not in {"", "/"}:
            raise ValueError("public_url is https://host or https://host:port")
        # Secure cookies and passwords need TLS; a browser counts its own machine as safe.
        if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
            raise ValueError("public_url must begin with https://, except on loopback")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _a_countdown_ends(self) -> "PortalSettings":
        if self.mode is Mode.COUNTDOWN and self.deadline is None:
            raise ValueError("mode countdown needs a deadline, such as 2026-12-01")
        return self


class MailSettings(Section):
    """How the portal writes to people; without a server it sends no mail, and a lost phone is the help desk's."""

    server: str = ""
    port: Annotated[int, Field(ge=1, le=65535)] = 25
    start_tls: bool = False
    ca_file: Path | None = None
    user: str = ""
    password_file: Path | None = None
    sender: str = "watchword@localhost"
    domain: Annotated[str, Field(pattern=r"^([A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*)?$")] = ""
    """Where people get mail whose address the directory does not have: account@domain."""

    operators: tuple[str, ...] = ()
    """Who is told when somebody says "this wasn't me"."""

    timeout_seconds: Annotated[float, Field(gt=0, le=25)] = 10
    link_minutes: Annotated[int, Field(ge=5, le=120)] = 30


class AnnounceSettings(Section):
    """The LDAP attribute that says what each person is paired with; without one, the directory is not told."""

    attribute: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9;-]*$")]
    bind_dn: str
    bind_password_file: Path
    soft: str = "soft"
    sms: str = "sms"
    hard: str = "hard"
    static: str = "static"
    unpaired: str = ""
    """What stands there for an unpaired account; empty: the attribute is removed."""
