"""Token codes from oathtool: ours never check ours."""

import subprocess
import time


def oathtool_code(
    secret_hex: str,
    at: float | None = None,
    *,
    period_seconds: int = 30,
    digits: int = 6,
    algorithm: str = "sha1",
) -> str:
    """Return the TOTP code of a secret, in hex, `at` a Unix time; now, if not said."""
    moment = time.time() if at is None else at
    options = [f"--totp={algorithm}", f"--time-step-size={period_seconds}s", f"--digits={digits}"]
    argv = ["oathtool", *options, f"--now=@{int(moment)}", "-"]
    return subprocess.run(argv, input=secret_hex, text=True, capture_output=True, check=True).stdout.strip()


def seconds_left(period_seconds: int = 30) -> float:
    """Return for how long the current code will be current."""
    return period_seconds - time.time() % period_seconds
