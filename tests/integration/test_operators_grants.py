"""Operators' pages with the portal's own grants: enough for all that they do."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.world import SECRET, Server
from tests.harness.mariadb import Mariadb
from tests.integration.database_users import Parts, make_parts
from watchword.domain.enforcement import Mode
from watchword.domain.otp import OtpProfile
from watchword.domain.people import Person
from watchword.domain.seeds import SeedRow
from watchword.services.actor import Actor
from watchword.services.diagnose import diagnose
from watchword.services.diagnose_gather import Circumstances, Investigator
from watchword.services.find import Finder
from watchword.services.find_account import AccountReader
from watchword.services.import_fobs import FobImporter
from watchword.services.train_class import ClassMaker
from watchword.services.watch_live import Feed, Watcher

pytestmark = pytest.mark.slow

ADA = Actor("ada", "delivery of May", "198.51.100.7")


class Everybody:
    """A directory that knows every name."""

    def find(self, account: str) -> Person | None:
        """Find somebody."""
        return Person(account)


@pytest.fixture(scope="module")
def portal(mariadb: Mariadb, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A portal's store, with alice and bob paired."""
    parts: Parts = make_parts(mariadb, tmp_path_factory.mktemp("portal"))
    parts.become("portal")
    yield parts.another_server("portal")
    parts.close()


def test_the_portal_finds_reads_diagnoses_and_watches(portal: Server) -> None:
    finder = Finder(portal.store, clock=portal.clock)
    assert [hit.name for hit in finder.find("ali").accounts] == ["alice"]
    assert finder.find("sms-").tokens[0].account == "bob"
    assert finder.locked() == ([], "")
    assert AccountReader(portal.store, Everybody(), clock=portal.clock).read("alice", limit=5).tokens
    decided = Circumstances(Mode.FULL, None, 300, Path("/nonexistent"))
    assert diagnose(Investigator(portal.store, Everybody(), decided, clock=portal.clock).gather("bob", "192.0.2.7"))
    watcher = Watcher(portal.store)
    assert all(watcher.page(feed)[0] == [] for feed in (Feed.REFUSALS, Feed.DELIVERIES, Feed.REPORTS))
    assert watcher.begin().look() == []


def test_the_portal_brings_in_a_file_without_reading_a_token_back(portal: Server) -> None:
    importer = FobImporter(portal.store, clock=portal.clock, random_octets=os.urandom)
    seeds = [SeedRow(f"26{number:05}", SECRET, OtpProfile(6, 60)) for number in range(20)]
    begun = importer.begin("ada", "fobs.csv", len(seeds))
    assert importer.stage(begun.import_id, seeds)
    assert importer.preview(begun.import_id, "ada").clash_count == 0
    assert importer.confirm(begun.import_id, ADA) == 20
    assert importer.prune() == 0


def test_the_portal_makes_a_class_and_draws_new_codes(portal: Server) -> None:
    classes = ClassMaker(portal.store, random_octets=os.urandom)
    assert len(classes.make("train01..train03", portal.pairer)) == 3
    assert len(classes.renew("train01..train03", portal.administrator)) == 3


def test_the_portal_locks_unlocks_clears_disables_and_removes(portal: Server) -> None:
    administrator = portal.administrator
    administrator.lock("alice")
    administrator.unlock("alice")
    administrator.clear_failures("alice")
    (token,) = administrator.tokens(account="alice")
    administrator.set_enabled(token.serial, enabled=False)
    administrator.set_enabled(token.serial, enabled=True)
    portal.pairer.remove(token.serial)
    assert administrator.tokens(account="alice") == []
