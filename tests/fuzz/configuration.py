"""The files that a sysadmin edits, and one that nodes write for themselves."""

import atexit
import functools
import os
import shutil
import tempfile
import tomllib
from pathlib import Path
from unittest.mock import patch

from watchword.domain import exemptions
from watchword.domain.enforcement import Mode
from watchword.domain.errors import SettingsError
from watchword.settings import read_settings as read_server_settings
from watchword_pam import system_log
from watchword_pam.exemption_list import explain, find_exemption
from watchword_pam.server_memory import Memory
from watchword_pam.settings import read_settings as read_node_settings

SHIPPED = Path(__file__).resolve().parents[2] / "conf"
SECRET = "Geheimnis"
NEVER_LARGE = 10**9
NOW = (2026, 11, 1, 12, 0, 0)

_SHORT_PAM_TOML = f"""\
mode = "off"
info_url = "https://mfa.example.org"
on_outage = "allow"
[[server]]
host = "192.0.2.11"
secret = "{SECRET}"
timeout_seconds = 0.5
[ldap]
uri = ["ldaps://ldap.example.org"]
bind_dn = "cn=x"
bind_password = "{SECRET}"
base = "dc=example"
attribute = "tokenKind"
values = {{ "Soft" = "soft" }}
"""
_SHORT_SERVER_TOML = f"""\
[database]
url = "mysql+pymysql://watchword:{SECRET}@192.0.2.1/watchword"
[radius]
listen = ["127.0.0.1:1812", "[::1]:1812"]
[[radius.client]]
name = "nodes"
network = "192.0.2.0/24"
secret = "{SECRET}"
[sms]
carrier = "twilio"
account_sid = "AC1"
auth_token = "{SECRET}"
sender = "+15550100"
"""
PAM_TOMLS = (_SHORT_PAM_TOML.encode(), (SHIPPED / "pam.toml").read_bytes())
SERVER_TOMLS = (_SHORT_SERVER_TOML.encode(), (SHIPPED / "watchword.toml").read_bytes())
TOML_WORDS = (
    *(b'"', b"'''", b'"""', b"\\u", b"\\U00110000", b"[[", b"]]", b"[" * 3000, b"{a=" * 500, b"a." * 500, b"= "),
    *(
        b"nan",
        b"inf",
        b"-0",
        b"1e999",
        b"9" * 5000,
        b"0x" + b"f" * 400,
        b"true",
        b"0000-00-00",
        b"2026-12-01T25:00:00Z",
    ),
    *(
        b"\r",
        b"\0",
        b"\xef\xbb\xbf",
        b"\xed\xa0\x80",
        b"\ntimeout_seconds = nan\n",
        b'\nmode = "off"\n',
        b"\nport = true\n",
    ),
)

EXEMPTIONS = (
    (SHIPPED / "exemptions.conf").read_bytes(),
    b"+ : alice bob : 192.0.2.10 198.51.100.0/24\n- : mallory : ALL\n+ : ALL : 10.0.0.0/8 2001:db8::/32 : ALL\n",
    b"+ : (root) EXCEPT alice : ALL : 2026-12-31\n+ : @friends : LOCAL @hosts 192.168. : 2026-12-31 23:59\n",
    b"# nobody\n" + b"".join(b"+ : user%d : 192.0.2.%d\n" % (number, number) for number in range(1, 13)),
)
LARGE_EXEMPTIONS = (
    b"".join(b"+ : user%d : 192.0.2.%d : 2026-12-31\n" % (number, number % 250) for number in range(600)),
    b"# once\n" + b"".join(b"- : mallory%d : ALL\n" % number for number in range(900)) + EXEMPTIONS[1],
)
EXEMPTION_WORDS = (
    *(b" : ", b":", b"+", b"-", b"ALL", b"LOCAL", b" EXCEPT ", b"(staff)", b"()", b"@", b"#", b"\n", b"\r\n", b"\t"),
    *(b"/0", b"/33", b"/255.0.255.0", b"::ffff:192.0.2.1", b"::/0", b"fe80::1%eth0", b"2026-02-30", b"\xc2\xa0", b"\0"),
    *(b"\x0b", b"\x1c", b"\xe2\x80\xa8", b"alice", b"+ : alice : ALL\n"),
)

MEMORIES = (b"turn 192.0.2.11:1812\ndead 192.0.2.12:1812 123.456\ndead 192.0.2.13:1812 99999\n", b"")
MEMORY_WORDS = (b"nan", b"inf", b"-inf", b"1e999", b"dead ", b"turn ", b"\n", b" ", b"\x85")

ROOT_ONLY = 0o600


@functools.cache
def _descriptor() -> int:
    """Open a file in memory that is root's alone, since nothing else is trusted."""
    descriptor = os.memfd_create("fuzz")
    os.fchmod(descriptor, ROOT_ONLY)
    return descriptor


def _file_of(octets: bytes) -> str:
    os.ftruncate(_descriptor(), 0)
    os.pwrite(_descriptor(), octets, 0)
    return f"/proc/self/fd/{_descriptor()}"


def check_pam_toml(octets: bytes) -> None:
    """Read a node's settings: they always come back, and a mistake leaves no door open."""
    with patch.object(system_log, "write", _say_nothing):  # thousands of mistakes are not for this machine's log
        settings = read_node_settings(_file_of(octets), "login1")
    assert SECRET not in repr(settings)
    if settings.mistakes:
        assert settings.mode is Mode.FULL
        assert not settings.allow_on_outage
    if settings.mode is not Mode.FULL:
        assert tomllib.loads(octets.decode())["mode"] == settings.mode.value
    assert all(0 < server.timeout_seconds <= 30 and 0 < server.port < 65536 for server in settings.servers)


def _say_nothing(*_words: object, **_fields: object) -> None:
    pass


def check_watchword_toml(octets: bytes) -> None:
    """Read a server's settings: they come back, or one error that quotes no secret."""
    try:
        settings = read_server_settings(Path(_file_of(octets)))
    except SettingsError:
        return
    assert f"={SECRET}" not in repr(settings)


def check_exemptions(octets: bytes) -> None:
    """Ask what a file says: the same, whichever way it is read, and as line after line has it."""
    text = octets.decode("utf-8", "surrogateescape")
    for account, address in (("alice", "192.0.2.10"), ("user7", "2001:db8::7"), ("root", None), ("alice", "nowhere")):
        login = exemptions.Login(account, address, NOW, _is_in_group, _is_in_netgroup)
        slowly = exemptions.find(text, login, large=NEVER_LARGE)
        assert exemptions.find(text, login, large=0) == slowly
        assert slowly.exempt == _is_exempt(text, login)


def check_large_exemptions(octets: bytes) -> None:
    """Ask about a login as a node does, which remembers lines of earlier files: the same as if it did not."""
    said: list[str] = []
    found = find_exemption(_file_of(octets), "user7", "192.0.2.7", NOW, said.append, state=_state_directory())
    plainly = explain(octets.decode("utf-8", "surrogateescape"), "user7", "192.0.2.7", NOW, said.append)
    assert (found.exempt, found.line, found.bad_line) == (plainly.exempt, plainly.line, plainly.bad_line)
    assert all(line.isprintable() for line in said)


@functools.cache
def _state_directory() -> str:
    directory = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, directory)
    return directory


def _is_exempt(text: str, login: exemptions.Login) -> bool:
    """Decide as the rules at the head of exemptions.py say, in the plainest way."""
    for _, _, meaning in exemptions.lines(text):
        if isinstance(meaning, exemptions.Problem):
            return False
        if meaning is None:
            continue
        met = login.meets(meaning)
        if met or (met is None and not meaning.exempts):
            return meaning.exempts
    return False


def _is_in_group(group: str) -> bool | None:
    return {"root": True, "staff": False}.get(group)


def _is_in_netgroup(netgroup: str, host: str | None) -> bool | None:
    return {"friends": host is None, "hosts": host == "192.0.2.10"}.get(netgroup)


def check_server_memory(octets: bytes) -> None:
    """Take a turn with whatever a node remembers of its servers: each is asked, whatever it was."""
    names = ["192.0.2.11:1812", "192.0.2.12:1812", "192.0.2.13:1812"]
    memory = Memory.parse(octets)
    order = memory.take_turn(names, 100.0, 60.0, 3.0)
    assert sorted(order) == names
    Memory.parse(memory.lines())
