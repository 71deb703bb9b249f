"""`python -m watchword_radius [CONFIG]`: what `watchword radius` runs."""

import sys
from pathlib import Path

from watchword.domain.errors import WatchwordError
from watchword.settings import DEFAULT_FILE
from watchword_radius.daemon import run


def main() -> int:
    """Run the daemon; an error of ours is said in one line, with what to do."""
    try:
        return run(Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_FILE)
    except WatchwordError as error:
        print(f"watchword: {error}", f"  {error.hint}" if error.hint else "", sep="\n", file=sys.stderr)  # noqa: T201
    except OSError as error:
        print(f"watchword: {error.strerror}: is another server listening there?", file=sys.stderr)  # noqa: T201
    return 1


if __name__ == "__main__":
    sys.exit(main())
