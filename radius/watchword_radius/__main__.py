"""`python -m watchword_radius [CONFIG]`: what `watchword radius` runs."""

import sys
from pathlib import Path

from watchword.settings import DEFAULT_FILE
from watchword_radius.daemon import run

if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_FILE))
