"""Log in as a person would, and show that a code is good once; then sign in to the portal."""

import re
import urllib.error
import urllib.request
from http.cookiejar import CookieJar
from urllib.parse import urlencode

from tests.harness.ports import LOOPBACK
from tests.harness.ssh_client import Answer

from scripts.demonstration.interruption import Interruption
from scripts.demonstration.set_up import Demo

COMMAND = 'echo "You are in: $(id -un)"'
GREETING = "You are in: "
TRIES = 3
"""How often token.py asks for a code."""


def check_login(demo: Demo, interruption: Interruption) -> bool:
    """Log in with a code, with the same one again, with the next; print it all, and answer whether it went well."""
    first, second = demo.token.fresh_code(), demo.token.fresh_code()
    passed = _log_in(demo, "With the password, then a code:", first, expected=True)
    interruption.check()
    passed &= _log_in(demo, "With the same code again:", first, expected=False)
    interruption.check()
    passed &= _log_in(demo, "With the next code:", second, expected=True)
    interruption.check()
    return passed & _sign_in(demo)


def _log_in(demo: Demo, title: str, code: str, *, expected: bool) -> bool:
    """Log in once, and print the transcript; answer whether it was let in, or refused, as expected."""
    answers = [Answer("[Pp]assword: ", demo.account.password), *([Answer("[Cc]ode: ", code)] * TRIES)]
    session = demo.sshd.ssh_login(demo.account, answers, COMMAND)
    let_in = session.status == 0 and GREETING in session.transcript
    # A login that asked for no code proves nothing, even one that was let in.
    right = let_in is expected and session.answered > 1
    print(f"\n{title}\n\n  $ ssh -p {demo.sshd.port} {demo.account.name}@{LOOPBACK}")
    for line in filter(None, map(str.strip, session.transcript.splitlines())):
        print(f"  {line}")
    print(f"\n  -> {'let in' if let_in else 'refused'}, {'as it should be' if right else 'WRONG'}", flush=True)
    return right


def _sign_in(demo: Demo) -> bool:
    """Sign in to the portal with the password; answer whether it shows what is paired."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    try:
        with browser.open(f"{demo.portal.url}/sign-in") as page:
            (token,) = re.findall(r'name="csrf_token" value="(\w+)"', page.read().decode())
        typed = {"csrf_token": token, "account": demo.account.name, "password": demo.account.password}
        with browser.open(f"{demo.portal.url}/sign-in", urlencode(typed).encode()) as page:
            right = demo.token.serial in page.read().decode()
    except urllib.error.URLError as error:
        print(f"  {error}")
        right = False
    print(f"\nThe portal, {demo.portal.url}:\n\n  -> {'signed in' if right else 'NOT signed in'}", flush=True)
    return right
