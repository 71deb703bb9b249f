"""Files that are made to cost: refused at once, and without the memory that they ask for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pskc_files import RFC_PASSWORD, as_totp, container, figure, mistake, package
from watchword.domain.errors import SeedFileError
from watchword.seedfiles import read

LARGE = 8 * 2**20
MOST_MEMORY_OCTETS = 64 * 2**20

HEAD = b'<KeyContainer Version="1.0" xmlns="urn:ietf:params:xml:ns:keyprov:pskc">'
MANY = range(LARGE // 10)

COSTLY_XML = {
    "a file of line ends": HEAD + b"\n" * LARGE,
    "one attribute that never ends": HEAD + b'<a b="' + b"x" * LARGE,
    "attributes by the hundred thousand": HEAD + b"<a " + b"".join(b' a%x=""' % number for number in MANY) + b"/>",
    "namespaces by the hundred thousand": HEAD
    + b"<a "
    + b"".join(b' xmlns:a%x="u"' % number for number in MANY)
    + b"/>",
    "attributes by the hundred thousand, a few a tag": HEAD
    + (b"<a" + b' %s="%s"' % (b"b" * 90, b"c" * 900) + b"/>") * 4000,
    "a comment that never ends": HEAD + b"<!--" + b"c" * LARGE,
    "character references": HEAD + b"<a>" + b"&#x41;" * (LARGE // 3),
    "elements without end": HEAD + b"<a/>" * (LARGE // 4),
    "elements without end, of another namespace": HEAD + b"<x:a xmlns:x='u'>" + b"<x:b/>" * (LARGE // 6),
    "elements nested without end": HEAD + b"<a>" * (LARGE // 3),
}
COSTLY_CSV = {
    "a line of commas": b"A1,00" + b"," * LARGE,
    "a quote that is never closed": b"A1," + b'"\n",' * (LARGE // 4),
    "a cell without end": b"A1," + b"f" * LARGE,
}


@pytest.fixture
def peak() -> Iterator[None]:
    """Hold the test to the memory that a seed file may cost."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forget the peak of before (proc(5))
    before = peak_octets()
    yield
    assert peak_octets() - before < MOST_MEMORY_OCTETS


def peak_octets() -> int:
    """Look up the most memory that this process has held."""
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (line,) = (line for line in status if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


@pytest.mark.parametrize("costly", COSTLY_XML)
@pytest.mark.usefixtures("peak")
def test_xml_that_is_made_to_cost_is_refused(costly: str) -> None:
    with pytest.raises(SeedFileError, match=r"too (much|many|deep)|longer"):
        read(COSTLY_XML[costly], "pskc")


@pytest.mark.parametrize("costly", COSTLY_CSV)
@pytest.mark.usefixtures("peak")
def test_csv_that_is_made_to_cost_is_refused(costly: str) -> None:
    with pytest.raises(SeedFileError, match=r"longer|quoted"):
        read(COSTLY_CSV[costly], "csv")


@pytest.mark.parametrize("count", [b"5000001", b"999999999999999999", b"9" * 400, b"-1", b"0", b"1e9"])
def test_a_giant_iteration_count_is_refused_before_any_work(count: bytes) -> None:
    content = as_totp(figure(7)).replace(b"<IterationCount>1000<", b"<IterationCount>%s<" % count)
    assert count in content
    assert "iteration count" in str(mistake(content, password=RFC_PASSWORD)) or "whole number" in str(
        mistake(content, password=RFC_PASSWORD)
    )


def test_a_large_file_of_small_packages_is_read() -> None:
    fobs = read(container(*(package(f"A{number}") for number in range(4000))))
    assert len(fobs) == 4000


def test_a_file_cut_off_within_a_tag_is_not_called_too_long() -> None:
    assert "not well-formed" in str(mistake(b"<KeyContainer"))
