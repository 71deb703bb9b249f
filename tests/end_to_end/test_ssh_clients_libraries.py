"""Programs log in with paramiko and asyncssh, which ask through a function of the program's."""

import asyncio
import io
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh
import paramiko
import pytest

from tests.harness.login_node import REFUSAL, WRONG_CODE, LoginNode, running_login_node
from tests.harness.ports import LOOPBACK
from tests.harness.ssh_clients import Errand

pytestmark = pytest.mark.slow

PASSWORD, CODE, AGAIN = "Password: ", "Token code: ", "That was not accepted.\nToken code: "
WORDS = "what was to be brought"

Prompts = Sequence[tuple[str, bool]]


@pytest.fixture(scope="module")
def login_node(modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoginNode]:
    with running_login_node(modules, tmp_path_factory.mktemp("login-node")) as running:
        yield running


@pytest.fixture(params=["key", "password"])
def errand(request: pytest.FixtureRequest, login_node: LoginNode, tmp_path: Path) -> Errand:
    """An errand of the paired account, by either first factor."""
    source = tmp_path / "source"
    source.write_text(WORDS, encoding="utf-8")
    key = login_node.paired_key if request.param == "key" else None
    return Errand(login_node.sshd, login_node.paired, key, source, tmp_path.name)


@pytest.fixture
def by_key(login_node: LoginNode, tmp_path: Path) -> Errand:
    """The same by key alone."""
    return Errand(login_node.sshd, login_node.paired, login_node.paired_key, tmp_path, tmp_path.name)


@dataclass
class Person:
    """Answers questions, and remembers them."""

    password: str
    code: str
    asked: list[str] = field(default_factory=list)
    echoed: set[str] = field(default_factory=set)
    told: str = ""

    def answer(self, title: str, instructions: str, prompts: Prompts) -> list[str]:
        """Answer as paramiko asks; asyncssh's question has a language more."""
        self.told += instructions
        self.asked += [prompt for prompt, _ in prompts]
        self.echoed |= {prompt for prompt, echo in prompts if echo}
        return [self.password if prompt == PASSWORD else self.code for prompt, _ in prompts]


def questions(errand: Errand) -> list[str]:
    """List what is asked of somebody whose code is right."""
    return [CODE] if errand.key else [PASSWORD, CODE]


# paramiko


@pytest.fixture
def transport(login_node: LoginNode) -> Iterator[paramiko.Transport]:
    """A connection on which nobody has logged in yet."""
    connection = paramiko.Transport((LOOPBACK, login_node.sshd.port))
    connection.start_client(timeout=30)
    yield connection
    connection.close()


def log_in(transport: paramiko.Transport, errand: Errand, person: Person) -> None:
    """Offer the key, if there is one, and answer questions."""
    if errand.key is not None:
        key = paramiko.Ed25519Key.from_private_key_file(str(errand.key.openssh))
        assert transport.auth_publickey(errand.account.name, key) == ["keyboard-interactive"]
    transport.auth_interactive(errand.account.name, person.answer)


def test_paramiko_asks_a_handler_once_and_opens_many_sessions(
    transport: paramiko.Transport, errand: Errand, login_node: LoginNode
) -> None:
    person = Person(errand.account.password, login_node.phone.fresh_code())
    log_in(transport, errand, person)
    for suffix in (".1", ".2"):
        with transport.open_sftp_client() as sftp:
            sftp.put(str(errand.source), errand.name + suffix)
        assert errand.arrived(suffix) == WORDS
    assert person.asked == questions(errand)
    assert person.echoed == {CODE}


def test_paramiko_raises_after_wrong_codes_and_tells_the_refusal(transport: paramiko.Transport, errand: Errand) -> None:
    person = Person(errand.account.password, WRONG_CODE)
    with pytest.raises(paramiko.AuthenticationException):
        log_in(transport, errand, person)
    assert not transport.is_authenticated()
    assert person.asked == [*questions(errand), AGAIN, AGAIN]
    assert person.told.strip() == REFUSAL


@pytest.fixture
def client(login_node: LoginNode) -> Iterator[paramiko.SSHClient]:
    """paramiko's simpler interface."""
    with paramiko.SSHClient() as simple:
        simple.load_host_keys(str(login_node.sshd.directory / "known_hosts"))
        yield simple


def connect(client: paramiko.SSHClient, errand: Errand, *, key: bool, password: str | None = None) -> None:
    """Call connect() with nothing that lies about on this machine."""
    assert errand.key is not None
    client.connect(
        LOOPBACK,
        errand.sshd.port,
        errand.account.name,
        password=password,
        key_filename=str(errand.key.openssh) if key else None,
        allow_agent=False,
        look_for_keys=False,
    )


def test_paramikos_connect_takes_the_code_for_the_password_after_a_key(
    client: paramiko.SSHClient, by_key: Errand, login_node: LoginNode
) -> None:
    connect(client, by_key, key=True, password=login_node.phone.fresh_code())
    with client.open_sftp() as sftp:
        assert sftp.normalize(".") == str(by_key.account.home)


def test_paramikos_connect_with_a_key_asks_on_the_programs_own_terminal(
    client: paramiko.SSHClient,
    by_key: Errand,
    login_node: LoginNode,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(login_node.phone.fresh_code() + "\n"))
    connect(client, by_key, key=True)
    assert capsys.readouterr().out == CODE


def test_paramikos_connect_with_a_password_never_gets_to_the_code(client: paramiko.SSHClient, by_key: Errand) -> None:
    with pytest.raises(paramiko.BadAuthenticationType):
        connect(client, by_key, key=False, password=by_key.account.password)


# asyncssh


class Asked(asyncssh.SSHClient):
    """A client that lets a person answer, and gives up when refused."""

    def __init__(self, person: Person) -> None:
        self._person = person

    def kbdint_auth_requested(self) -> str | None:
        return None if self._person.told else ""

    def kbdint_challenge_received(self, name: str, instructions: str, lang: str, prompts: Prompts) -> list[str]:
        return self._person.answer(name, instructions, prompts)


@asynccontextmanager
async def connection(errand: Errand, person: Person | None, **more: str) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """Log in; without a person, by what asyncssh does by itself."""
    async with asyncssh.connect(
        LOOPBACK,
        errand.sshd.port,
        username=errand.account.name,
        known_hosts=str(errand.sshd.directory / "known_hosts"),
        client_keys=[str(errand.key.openssh)] if errand.key else None,
        client_factory=(lambda: Asked(person)) if person else asyncssh.SSHClient,
        agent_path=None,
        config=None,
        **more,
    ) as opened:
        yield opened


def test_asyncssh_asks_once_and_opens_many_sessions(errand: Errand, login_node: LoginNode) -> None:
    person = Person(errand.account.password, login_node.phone.fresh_code())

    async def visit() -> None:
        async with connection(errand, person) as opened:
            for suffix in (".3", ".4"):
                async with opened.start_sftp_client() as sftp:
                    await sftp.put(str(errand.source), errand.name + suffix)

    asyncio.run(visit())
    assert (errand.arrived(".3"), errand.arrived(".4")) == (WORDS, WORDS)
    assert person.asked == questions(errand)
    assert person.echoed == {CODE}


def test_asyncssh_raises_after_wrong_codes_and_tells_the_refusal(errand: Errand) -> None:
    person = Person(errand.account.password, WRONG_CODE)

    async def visit() -> None:
        async with connection(errand, person):
            pass

    with pytest.raises(asyncssh.PermissionDenied):
        asyncio.run(visit())
    assert person.asked == [*questions(errand), AGAIN, AGAIN]
    assert person.told.strip() == REFUSAL


def test_asyncssh_with_a_password_and_nobody_to_ask_never_gets_to_the_code(errand: Errand) -> None:
    async def visit() -> None:
        async with connection(errand, None, password=errand.account.password):
            pass

    with pytest.raises(asyncssh.PermissionDenied):
        asyncio.run(visit())
