"""Files of seeds, as a maker of fobs sends them, or somebody who poses as one."""

from collections.abc import Callable
from unittest.mock import patch

from tests.pskc_files import (
    RFC_KEY,
    RFC_PASSWORD,
    RFC_SECRET,
    as_totp,
    container,
    encrypted_container,
    figure,
    package,
)
from watchword.domain.errors import SeedFileError
from watchword.domain.seeds import SeedRow
from watchword.seedfiles import pskc_encryption, read

FEW_ITERATIONS = 5_000
"""The true limit costs seconds, by intent: a test of its own holds it."""

CSVS = (
    b"2600124809778,0123456789abcdef0123456789abcdef01234567\n2600124809779,89abcdef0123456789abcdef0123456701234567\n",
    b"serial;secret_base32;algorithm;digits;period\nA1;GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ;SHA256;8;30\n",
    b'\xef\xbb\xbfserial\tsecret\tissuer\tmodel\r\nA1\t"0123456789abcdef0123456789abcdef01234567"\tHPC\tc200\r\n',
    "A1,0123456789abcdef0123456789abcdef01234567\n".encode("utf-16"),
)
CSV_WORDS = (
    *(
        b",",
        b";",
        b"\t",
        b'"',
        b'""',
        b"\n",
        b"\r",
        b"\r\n",
        b"\0",
        b"serial",
        b"secret_hex",
        b"secret_base32",
        b"digits",
    ),
    *(b"sha512", b"9" * 30, b"-1", b"\xc2\xa0", b"\xe2\x80\xa8", b"\xff\xfe", b"\xef\xbb\xbf", b"=" * 9, b"a" * 5000),
)

PSKCS = (
    *(as_totp(figure(number)) for number in (2, 3, 6, 7, 10)),
    container(package("1"), package("2")),
    encrypted_container(RFC_KEY, "sha256", mac_key=bytes(32)),
)
XML_WORDS = (
    *(
        b"<",
        b">",
        b"/>",
        b"</",
        b"<!--",
        b"-->",
        b"<![CDATA[",
        b"]]>",
        b"<?x ?>",
        b"&amp;",
        b"&#0;",
        b"&#xd800;",
        b"&b;",
    ),
    *(
        b'<!DOCTYPE a [<!ENTITY b "bb">]>',
        b'<?xml version="1.0" encoding="utf-7"?>',
        b'encoding="UTF-16"',
        b"\0",
        b"\xff\xfe",
    ),
    *(
        b' xmlns:x="urn:x"',
        b"x:",
        b' Algorithm=""',
        b"<a>" * 40,
        b"<a/>" * 3000,
        b"9" * 40,
        b"<PlainValue>",
        b"</KeyPackage>",
    ),
    *(b"<Secret/>", b"<Data>", b"<KeyPackage>", b"<IterationCount>99999999</IterationCount>", b"-1", b"="),
)


def check_csv(octets: bytes) -> None:
    """Read a CSV file."""
    _check(lambda: read(octets, "csv"))
    _check(lambda: read(octets, "csv", seed_encoding="base32"))


def check_pskc(octets: bytes) -> None:
    """Read a PSKC file, with what opens it and without."""
    with patch.object(pskc_encryption, "MOST_ITERATIONS", FEW_ITERATIONS):
        _check(lambda: read(octets, "pskc"))
        _check(lambda: read(octets, "pskc", key=RFC_KEY))
        _check(lambda: read(octets, "pskc", password=RFC_PASSWORD))


def _check(read_file: Callable[[], list[SeedRow]]) -> None:
    try:
        fobs = read_file()
    except SeedFileError as error:
        said = f"{error} {error.hint}"
        assert said.isprintable() and len(said) < 500
        assert RFC_SECRET.decode() not in said
        return
    assert fobs
    assert len({fob.serial for fob in fobs}) == len(fobs)
