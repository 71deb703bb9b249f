"""Measure what a login costs: the CPU of pubkey, exemption and token against a bare pam_python module.

As root: `unshare -m --propagation private .venv/bin/python -m tests.measure_pam_cpu [RUNS]`. The stacks take turns, so
that a machine that changes its speed changes it for all. No test asserts these figures.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.harness.node import installed_modules
from tests.pam_layout import PAM_PYTHON, PamLayout
from tests.radius_peer import RadiusPeer, TokenServer

BARE = """
def pam_sm_authenticate(pamh, flags, argv):
    return pamh.PAM_SUCCESS


def pam_sm_setcred(pamh, flags, argv):
    return pamh.PAM_SUCCESS
"""
KEY = {"SSH_CONNECTION": "192.0.2.7 40000 192.0.2.1 22", "SSH_AUTH_INFO_0": "publickey ssh-ed25519 AAAA"}


def main(runs: int) -> None:
    with tempfile.TemporaryDirectory() as scratch, RadiusPeer(TokenServer({"alice": ("soft", "123456")})) as peer:
        layout = _laid_out(Path(scratch), peer)
        figures: dict[str, list[float]] = {name: [] for name in ("permit", "bare", "token", "whole", "exempt")}
        for _ in range(runs):
            for service, samples in figures.items():
                samples.append(_cpu_milliseconds(service))
        layout.close()
    bare = statistics.median(figures["bare"])
    for service, samples in figures.items():
        median = statistics.median(samples)
        print(f"{service:7} median {median:5.1f} ms  least {min(samples):5.1f} ms  {median / bare:4.2f} x bare")


def _laid_out(home: Path, peer: RadiusPeer) -> PamLayout:
    node, own = home / "node", home / "own"
    node.mkdir()
    own.mkdir()
    layout = PamLayout(installed_modules(node), own)
    (home / "bare.py").write_text(BARE)
    layout.write_config('mode = "full"\ninfo_url = "https://portal.example.org/mfa"', peer.table())
    layout.exemptions.write_text(
        "+ : gateway01 : 192.0.2.10\n+ : alice : 198.51.100.0/24 : 2199-12-31\n- : ALL : ALL\n"
    )
    layout.write_service("permit", "auth required pam_permit.so")
    layout.write_service("bare", f"auth required {PAM_PYTHON} {home}/bare.py")
    layout.write_service("token", layout.token())
    key = layout.line("pubkey", "[success=1 default=ignore]")
    layout.write_service("whole", key, "auth requisite pam_deny.so", layout.exemption(), layout.token())
    layout.write_service("exempt", key, "auth requisite pam_deny.so", layout.exemption(), "auth required pam_permit.so")
    subprocess.run(["mount", "--bind", layout.services, "/etc/pam.d"], check=True)
    return layout


def _cpu_milliseconds(service: str) -> float:
    """Run pamtester once, and return its CPU time, user and system."""
    options = [option for key, value in KEY.items() for option in ("-E", f"{key}={value}")]
    reader, writer = os.pipe()
    os.write(writer, b"123456\n")
    os.close(writer)
    process = subprocess.Popen(
        ["pamtester", *options, service, "alice", "authenticate"],
        stdin=reader,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.defpath},
    )
    os.close(reader)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, service
    return (usage.ru_utime + usage.ru_stime) * 1000


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
