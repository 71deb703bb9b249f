"""Show a whole login: two RADIUS servers, an sshd with our PAM modules, an account with a soft token. `make demo`.

Everything lies in a temporary directory, but for the account, and a file of its own in /etc/pam.d. All of it is undone
at the end, however that comes.
"""

import argparse
import os
import sys
from contextlib import suppress
from subprocess import SubprocessError

from scripts.demonstration.check import check_login
from scripts.demonstration.interruption import Interrupted, Interruption
from scripts.demonstration.screen import show_until_interrupted
from scripts.demonstration.set_up import demo


def main() -> int:
    """Run the demo; the exit status is 0 if it worked."""
    parser = argparse.ArgumentParser(description="Log in over ssh with a code from your phone.")
    parser.add_argument("--check", action="store_true", help="log in by itself, show the transcript, and end")
    check = parser.parse_args().check
    if os.geteuid() != 0:
        print("demo: must be run as root: it makes an account and a PAM service, and removes them", file=sys.stderr)
        return 1
    os.umask(0o022)
    return run(Interruption(), check=check)


def run(interruption: Interruption, *, check: bool) -> int:
    """Set up, show or check, undo; answer the exit status."""
    passed = True
    try:
        with demo(interruption) as parts:
            if check:
                passed = check_login(parts, interruption)
            else:
                show_until_interrupted(parts, interruption)
    except Interrupted:
        passed = not check
    except (AssertionError, OSError, RuntimeError, SubprocessError) as error:
        # What the harness raises, with the log of the server that failed. Ctrl-C ends the children too: no failure.
        passed = interruption.came and not check
        if not interruption.came:
            print(f"demo: {error}", file=sys.stderr)
    # A terminal that was closed can't be told.
    with suppress(OSError):
        print("\nEverything is undone: the servers, the account, the PAM service.", flush=True)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
