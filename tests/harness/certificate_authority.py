"""A CA for RADIUS in TLS, with the openssl commands of docs/how-to/radsecproxy.md."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"]


@dataclass(frozen=True)
class Identity:
    """PEM files of one machine."""

    ca: Path
    certificate: Path
    key: Path


class CertificateAuthority:
    """A CA in a directory, whose files some group may read."""

    def __init__(self, directory: Path, group: str) -> None:
        self._directory = directory
        self._group = group
        self.certificate = directory / "ca.pem"
        files = ["-keyout", str(directory / "ca.key"), "-out", str(self.certificate)]
        self._openssl("-days", "3650", "-subj", "/CN=Watchword RADIUS CA", *files)
        self._make_readable(self.certificate)

    def issue(self, name: str, subject_alt_name: str) -> Identity:
        """Make a key, and a certificate for such names as `DNS:login1.example.org,IP:192.0.2.33`."""
        issued = Identity(self.certificate, self._directory / f"{name}.pem", self._directory / f"{name}.key")
        self._openssl(
            *("-CA", str(self.certificate), "-CAkey", str(self._directory / "ca.key"), "-days", "730"),
            *("-subj", f"/CN={name}", "-addext", f"subjectAltName={subject_alt_name}"),
            *("-addext", "basicConstraints=critical,CA:FALSE"),
            *("-keyout", str(issued.key), "-out", str(issued.certificate)),
        )
        self._make_readable(issued.certificate, issued.key)
        return issued

    def _openssl(self, *options: str) -> None:
        subprocess.run(["openssl", "req", "-x509", *NEW_KEY, *options], check=True, capture_output=True)

    def _make_readable(self, *paths: Path) -> None:
        for path in paths:
            shutil.chown(path, group=self._group)
            path.chmod(0o640)
