"""People log in, and move files, with the clients that they have. What each shows: docs/reference/ssh-clients.md."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.login_node import INFO_URL, REFUSAL, WRONG_CODE, LoginNode, running_login_node
from tests.harness.ssh_client import Answer, Session, at_terminal
from tests.harness.ssh_clients import CLIENTS, Client, Errand
from tests.harness.sshd import running_sshd

pytestmark = pytest.mark.slow

PASSWORD, CODE, RETURN = "Password: ", "Token code: ", "Press return to continue: "
WORDS = "what was to be brought"
PAGE = Path(__file__).resolve().parents[2] / "docs/reference/ssh-clients.md"
HANG_UP = Answer("Password: |Token code: ", "\x03")  # Ctrl-C, for clients that begin anew after a refusal


@pytest.fixture(scope="module")
def login_node(modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoginNode]:
    with running_login_node(modules, tmp_path_factory.mktemp("login-node")) as running:
        yield running


@pytest.fixture(params=list(CLIENTS))
def client(request: pytest.FixtureRequest) -> Client:
    return CLIENTS[request.param]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """What is to be brought."""
    file = tmp_path / "source"
    file.write_text(WORDS, encoding="utf-8")
    return file


@pytest.fixture
def by_key(login_node: LoginNode, source: Path) -> Errand:
    """An errand of the paired account, with its key."""
    return Errand(login_node.sshd, login_node.paired, login_node.paired_key, source, source.parent.name)


@pytest.fixture
def by_password(login_node: LoginNode, source: Path) -> Errand:
    """The same without a key."""
    return Errand(login_node.sshd, login_node.paired, None, source, source.parent.name)


def go(client: Client, errand: Errand, *answers: Answer) -> Session:
    """Let a person run the errand with this client."""
    return at_terminal(client.argv(errand), answers, errand.source.parent)


def shown(client: Client, errand: Errand, prompt: str, session: Session) -> bool:
    """Whether a line of the screen begins with the prompt, to the letter."""
    return re.search(rf"^\r?{re.escape(client.prompt(errand, prompt))}", session.transcript, re.MULTILINE) is not None


def test_the_table_of_clients_has_each() -> None:
    table = "\n".join(line.split("|")[1] for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:1] == "|")
    assert set(re.findall(r"`(\w+)`", table)) == {*CLIENTS, "lftp"}


def test_a_key_and_a_code_bring_the_file(client: Client, by_key: Errand, login_node: LoginNode) -> None:
    session = go(client, by_key, Answer(CODE, login_node.phone.fresh_code()), *client.then(by_key))
    assert session.status == 0, session.transcript
    assert by_key.arrived() == WORDS
    assert shown(client, by_key, CODE, session), session.transcript
    assert PASSWORD not in session.transcript


def test_a_password_and_a_code_bring_the_file(client: Client, by_password: Errand, login_node: LoginNode) -> None:
    first = Answer(PASSWORD, by_password.account.password)
    session = go(client, by_password, first, Answer(CODE, login_node.phone.fresh_code()), *client.then(by_password))
    assert session.status == 0, session.transcript
    assert by_password.arrived() == WORDS
    assert shown(client, by_password, PASSWORD, session), session.transcript
    assert shown(client, by_password, CODE, session), session.transcript


def test_wrong_codes_after_a_key_bring_nothing(client: Client, by_key: Errand) -> None:
    session = go(client, by_key, *[Answer(CODE, WRONG_CODE)] * 3, HANG_UP)
    assert session.status != 0
    assert by_key.arrived() is None
    assert shown(client, by_key, "That was not accepted.", session), session.transcript
    assert (REFUSAL in session.transcript) == client.shows_refusal, session.transcript


@pytest.mark.parametrize("client", ["ssh", "plink", "dbclient"], indirect=True)
def test_wrong_codes_after_a_password_bring_nothing(client: Client, by_password: Errand) -> None:
    first = Answer(PASSWORD, by_password.account.password)
    # No word on the status: dbclient's is 0 when it is interrupted here.
    session = go(client, by_password, first, *[Answer(CODE, WRONG_CODE)] * 3, HANG_UP)
    assert by_password.arrived() is None
    assert REFUSAL in session.transcript


def test_who_has_no_device_reads_the_deadline_before_pressing_return(
    client: Client, login_node: LoginNode, source: Path
) -> None:
    errand = Errand(login_node.sshd, login_node.newcomer, login_node.newcomer_key, source, source.parent.name)
    session = go(client, errand, Answer(RETURN, ""), *client.then(errand))
    assert session.status == 0, session.transcript
    assert errand.arrived() == WORDS
    before_return = session.transcript.partition(RETURN)[0]
    assert re.search(rf"You have \d+ days to pair a device for logging in, see {INFO_URL}\n", before_return)


def test_where_sshd_takes_passwords_itself_they_let_nobody_in_and_no_code_is_asked_for(
    login_node: LoginNode, by_password: Errand
) -> None:
    directory = by_password.source.with_name("sshd")
    directory.mkdir()
    settings = {"PasswordAuthentication": "yes", "AuthenticationMethods": "any"}
    with running_sshd(directory, login_node.node.stack(), settings) as careless:
        session = careless.ssh_login(
            by_password.account,
            [Answer("'s password: ", by_password.account.password), Answer(CODE, WRONG_CODE)],
            options=["-o", "PreferredAuthentications=password"],
        )
    assert (session.status, session.answered) == (255, 1), session.transcript
