"""Give privacyIDEA its tokens: serials and seeds (hex) on standard input. Run by the Python of its environment."""

import sys

from privacyidea.app import create_app  # type: ignore[import-not-found]  # only its own environment has it
from privacyidea.lib.token import init_token  # type: ignore[import-not-found]


def main() -> None:
    with create_app(config_name="production", silent=True).app_context():
        for line in sys.stdin:
            serial, seed = line.split()
            init_token({"type": "totp", "serial": serial, "otpkey": seed, "otplen": 6, "timeStep": 30})


if __name__ == "__main__":
    main()
