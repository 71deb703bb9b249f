"""What people do in the portal, as verbs."""

import subprocess
import time
from pathlib import Path

from tests.harness.accounts import Account
from tests.harness.browser import Visitor
from tests.harness.soft_token import PERIOD_SECONDS, SoftToken


def sign_in(somebody: Visitor, account: Account, *, put_off: bool = True) -> None:
    """Sign in with the password; `put_off` what those without a token are shown first."""
    somebody.open("/sign-in")
    somebody.fill("Account", account.name)
    somebody.fill("Password", account.password)
    somebody.press("Sign in")
    if put_off and somebody.path == "/splash":
        somebody.press("Not now")


def prove(somebody: Visitor, code: str) -> None:
    """Give a token code, where one is asked for."""
    somebody.open("/prove")
    somebody.fill("Token code", code)
    somebody.press("Go on")


def choose(somebody: Visitor, kind: str) -> None:
    """Begin to pair an app, text messages or a fob."""
    somebody.open("/pair")
    somebody.page.get_by_role("radio", name=kind).check()
    somebody.press("Continue")


def pair_app(somebody: Visitor, screenshot: Path) -> SoftToken:
    """Pair an app whose camera sees no more than a screenshot."""
    choose(somebody, "An app on your phone")
    somebody.page.screenshot(path=screenshot)
    phone = SoftToken("", read_qr(screenshot))
    somebody.fill("Code that the app shows now", phone.fresh_code())
    somebody.press("Pair this phone")
    assert somebody.path == "/pair/done"
    return phone


def wrong_code(somebody: Visitor) -> str:
    """Return a code that the secret on the page has not, however far off the phone's clock is.

    Any code is right once in 50,000 tries: too often where many are tried.
    """
    text = (somebody.page.locator("#secret").text_content() or "").replace(" ", "")
    phone = SoftToken("", f"otpauth://totp/x?secret={text}")
    now = int(time.time()) // PERIOD_SECONDS
    good = {phone.code_of_step(now + step) for step in range(-12, 13)}
    return next(code for code in map("{:06}".format, range(100)) if code not in good)


def read_qr(picture: Path) -> str:
    """Return what a QR code in a picture says."""
    return subprocess.run(
        ["zbarimg", "--quiet", "--raw", picture], check=True, capture_output=True, text=True
    ).stdout.strip()
