"""`python -m tests.fuzz.coverage TARGET`: fuzz one target, led by what code it reaches (atheris, libFuzzer)."""

import argparse
import sys
import tempfile
from pathlib import Path

import atheris  # type: ignore[import-untyped]  # it has no types

# What is imported within is instrumented, and so must not have been imported before.
with atheris.instrument_imports(include=["watchword", "watchword_pam", "watchword_radius"]):
    from tests.fuzz.targets import BY_NAME, Target

SLOWEST_INPUT_SECONDS = 10
MOST_MEMORY_MIB = 1024
LONGEST_OCTETS = 65536


def main() -> None:
    """Fuzz; ends with a status other than 0 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=BY_NAME)
    parser.add_argument("--seconds", type=int, default=25)
    parser.add_argument("--number", type=int, default=1, help="what chance is drawn from")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        _fuzz(BY_NAME[asked.target], [f"-max_total_time={asked.seconds}", f"-seed={asked.number}"], Path(scratch))


def _fuzz(target: Target, limits: list[str], scratch: Path) -> None:
    (inputs := scratch / "inputs").mkdir()
    for number, octets in enumerate(target.seeds):
        (inputs / str(number)).write_bytes(octets)
    words = scratch / "words"
    words.write_text("".join(_dictionary_line(word) for word in target.words if 0 < len(word) < 64), encoding="ascii")
    limits += [
        f"-timeout={SLOWEST_INPUT_SECONDS}",
        f"-rss_limit_mb={MOST_MEMORY_MIB}",
        f"-max_len={LONGEST_OCTETS}",
        *([f"-dict={words}"] if target.words else []),
        f"-artifact_prefix={scratch}/",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *limits, str(inputs)], target.check)
    atheris.Fuzz()


def _dictionary_line(word: bytes) -> str:
    return '"' + "".join(f"\\x{octet:02x}" for octet in word) + '"\n'


if __name__ == "__main__":
    main()
