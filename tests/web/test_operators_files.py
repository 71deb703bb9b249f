"""Files of seeds and training classes, through the pages."""

import itertools
import re
import threading
from collections.abc import Iterator

import pytest

from tests.web.world import SECRET, Browser, PortalWorld
from watchword.domain.errors import NotFound
from watchword.domain.outcome import Granted
from watchword.portal.operators import imports
from watchword.portal.operators.tools import Tools
from watchword.portal.uploads import LARGEST_UPLOAD_OCTETS
from watchword.services.attempts import Attempt, OneShot

WHY = "course of May"
HTML = "<b>x</b>"


_serials = itertools.count(2_600_124_800_000)
_classes = itertools.count(1)


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalWorld]:
    """One portal for all tests here: each has fobs and classes of its own."""
    directory = tmp_path_factory.mktemp("portal")
    more = {"portal": {"session_hours": 24, "idle_minutes": 1440}}
    with PortalWorld(f"sqlite:///{directory / 'watchword.db'}", directory, more_settings=more) as world:
        yield world


@pytest.fixture(scope="module")
def signed_in(portal: PortalWorld) -> Browser:
    """An admin's browser."""
    return portal.signed_in("ada", proved=True)


@pytest.fixture
def ada(portal: PortalWorld, signed_in: Browser) -> Iterator[Browser]:
    """An admin's browser, who has uploaded nothing of late; at the end nothing is being staged any more."""
    portal.desk.throttle.forget(imports.UPLOADS, "ada")
    yield signed_in
    wait_until_staged()


@pytest.fixture
def spelled() -> str:
    """A class of three that nobody else has."""
    number = next(_classes)
    return f"class{number}x08..class{number}x10"


def wait_until_staged() -> None:
    for thread in threading.enumerate():
        if thread.name == imports.STAGING:
            thread.join()


def upload(browser: Browser, content: bytes, name: str = "fobs.csv", **fields: str) -> str:
    """Upload a file; answers the page that it leads to, once it is read."""
    browser.get("/operators/import")
    sent = browser.hidden("/operators/import") | fields
    browser._seen(browser.client.post("/operators/import", data=sent, files={"file": (name, content)}))
    wait_until_staged()
    return browser.get(browser.path) if "/file?" in browser.path else browser.page


def fobs(count: int) -> bytes:
    """Make a file of fobs that nobody else has."""
    return "".join(f"{next(_serials)},{SECRET.hex()}\n" for _ in range(count)).encode()


def serials(file: bytes) -> list[str]:
    return [line.partition(",")[0] for line in file.decode().splitlines()]


def in_the_drawer(portal: PortalWorld, serial: str) -> bool:
    try:
        return portal.desk.services.administrator.token(serial).account == ""
    except NotFound:
        return False


def test_a_file_is_looked_at_then_confirmed_and_its_fobs_are_in_the_drawer(portal: PortalWorld, ada: Browser) -> None:
    file = fobs(12)
    page = upload(ada, file)
    assert "Bring these 12 fobs in?" in page and serials(file)[9] in page and serials(file)[10] not in page
    assert SECRET.hex() not in page and not in_the_drawer(portal, serials(file)[0])
    page = ada.post("/operators/import/confirm", {"why": "delivery of May"})
    assert "12 fobs are in the drawer" in page
    done = ("administration", "done", "12 fobs imported", "ada", "fobs.csv: delivery of May")
    assert portal.events()[-1] == done
    assert all(in_the_drawer(portal, serial) for serial in serials(file))


def test_nothing_comes_in_without_a_reason(portal: PortalWorld, ada: Browser) -> None:
    file = fobs(2)
    upload(ada, file)
    page = ada.post("/operators/import/confirm", {"why": " "})
    assert ada.status == 400 and "Say why" in page and "Bring these 2 fobs in?" in page
    assert not in_the_drawer(portal, serials(file)[0])


def test_a_file_can_be_confirmed_once(portal: PortalWorld, ada: Browser) -> None:
    upload(ada, fobs(2))
    form = ada.hidden("/operators/import/confirm") | {"why": WHY}
    ada.post("/operators/import/confirm", form)
    before = portal.events()
    ada.post("/operators/import/confirm", form)
    assert ada.status == 404 and portal.events() == before


def test_a_serial_that_is_taken_is_named_and_cannot_be_confirmed(portal: PortalWorld, ada: Browser) -> None:
    taken = fobs(1)
    upload(ada, taken)
    ada.post("/operators/import/confirm", {"why": WHY})
    page = upload(ada, fobs(3) + taken)
    assert "1 of these serials is in the store" in page and serials(taken)[0] in page
    assert ada.hidden("/operators/import/confirm") == {}


def test_a_file_can_be_discarded(portal: PortalWorld, ada: Browser) -> None:
    upload(ada, fobs(2))
    where = ada.path
    ada.post("/operators/import/discard")
    assert ada.path == "/operators/import"
    ada.get(where)
    assert ada.status == 404


@pytest.mark.parametrize(
    ("content", "fields", "words"),
    [
        (b"serial,secret\n", {}, "names no token"),
        (b"rubbish", {}, "line 1"),
        (b"1,zz\n", {}, "the secret is not hex"),
        (b"<KeyContainer", {}, "XML"),
        (fobs(1), {"password": "x"}, "a CSV file is not encrypted"),
        (fobs(1), {"key": "xyz"}, "the key is not hex"),
        (fobs(1), {"key": "00"}, "32, 48 or 64 hex digits"),
        (fobs(1), {"period": "soon"}, "a number of seconds"),
        (fobs(1), {"period": "5"}, "10 to 300 seconds"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_why_and_quotes_no_secret(
    portal: PortalWorld, ada: Browser, content: bytes, fields: dict[str, str], words: str
) -> None:
    page = upload(ada, content, **fields)
    assert ada.status == 400 and words.casefold() in page.casefold() and "Nothing was imported." in page
    assert SECRET.hex() not in page


def test_a_file_that_is_too_large_is_refused_before_it_is_read(portal: PortalWorld, ada: Browser) -> None:
    upload(ada, b"0" * LARGEST_UPLOAD_OCTETS)
    assert ada.status == 413


def test_what_is_uploaded_stays_in_memory(portal: PortalWorld, ada: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    def rolled_over(*_: object) -> None:
        raise AssertionError("seeds were written to a disk")

    monkeypatch.setattr("tempfile.SpooledTemporaryFile.rollover", rolled_over)
    assert "Bring these 30000 fobs in?" in upload(ada, fobs(30000))


def test_the_name_of_a_file_is_text(portal: PortalWorld, ada: Browser) -> None:
    page = upload(ada, fobs(1), name=f"{HTML}.csv")
    assert HTML not in page and "&lt;b&gt;" in page


def test_progress_is_shown_until_all_is_there(portal: PortalWorld, ada: Browser) -> None:
    begun = Tools(portal.desk).importer.begin("ada", "fobs.csv", 5)
    page = ada.get(f"/operators/import/file?id={begun.import_id}")
    assert "0 of 5 fobs" in page and '<meta http-equiv="refresh" content="2">' in page
    assert ada.hidden("/operators/import/confirm") == {}


# training classes


def codes_on(page: str) -> dict[str, str]:
    return dict(re.findall(r"<span>(\S+)</span> <strong class=\"mono\">(\d{6})</strong>", page))


def test_a_class_is_made_and_its_codes_are_shown_once_and_are_good(portal: PortalWorld, ada: Browser) -> None:
    ada.get("/operators/classes?spelled=train08..train11")
    page = ada.post("/operators/classes/make", {"why": WHY})
    codes = codes_on(page)
    assert list(codes) == ["train08", "train09", "train10", "train11"]
    (outcome,) = portal.desk.services.answer([Attempt("train10", OneShot(codes["train10"]))])
    assert isinstance(outcome, Granted)
    assert ada.headers["cache-control"] == "no-store"
    assert not codes_on(ada.get("/operators/classes?spelled=train08..train11"))
    assert {event[2:] for event in portal.events("train08")} == {("paired", "ada", "static: course of May")}


def test_a_form_that_is_sent_again_makes_nothing_twice(portal: PortalWorld, ada: Browser, spelled: str) -> None:
    ada.get(f"/operators/classes?spelled={spelled}")
    form = ada.hidden("/operators/classes/make") | {"why": WHY}
    first = codes_on(ada.post("/operators/classes/make", form))
    page = ada.post("/operators/classes/make", form)
    assert ada.status == 400 and "has a token already" in page
    assert [len(portal.desk.services.administrator.tokens(account=name)) for name in first] == [1, 1, 1]


def test_new_codes_take_the_place_of_the_old(portal: PortalWorld, ada: Browser, spelled: str) -> None:
    ada.get(f"/operators/classes?spelled={spelled}")
    old = codes_on(ada.post("/operators/classes/make", {"why": WHY}))
    ada.get(f"/operators/classes?spelled={spelled}")
    new = codes_on(ada.post("/operators/classes/renew", {"why": "next course"}))
    assert new.keys() == old.keys() and new != old
    changed = [name for name in old if old[name] != new[name]]
    outcomes = [portal.desk.services.answer([Attempt(name, OneShot(old[name]))])[0] for name in changed]
    assert not any(isinstance(outcome, Granted) for outcome in outcomes)
    assert ("administration", "done", "static code redrawn", "ada", "next course") in portal.events(next(iter(old)))


def test_nobody_who_works_here_is_put_into_a_class(portal: PortalWorld, ada: Browser, spelled: str) -> None:
    first, _, last = spelled.partition("..")
    portal.desk.services.pairer.add_soft(last, secret=SECRET)
    page = ada.get(f"/operators/classes?spelled={spelled}")
    assert "Somebody works with them" in page and ada.hidden("/operators/classes/make") == {}
    token = ada.hidden("/sign-out")
    ada.post("/operators/classes/make", token | {"spelled": spelled, "why": WHY})
    assert ada.status == 400
    assert not portal.desk.services.administrator.tokens(account=first), "all or none"


@pytest.mark.parametrize(
    "typed",
    ["train", "train01", "s1..s9", "train9..train1", "train001..train999", "tr*in1..tr*in9", "train01..other09"],
)
def test_what_is_no_class_is_told_so(portal: PortalWorld, ada: Browser, typed: str) -> None:
    ada.get(f"/operators/classes?spelled={typed}")
    assert ada.status == 400 and ada.hidden("/operators/classes/make") == {}


def test_nothing_is_drawn_without_a_reason(portal: PortalWorld, ada: Browser, spelled: str) -> None:
    ada.get(f"/operators/classes?spelled={spelled}")
    page = ada.post("/operators/classes/make", {"why": ""})
    assert ada.status == 400 and not codes_on(page)
    assert not portal.desk.services.administrator.tokens(account=spelled.partition("..")[0])
