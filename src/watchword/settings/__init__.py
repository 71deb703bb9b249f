"""watchword.toml: read once, checked whole, then frozen. Every key has a default that works on one machine."""

import ipaddress
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from watchword.domain.errors import SettingsError
from watchword.settings.portal import AnnounceSettings, MailSettings, Network, PortalSettings
from watchword.settings.section import Section

DEFAULT_FILE = Path("/etc/watchword/watchword.toml")


class DatabaseSettings(Section):
    """Where the rows are."""

    url: SecretStr = SecretStr("sqlite:////var/lib/watchword/watchword.db")


class KeyringSettings(Section):
    """Where the keys are."""

    file: Path = Path("/etc/watchword/keyring")


class ClientSettings(Section):
    """Machines that may ask: a network, and the secret that they share with us."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    network: Network
    secret: SecretStr | None = None
    secret_file: Path | None = None
    require_message_authenticator: bool = True

    @model_validator(mode="after")
    def _one_secret(self) -> "ClientSettings":
        if (self.secret is None) == (self.secret_file is None):
            raise ValueError("give either secret or secret_file")
        if self.secret is not None and not self.secret.get_secret_value():
            raise ValueError("the secret is empty")
        return self

    def read_secret(self) -> bytes:
        """Read the shared secret; raises SettingsError."""
        if self.secret is not None:
            return self.secret.get_secret_value().encode("utf-8")
        assert self.secret_file is not None  # noqa: S101  (the validator above)
        try:
            secret = self.secret_file.read_bytes().rstrip(b"\r\n")
        except OSError as error:
            raise SettingsError(f"secret_file of client {self.name!r} cannot be read: {error.strerror}") from error
        if not secret:
            raise SettingsError(f"secret_file of client {self.name!r} is empty")
        return secret


class RadiusSettings(Section):
    """The RADIUS server: where it listens, whom it answers, what it says."""

    listen: Annotated[tuple[str, ...], Field(min_length=1)] = ("127.0.0.1:1812",)
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    client: tuple[ClientSettings, ...] = ()
    prompt: Annotated[str, Field(min_length=1, max_length=120)] = "Token code: "
    refused: Annotated[str, Field(max_length=200)] = "Access refused. To see why, sign in at {url}"
    tries: Annotated[int, Field(ge=1, le=10)] = 3
    challenge_seconds: Annotated[int, Field(ge=60, le=3600)] = 600

    @field_validator("listen")
    @classmethod
    def _addresses(cls, listen: tuple[str, ...]) -> tuple[str, ...]:
        for address in listen:
            split_address(address)
        return listen

    @field_validator("prompt", "refused")
    @classmethod
    def _one_line(cls, text: str) -> str:
        if not text.isprintable():
            raise ValueError("it must be one printable line")
        return text


class LockoutSettings(Section):
    """How many failed codes in a row lock an account, and for how long; 0 minutes: until an operator clears it."""

    failures: Annotated[int, Field(ge=1, le=100)] = 20  # NIST SP 800-63B, 5.2.2: no more than 100
    release_after_minutes: Annotated[int, Field(ge=0, le=525_600)] = 30


class SoftSettings(Section):
    """Soft and hard tokens."""

    issuer: Annotated[str, Field(min_length=1, max_length=60)] = "Watchword"
    drift_seconds: Annotated[int, Field(ge=0, le=3600)] = 300

    @field_validator("issuer")
    @classmethod
    def _no_colon(cls, issuer: str) -> str:
        if ":" in issuer or not issuer.isprintable():
            raise ValueError("an issuer has no colon and no control character")
        return issuer


class SmsSettings(Section):
    """Codes by text message."""

    carrier: Literal["none", "twilio", "recorder", "elsewhere"] = "none"
    account_sid: str = ""
    auth_token: SecretStr | None = None
    auth_token_file: Path | None = None
    sender: str = ""
    api_url: str = "https://api.twilio.com"
    timeout_seconds: Annotated[float, Field(gt=0, le=25)] = 10
    code_minutes: Annotated[int, Field(ge=1, le=10)] = 10  # NIST SP 800-63B, 5.1.3.2: ten minutes at most
    text: Annotated[str, Field(max_length=300)] = (
        "{code} is your {issuer} token code. It is good for {minutes} minutes."
    )
    country_code: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,2}$")] = "1"
    ca_file: Path | None = None
    proxy_url: SecretStr | None = None
    recorder_file: Path | None = None

    @model_validator(mode="after")
    def _complete(self) -> "SmsSettings":
        if self.carrier == "twilio":
            missing = [name for name in ("account_sid", "sender") if not getattr(self, name)]
            if (self.auth_token is None) == (self.auth_token_file is None):
                missing.append("auth_token or auth_token_file")
            if missing:
                raise ValueError(f"carrier twilio needs {', '.join(missing)}")
        if self.carrier == "recorder" and self.recorder_file is None:
            raise ValueError("carrier recorder needs recorder_file")
        if "{code}" not in self.text:
            raise ValueError("text must contain {code}")
        return self


class LdapSection(Section):
    """Where people are, if not in this machine's own list of accounts."""

    servers: Annotated[tuple[str, ...], Field(min_length=1)]
    base_dn: str
    bind_dn: str = ""
    bind_password_file: Path | None = None
    start_tls: bool = False
    ca_file: Path | None = None
    allow_plaintext: bool = False
    timeout_seconds: Annotated[int, Field(ge=1, le=30)] = 3
    people_filter: str = "(objectClass=posixAccount)"
    account_attribute: str = "uid"
    mail_attribute: str = "mail"
    phone_attribute: str = "mobile"
    group_base_dn: str = ""
    pairing_attribute: str = ""


class AuditSettings(Section):
    """The audit log: this server's name in it, and where it keeps its anchors."""

    server: Annotated[str, Field(max_length=40)] = ""
    anchors: Path = Path("/var/lib/watchword/anchors")


class LogSettings(Section):
    """How much the daemons say."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class Settings(Section):
    """The whole file."""

    database: DatabaseSettings = DatabaseSettings()
    keyring: KeyringSettings = KeyringSettings()
    radius: RadiusSettings = RadiusSettings()
    lockout: LockoutSettings = LockoutSettings()
    soft: SoftSettings = SoftSettings()
    sms: SmsSettings = SmsSettings()
    ldap: LdapSection | None = None
    portal: PortalSettings = PortalSettings()
    mail: MailSettings = MailSettings()
    announce: AnnounceSettings | None = None
    audit: AuditSettings = AuditSettings()
    log: LogSettings = LogSettings()


def split_address(address: str) -> tuple[str, int]:
    """Split `192.0.2.1:1812` or `[2001:db8::1]:1812`; raises ValueError for anything but a number and a port."""
    host, _, port = address.rpartition(":")
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError("an address to listen on is 192.0.2.1:1812 or [2001:db8::1]:1812")
    if host.startswith("[") and host.endswith("]"):
        return str(ipaddress.IPv6Address(host[1:-1])), int(port)
    return str(ipaddress.IPv4Address(host)), int(port)


def read_settings(path: Path) -> Settings:
    """Read and check a watchword.toml.

    Raises SettingsError, which names each wrong key and never quotes a value: it may be a secret.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be read: {error.strerror}", hint="name another with --config, or copy conf/watchword.toml"
        ) from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not TOML: {error}") from error
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{path} is not TOML: a number too long, or tables nested too deep") from error
    try:
        return Settings.model_validate(document)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(str(part) for part in mistake['loc']) or 'file'}: {mistake['msg']}"
            for mistake in error.errors(include_url=False, include_input=False, include_context=False)
        )
        raise SettingsError(f"{path}: {wrong}", hint="docs/reference/watchword-toml.md lists every key") from None
