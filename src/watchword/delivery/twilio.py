"""Text messages through Twilio, or a gateway that speaks its Messages API, by Twilio's own client library."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from watchword.domain.errors import DeliveryFailed, SettingsError

if TYPE_CHECKING:
    from twilio.rest import Client  # type: ignore[import-untyped] # it ships no types

TWILIO_URL = "https://api.twilio.com"

TRY_AGAIN_STATUSES = frozenset({408, 425, 429})
"""RFC 9110, 8470, 6585: the request was good, the moment was not."""

TRY_AGAIN_CODES = frozenset({14107, 20429, 21611})
"""Twilio's own codes for too many messages at once, whatever the HTTP status."""

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class TwilioSettings:
    """How to reach Twilio: who pays, who is named as the sender, and how long to wait.

    Exactly one of `from_number` (E.164, or a sender's name) and `messaging_service_sid`. `timeout_seconds` holds for
    connecting and for each wait for an answer. `api_url` is another gateway's, `ca_file` its CA. The environment's
    proxies are not used: what decides where a code goes is written in one place, `proxy_url`. Raises SettingsError.
    """

    account_sid: str
    auth_token: str = field(repr=False)
    from_number: str = ""
    messaging_service_sid: str = ""
    timeout_seconds: float = 10.0
    api_url: str = TWILIO_URL
    ca_file: str = ""
    proxy_url: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        """Refuse settings that cannot work, or would send the token in the clear."""
        if not self.account_sid or not self.auth_token:
            raise SettingsError("[sms] needs account_sid and auth_token")
        if bool(self.from_number) == bool(self.messaging_service_sid):
            raise SettingsError("[sms] needs one of from_number and messaging_service_sid")
        if not 0 < self.timeout_seconds <= 60:
            raise SettingsError("[sms] timeout_seconds must be above 0 and at most 60")
        url = urlsplit(self.api_url)
        if not url.hostname or (url.scheme != "https" and not (url.scheme == "http" and url.hostname in _LOOPBACK)):
            raise SettingsError("[sms] api_url must begin with https://")


class TwilioSender:
    """Sends text messages; one may be shared by threads."""

    def __init__(self, settings: TwilioSettings) -> None:
        self._settings = settings

    def __repr__(self) -> str:
        return f"TwilioSender({self._settings!r})"

    def send(self, phone: str, text: str) -> str:
        """Hand over a message and answer Twilio's name for it (`SM…`).

        Raises DeliveryFailed, which holds neither the number nor the text: Twilio's own words do.
        """
        from requests import RequestException  # noqa: PLC0415 - slow to load; the command line must not wait for it
        from twilio.base.exceptions import TwilioException  # type: ignore[import-untyped] # noqa: PLC0415 - both as below

        try:
            message = self._client.messages.create(to=phone, body=text, **self._sender)
        except TwilioException as error:
            raise _refusal(error) from None
        except (RequestException, OSError) as error:  # an OSError: a CA file that cannot be read
            raise DeliveryFailed(f"cannot reach {self._host}: {_kind_of(error)}") from None
        except (ValueError, TypeError, AttributeError):
            # The library takes a good status for a good answer and falls over what it finds in it.
            raise DeliveryFailed(f"{self._host} did not answer as Twilio does") from None
        if not isinstance(message.sid, str) or not message.sid:
            raise DeliveryFailed(f"{self._host} did not answer as Twilio does")
        return message.sid

    @property
    def _host(self) -> str:
        return urlsplit(self._settings.api_url).hostname or ""

    @property
    def _sender(self) -> dict[str, str]:
        if self._settings.messaging_service_sid:
            return {"messaging_service_sid": self._settings.messaging_service_sid}
        return {"from_": self._settings.from_number}

    @cached_property
    def _client(self) -> "Client":
        from twilio.rest import Client  # noqa: PLC0415 - 0.2 s, and only those who send need it

        from watchword.delivery.twilio_http import GatewayHttpClient  # noqa: PLC0415 - see above

        return Client(
            self._settings.account_sid,
            self._settings.auth_token,
            http_client=GatewayHttpClient(
                self._settings.api_url,
                timeout_seconds=self._settings.timeout_seconds,
                ca_file=self._settings.ca_file,
                proxy_url=self._settings.proxy_url,
            ),
            # Not empty, or the library would read the process's own environment for an edge and a region.
            environment={"TWILIO_EDGE": ""},
        )


def _refusal(error: Exception) -> DeliveryFailed:
    """Tell what Twilio's answer means: by status and code alone, since its text quotes the number."""
    status = _number(getattr(error, "status", 0))
    code = _number(getattr(error, "code", 0))
    # Twilio's codes have five digits. A 4xx without one is some proxy's page, not Twilio's word on the message.
    answered = code >= 10_000
    again = status in TRY_AGAIN_STATUSES or code in TRY_AGAIN_CODES
    final = answered and 400 <= status < 500 and not again
    said = f"HTTP {status}" + (f", error {code}" if answered else "")
    hint = f"see https://www.twilio.com/docs/api/errors/{code}" if answered else ""
    if status == 401:
        hint = "check account_sid and auth_token in [sms]"
    return DeliveryFailed(f"Twilio refused the message: {said}", final=final, hint=hint)


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _kind_of(error: Exception) -> str:
    # The library's text names the URL, and so the account; the type says enough.
    return type(error).__name__
