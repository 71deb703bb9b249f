"""A whole centre: MariaDB with the shipped grants, slapd, mail, RADIUS, an sshd, the keeper, the portal, nginx."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.harness.accounts import Account, temporary_account
from tests.harness.database_roles import as_role, grant_roles
from tests.harness.keeper import running_keeper
from tests.harness.mail_server import Mailbox, running_mail_server
from tests.harness.mariadb import Mariadb
from tests.harness.node import Node, installed_modules
from tests.harness.portal import UNUSED_PORT, Portal, replace_more, running_portal
from tests.harness.ports import LOOPBACK
from tests.harness.radius_server import RadiusServer, ServerSettings, running_radius_server
from tests.harness.ssh_client import Answer
from tests.harness.sshd import Sshd, running_sshd
from tests.harness.watchword_command import Watchword
from tests.slapd import BASE_DN, READER_DN, READER_PASSWORD, Slapd, slapd

ISSUER = "Example HPC"
HELP = "Questions? help@hpc.example.org, or +1 512 555 0100."
OPERATORS_MAIL = "security@hpc.example.org"
PASSWORD, CODE = "assword: ", "Token code: "
TRIES = 3


@dataclass
class Centre:
    """What is up, and who is known."""

    directory: Path
    owner: Watchword
    """The command, with every right."""
    radius: RadiusServer
    portal: Portal
    people: Slapd
    mailbox: Mailbox
    node: Node
    sshd: Sshd
    undo: ExitStack
    roles: dict[str, Account] = field(default_factory=dict)

    def new_person(self, name: str = "Alice Liddell", **attributes: str) -> Account:
        """Make an account with a password, and a mail address in the directory."""
        account = self.undo.enter_context(temporary_account(re.sub(r"\W.*", "", name.lower()) or "somebody"))
        self.people.add_person(account.name, cn=name, mail=mail_of(account), **attributes)
        return account

    def logs_in(self, account: Account, code: str) -> bool:
        """Whether an ssh login with the password, and then a code, as often as it is asked for, comes to a shell."""
        answers = [Answer(PASSWORD, account.password), *[Answer(CODE, code)] * TRIES]
        session = self.sshd.ssh_login(account, answers)
        return session.status == 0 and f"logged in as {account.name}" in session.transcript

    def texted_codes(self) -> list[str]:
        """Return the codes that were texted, oldest first."""
        messages = self.directory / "messages"
        lines = messages.read_text(encoding="utf-8").splitlines() if messages.exists() else []
        return [re.findall(r"\d{6,}", json.loads(line)["text"])[0] for line in lines]

    def next_texted_code(self, before: int) -> str:
        """Wait until more codes than `before` were texted; return the newest."""
        self.radius.server.wait_until(lambda: len(self.texted_codes()) > before)
        return self.texted_codes()[-1]

    def put_into_the_drawer(self, serial: str, secret_hex: str) -> None:
        """Import a fob that belongs to nobody."""
        file = self.directory / f"{serial}.csv"
        file.write_text(f"{serial},{secret_hex}\n", encoding="ascii")
        self.owner.do("token", "import", file)


def mail_of(account: Account) -> str:
    """Return the address that the directory has for an account."""
    return f"{account.name}@people.example.org"


@contextmanager
def running_centre(directory: Path, mariadb: Mariadb, keys: Mapping[str, object]) -> Iterator[Centre]:
    """Give a centre with an operator of each role; `keys` are further keys of [portal]."""
    with ExitStack() as undo:
        people = undo.enter_context(slapd(_folder(directory, "slapd")))
        mailbox = undo.enter_context(running_mail_server())
        roles = {role: undo.enter_context(temporary_account(role)) for role in ("admin", "helpdesk", "auditor")}
        for role, account in roles.items():
            people.add_person(account.name, cn=f"{role.title()} Operator", mail=mail_of(account))
        everyone = ServerSettings(directory, mariadb.create_database(), more=_tables(directory, people, mailbox))
        owner = everyone.write("owner", UNUSED_PORT)
        owner.do("init")
        grant_roles(mariadb, everyone.database_url)
        radius = undo.enter_context(running_radius_server(_as(everyone, "radius")))
        socket = directory / "keeper.socket"
        named = replace_more(_as(everyone, "keeper"), f'[portal]\nkeeper_socket = "{socket}"\n')
        undo.enter_context(running_keeper(named.write("keeper", UNUSED_PORT), socket))
        portal = undo.enter_context(
            running_portal(
                _as(everyone, "portal"),
                _folder(directory, "portal"),
                keys={"keeper_socket": str(socket), "help": HELP, **keys},
                roles={role: [account.name] for role, account in roles.items()},
            )
        )
        node = Node(installed_modules(_folder(directory, "modules")), _folder(directory, "node"))
        node.write_settings(radius.pam_toml, mode="full")
        node.write_exemptions()
        sshd = undo.enter_context(running_sshd(_folder(directory, "sshd"), node.stack()))
        yield Centre(directory, owner, radius, portal, people, mailbox, node, sshd, undo, roles)


def _tables(directory: Path, people: Slapd, mailbox: Mailbox) -> str:
    """Write what all parts of the centre are told."""
    password = directory / "reader-password"
    password.write_text(READER_PASSWORD, encoding="ascii")
    password.chmod(0o600)
    return (
        f'[soft]\nissuer = "{ISSUER}"\n'
        f'[sms]\ncarrier = "recorder"\nrecorder_file = "{directory / "messages"}"\n'
        f'[mail]\nserver = "{LOOPBACK}"\nport = {mailbox.port}\nsender = "mfa@hpc.example.org"\n'
        f'operators = ["{OPERATORS_MAIL}"]\n'
        f'[ldap]\nservers = ["{people.url}"]\nbase_dn = "{BASE_DN}"\nbind_dn = "{READER_DN}"\n'
        f'bind_password_file = "{password}"\nallow_plaintext = true\n'
    )


def _as(settings: ServerSettings, part: str) -> ServerSettings:
    return replace(settings, database_url=as_role(settings.database_url, part))


def _folder(directory: Path, name: str) -> Path:
    made = directory / name
    made.mkdir()
    return made
