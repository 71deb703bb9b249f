"""People's pages do all their work with the portal's grants: pairing, unpairing, mail, announcements, reports."""

import os
from collections.abc import Iterator

import pytest

from tests.contract.test_people import mail_writer, pairer, pairing
from tests.contract.world import SECRET, Server
from tests.harness.mariadb import Mariadb
from tests.harness.one_time_codes import oathtool_code
from tests.integration.database_users import Parts, make_parts
from watchword.delivery.mail import MailRecorder
from watchword.domain.otp import OtpProfile
from watchword.domain.people import Person
from watchword.domain.seeds import SeedRow
from watchword.domain.tokens import Kind
from watchword.services.announce import Announcer
from watchword.services.keep_seeds import LocalKeeper
from watchword.services.lost_phone import LostPhone
from watchword.services.pairing_flow_rules import Paired, Walker
from watchword.services.this_wasnt_me import Reports
from watchword.services.throttle import Throttle
from watchword.services.unpair import Unpairer
from watchword.services.write_mail import MailPostman

pytestmark = pytest.mark.slow


class Told:
    """A directory that remembers what it was told, and knows everybody's mail."""

    def __init__(self) -> None:
        self.kinds: dict[str, str] = {}

    def announce(self, account: str, kind: str) -> bool:
        self.kinds[account] = kind
        return True

    def find(self, account: str) -> Person | None:
        return Person(account, mail=f"{account}@example.org")


@pytest.fixture(scope="module")
def parts(mariadb: Mariadb, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    parts = make_parts(mariadb, tmp_path_factory.mktemp("people"))
    parts.server.administrator.import_seeds([SeedRow("F1", SECRET, OtpProfile())])
    yield parts
    parts.close()


@pytest.fixture(scope="module")
def keeper(parts: Parts) -> LocalKeeper:
    """What the daemon is, as the keeper's user."""
    parts.become("keeper")
    server = parts.another_server("keeper")
    answer, policy = server.authenticator.answer, server.policy
    return LocalKeeper(server.store, answer, policy, clock=server.clock, random_octets=os.urandom, announce=True)


@pytest.fixture(scope="module")
def portal(parts: Parts, keeper: LocalKeeper) -> Server:
    """The services, as the portal's user."""
    parts.become("portal")
    return parts.another_server("portal")


def walk(portal: Server, keeper: LocalKeeper, account: str, kind: Kind) -> Paired:
    """Pair an account, all steps."""
    flows = pairing(portal, keeper=keeper)
    walker = Walker(account, b"w" * 32, "198.51.100.7", is_proved=False)
    flows.begin(walker, Kind.SOFT)
    flows.begin(walker, kind)
    flow = flows.show(walker)
    if kind is Kind.SMS:
        assert flows.give_number(walker, flow.ticket, "512 555 1234", "US") is None
        flow = flows.show(walker)
    if kind is Kind.HARD:
        assert flows.give_serial(walker, flow.ticket, "F1") is None
        flow = flows.show(walker)
    seed = SECRET if kind is Kind.HARD else flow.secret
    paired = flows.prove(walker, flow.ticket, flow.code or oathtool_code(seed.hex(), portal.clock.seconds))
    assert isinstance(paired, Paired)
    return paired


@pytest.mark.parametrize("kind", [Kind.SOFT, Kind.SMS, Kind.HARD])
def test_each_kind_is_paired(portal: Server, keeper: LocalKeeper, kind: Kind) -> None:
    account = f"pairs-{kind.value}"
    assert walk(portal, keeper, account, kind).kind is kind
    assert [token.kind for token in portal.administrator.tokens(account=account)] == [kind]


def test_a_pairing_that_is_left_takes_its_text_message_back(portal: Server, keeper: LocalKeeper) -> None:
    flows = pairing(portal, keeper=keeper)
    walker = Walker("leaves", b"l" * 32, "198.51.100.7", is_proved=False)
    flows.begin(walker, Kind.SMS)
    assert flows.give_number(walker, flows.show(walker).ticket, "512 555 9999", "US") is None
    flows.stop(walker)
    flows.begin(walker, Kind.SOFT)
    portal.clock.seconds += 600
    assert flows.sweep() >= 1


def test_unpairing_a_lost_phone_mail_announcements_and_reports(portal: Server, keeper: LocalKeeper) -> None:
    throttle, mail, told = Throttle(portal.store, clock=portal.clock), mail_writer(portal), Told()
    serial = pairer(portal).add_soft("gina", secret=SECRET).serial
    unpairer = Unpairer(portal.store, keeper, throttle, lambda _address: pairer(portal), mail)
    unpairer.text_code("gina", "198.51.100.7")
    code = oathtool_code(SECRET.hex(), portal.clock.seconds)
    assert unpairer.unpair("gina", serial, code, "198.51.100.7").serial == serial
    links: list[str] = []

    def remember(carried: str) -> str:
        links.append(carried)
        return carried

    lost_phone = LostPhone(
        portal.store,
        clock=portal.clock,
        random_octets=os.urandom,
        throttle=throttle,
        keys=portal.keyring,
        pairer_at=lambda _address: pairer(portal),
        mail=mail,
        address_of_link=remember,
        link_minutes=30,
        is_operator=lambda _account: False,
    )
    pairer(portal).add_soft("gina")
    lost_phone.ask("gina", "198.51.100.7")
    lost_phone.look(links[-1])
    assert len(lost_phone.use(links[-1], "198.51.100.7")) == 1
    lost_phone.sweep()
    assert Reports(portal.store, portal.clock, mail, announces=True).report("gina", "a login", "198.51.100.7") == 0
    recorder = MailRecorder()
    postman = MailPostman(portal.store, recorder, told, clock=portal.clock)
    while postman.deliver_due():
        pass
    assert sorted(sent.subject for sent in recorder.mails if sent.to == ("gina@example.org",)) == [
        "Test: a device was unpaired",
        "Test: a device was unpaired",
        "Test: unpair a lost phone",
    ]
    announcer = Announcer(portal.store, told, clock=portal.clock)
    while announcer.deliver_due():
        pass
    assert told.kinds["gina"] == "soft", "held"
