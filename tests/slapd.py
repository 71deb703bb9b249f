"""A real slapd in a directory of its own, on a free port of loopback, with people and groups.

Pairings are kept in `watchwordToken`, an attribute of an auxiliary class, as a centre with a schema of its own would.
"""

import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ldap3 import NONE, SIMPLE, Connection, Server
from ldap3.utils.dn import escape_rdn

from tests.certificates import Certificates, make_certificates
from tests.harness.ports import LOOPBACK, free_tcp_port
from tests.harness.processes import running

SLAPD = "/usr/sbin/slapd"
BASE_DN = "dc=example,dc=org"
PEOPLE_DN = f"ou=people,{BASE_DN}"
GROUPS_DN = f"ou=groups,{BASE_DN}"
READER_DN = f"cn=reader,{BASE_DN}"
READER_PASSWORD = "reader-password"
WRITER_DN = f"cn=writer,{BASE_DN}"
WRITER_PASSWORD = "writer-password"
_ADMIN_DN = f"cn=admin,{BASE_DN}"
_ADMIN_PASSWORD = "admin-password"

# The arc 2.25 is free for anyone with a UUID (ITU-T X.667).
_SCHEMA = """
attributetype ( 2.25.214748364801 NAME 'watchwordToken' EQUALITY caseIgnoreMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
objectclass ( 2.25.214748364802 NAME 'watchwordPerson' SUP top AUXILIARY MAY watchwordToken )
"""

_CONFIGURATION = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/nis.schema
include {directory}/watchword.schema
pidfile {directory}/slapd.pid
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCACertificateFile {certificates.ca}
TLSCertificateFile {certificates.certificate}
TLSCertificateKeyFile {certificates.key}
database mdb
suffix "{base}"
rootdn "{admin}"
rootpw {admin_password}
directory {directory}/data
maxsize 10485760
access to attrs=userPassword by anonymous auth by * none
access to attrs=watchwordToken by dn.exact="{writer}" write by dn.exact="{reader}" read by * none
access to * by dn.exact="{reader}" read by dn.exact="{writer}" read by anonymous auth by * none
"""


@dataclass(frozen=True)
class Slapd:
    """A running slapd."""

    port: int
    tls_port: int
    certificates: Certificates

    @property
    def url(self) -> str:
        """Where it speaks plain LDAP, and StartTLS."""
        return f"ldap://{LOOPBACK}:{self.port}"

    @property
    def tls_url(self) -> str:
        """Where it speaks TLS from the start."""
        return f"ldaps://{LOOPBACK}:{self.tls_port}"

    def add_person(self, account: str, **attributes: str | Sequence[str]) -> str:
        """Add a person; answer their DN."""
        dn = f"uid={escape_rdn(account)},{PEOPLE_DN}"
        posix = {"uidNumber": "2000", "gidNumber": "2000", "homeDirectory": f"/home/{account}"}
        classes = ["inetOrgPerson", "posixAccount", "watchwordPerson"]
        self._add(dn, classes, {"cn": account.title(), "sn": account, **posix, **attributes})
        return dn

    def pairing_of(self, account: str) -> list[str]:
        """Read a person's pairing attribute."""
        with self._admin() as connection:
            connection.search(PEOPLE_DN, f"(uid={account})", attributes=["watchwordToken"])
            return [value for entry in connection.response for value in entry["attributes"].get("watchwordToken", [])]

    def set_pairing(self, account: str, pairing: str) -> None:
        """Write a person's pairing attribute; empty takes it away."""
        values = [pairing] if pairing else []
        with self._admin() as connection:
            changed = connection.modify(f"uid={account},{PEOPLE_DN}", {"watchwordToken": [("MODIFY_REPLACE", values)]})
            assert changed, connection.result

    def add_posix_group(self, name: str, *accounts: str) -> None:
        """Add a group that lists accounts (RFC 2307)."""
        self._add(f"cn={name},{GROUPS_DN}", ["posixGroup"], {"gidNumber": "3000", "memberUid": accounts})

    def add_group_of_names(self, name: str, *dns: str) -> None:
        """Add a group that lists DNs (RFC 4519)."""
        self._add(f"cn={name},{GROUPS_DN}", ["groupOfNames"], {"member": dns})

    def _add(self, dn: str, classes: list[str], attributes: Mapping[str, str | Sequence[str]]) -> None:
        with self._admin() as connection:
            assert connection.add(dn, classes, dict(attributes)), connection.result

    @contextmanager
    def _admin(self) -> Iterator[Any]:
        server = Server(LOOPBACK, self.port, get_info=NONE)
        with Connection(server, _ADMIN_DN, _ADMIN_PASSWORD, authentication=SIMPLE) as connection:
            yield connection

    def add_trunk(self) -> None:
        """Add what people and groups hang on, and who may read them."""
        self._add(BASE_DN, ["dcObject", "organization"], {"dc": "example", "o": "Example"})
        self._add(PEOPLE_DN, ["organizationalUnit"], {"ou": "people"})
        self._add(GROUPS_DN, ["organizationalUnit"], {"ou": "groups"})
        for name, dn, password in (("reader", READER_DN, READER_PASSWORD), ("writer", WRITER_DN, WRITER_PASSWORD)):
            self._add(dn, ["organizationalRole", "simpleSecurityObject"], {"cn": name, "userPassword": password})


@contextmanager
def slapd(directory: Path) -> Iterator[Slapd]:
    """Give a slapd that runs as long as the block."""
    prepared = prepare_slapd(directory)
    with serving(prepared, directory):
        prepared.add_trunk()
        yield prepared


def prepare_slapd(directory: Path) -> Slapd:
    """Write what a slapd needs; `serving` runs it, as often as one likes."""
    (directory / "data").mkdir()
    (directory / "watchword.schema").write_text(_SCHEMA)
    running_slapd = Slapd(free_tcp_port(), free_tcp_port(), make_certificates(directory))
    configuration = directory / "slapd.conf"
    configuration.write_text(
        _CONFIGURATION.format(
            directory=directory,
            certificates=running_slapd.certificates,
            base=BASE_DN,
            admin=_ADMIN_DN,
            admin_password=_ADMIN_PASSWORD,
            reader=READER_DN,
            writer=WRITER_DN,
        )
    )
    return running_slapd


@contextmanager
def serving(prepared: Slapd, directory: Path) -> Iterator[None]:
    """Run a slapd as long as the block."""
    urls = f"{prepared.url}/ {prepared.tls_url}/"
    # -d keeps it in the foreground.
    argv: list[str | Path] = [SLAPD, "-d", "0", "-f", directory / "slapd.conf", "-h", urls]
    with running(argv, directory / "slapd.log") as server:
        server.wait_until(lambda: _answers(prepared.port) and _answers(prepared.tls_port))
        yield


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0
