"""The HTTP under Twilio's client library, by its own hook: nothing is logged, kept, followed or read without end."""

import requests
from twilio.http import HttpClient  # type: ignore[import-untyped] # it ships no types
from twilio.http.response import Response  # type: ignore[import-untyped] # it ships no types

from watchword.delivery.twilio import TWILIO_URL

LONGEST_ANSWER_OCTETS = 64 * 1024
"""Twilio's answer to a message is under 2 KiB."""


class GatewayHttpClient(HttpClient):  # type: ignore[misc] # its parent ships no types
    """Sends the library's requests to `api_url`, whatever host the library named.

    The library's own client logs URLs and headers and keeps the last request, number and text included, for its tests.
    """

    def __init__(self, api_url: str, *, timeout_seconds: float, ca_file: str = "", proxy_url: str = "") -> None:
        # No call to the parent's: it would want a logger.
        self.is_async = False
        self.timeout = timeout_seconds
        self._api_url = api_url.rstrip("/")
        self._session = requests.Session()
        # No proxies, CA files or .netrc from the environment.
        self._session.trust_env = False
        self._session.verify = ca_file or True
        if proxy_url:
            self._session.proxies = {"http": proxy_url, "https": proxy_url}

    def request(  # noqa: PLR0917 - the library calls it by place
        self,
        method: str,
        uri: str,
        params: dict[str, str] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,  # noqa: ARG002 - the library asks; we never follow
    ) -> Response:
        """Send one request and read its answer."""
        url = uri.replace(TWILIO_URL, self._api_url, 1)
        with self._session.request(
            method,
            url,
            params=params,
            data=data,
            headers=headers,
            auth=auth,
            timeout=timeout or self.timeout,
            allow_redirects=False,
            stream=True,
        ) as answer:
            text = _beginning(answer).decode("utf-8", errors="replace")
            return Response(answer.status_code, text, answer.headers)


def _beginning(answer: requests.Response) -> bytes:
    content = b""
    for piece in answer.iter_content(4096):
        content += piece
        if len(content) >= LONGEST_ANSWER_OCTETS:
            break
    return content
