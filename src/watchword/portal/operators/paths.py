"""Where operators' pages about accounts and tokens are."""

from urllib.parse import quote_plus, urlencode


def account_path(name: str, **more: object) -> str:
    """Answer where an account's page is."""
    return _path("/operators/account?name=", name, more)


def token_path(serial: str, **more: object) -> str:
    """Answer where a token's page is."""
    return _path("/operators/token?serial=", serial, more)


def act_path(act: str, subject: str) -> str:
    """Answer where somebody is asked why, before an act on an account or a token."""
    return _path(f"/operators/act/{act}?subject=", subject, {})


def _path(begins: str, name: str, more: dict[str, object]) -> str:
    # `urlencode` alone would be a third of what a page of hits costs to write.
    return begins + quote_plus(name) + (f"&{urlencode(more)}" if more else "")
