"""What a person sees: the command to type, the password, the QR code, and the code as it changes."""

import sys
import time

import segno
from tests.harness.one_time_codes import seconds_left
from tests.harness.ports import LOOPBACK
from tests.harness.soft_token import PERIOD_SECONDS

from scripts.demonstration.interruption import Interruption
from scripts.demonstration.set_up import Demo

REFRESH_SECONDS = 0.5
CLEAR_LINE = "\r\033[K"

# A host key that is new each time is not worth a line in anyone's known_hosts, and loopback has no one in the middle.
CLIENT_OPTIONS = (
    "-o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no -o LogLevel=ERROR "
    "-o PreferredAuthentications=keyboard-interactive"
)

PAGE = """
In another terminal:

  ssh -p {port} {options} {account}@{address}

  password    {password}

The portal, where people pair their own devices and operators help them; the same account and password sign in:

  {url}

The token code comes from this QR code, scanned with any authenticator app, or from the line below it.
"""


def show_until_interrupted(demo: Demo, interruption: Interruption) -> None:
    """Show how to log in, and the current code, until Interrupted is raised."""
    print(
        PAGE.format(
            port=demo.sshd.port,
            options=CLIENT_OPTIONS,
            account=demo.account.name,
            address=LOOPBACK,
            password=demo.account.password,
            url=demo.portal.url,
        )
    )
    segno.make(demo.token.otpauth, error="l").terminal(compact=True)
    print("\nCtrl-C ends it and undoes everything.\n", flush=True)
    if sys.stdout.isatty():
        _refresh_code(demo, interruption)
    print(_code_line(demo), flush=True)
    while True:
        interruption.wait(PERIOD_SECONDS)


def _refresh_code(demo: Demo, interruption: Interruption) -> None:
    while True:
        print(f"{CLEAR_LINE}{_code_line(demo)}", end="", flush=True)
        interruption.wait(REFRESH_SECONDS)


def _code_line(demo: Demo) -> str:
    code = demo.token.code_of_step(int(time.time()) // PERIOD_SECONDS)
    return f"  token code  {code}   (the next one in {seconds_left():2.0f} s; each is good once)"
