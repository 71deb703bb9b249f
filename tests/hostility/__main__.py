"""`python -m tests.hostility flood|timing|portal`: the long forms, which measure."""

import argparse
from pathlib import Path

from tests.hostility.flood import measure_floods
from tests.hostility.portal_timing import measure_portal
from tests.hostility.timing import measure_refusals


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostility", description=__doc__)
    which = parser.add_subparsers(required=True)
    floods = which.add_parser("flood", help="what floods do to real logins (3 minutes)")
    floods.set_defaults(run=lambda _asked: measure_floods())
    timing = which.add_parser("timing", help="whether refusals can be told apart by their time (20 minutes)")
    timing.add_argument("--logins", type=int, default=1000, help="of each kind")
    timing.add_argument("--raw", type=Path, help="a file for every time that was measured, as JSON")
    timing.set_defaults(run=lambda asked: measure_refusals(asked.logins, asked.raw))
    portal = which.add_parser("portal", help="whether a portal's answers tell who has an account (20 minutes)")
    portal.add_argument("--tries", type=int, default=300, help="of each kind")
    portal.set_defaults(run=lambda asked: measure_portal(asked.tries))
    asked = parser.parse_args()
    asked.run(asked)


if __name__ == "__main__":
    main()
