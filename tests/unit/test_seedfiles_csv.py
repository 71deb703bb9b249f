"""CSV files of seeds: every fob, or one error that names the line and quotes no secret."""

import base64
import codecs
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchword.domain.errors import SeedFileError
from watchword.domain.otp import Algorithm, OtpProfile
from watchword.domain.seeds import SeedRow
from watchword.seedfiles import read

SEED = bytes.fromhex("3ab1c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5")
OTHER_SEED = bytes.fromhex("00112233445566778899aabbccddeeff00112233")
C200 = OtpProfile(digits=6, period_seconds=60, algorithm=Algorithm.SHA1)


def mistake(content: bytes) -> SeedFileError:
    with pytest.raises(SeedFileError) as caught:
        read(content, "csv")
    assert SEED.hex() not in f"{caught.value!r} {caught.value.hint}".lower()
    return caught.value


def test_a_feitian_file_is_totp_sha1_six_digits_a_minute() -> None:
    content = f"2600124809778,{SEED.hex()}\r\n2600124809787,{OTHER_SEED.hex().upper()}\r\n".encode()

    assert read(content) == [SeedRow("2600124809778", SEED, C200), SeedRow("2600124809787", OTHER_SEED, C200)]


def test_the_period_can_be_given_for_fobs_that_were_ordered_with_another() -> None:
    [fob] = read(f"26001,{SEED.hex()}".encode(), period_seconds=30)

    assert fob.profile.period_seconds == 30


def test_the_period_in_the_file_wins() -> None:
    [fob] = read(f"26001,{SEED.hex()},sha1,6,60".encode(), period_seconds=30)

    assert fob.profile.period_seconds == 60


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_delimiters_line_ends_and_byte_order_marks(delimiter: str, line_end: str, mark: str) -> None:
    rows = [["Serial", "Secret", "Digits"], ["A1", SEED.hex(), "8"], [""], ["A2", OTHER_SEED.hex(), ""]]
    content = mark + line_end.join(delimiter.join(row) for row in rows)

    fobs = read(content.encode())

    assert [(fob.serial, fob.secret, fob.profile.digits) for fob in fobs] == [("A1", SEED, 8), ("A2", OTHER_SEED, 6)]


def test_a_spreadsheets_utf16_is_read() -> None:
    content = codecs.BOM_UTF16_LE + f"serial\tsecret\r\nA1\t{SEED.hex()}\r\n".encode("utf-16-le")

    assert [fob.secret for fob in read(content, "csv")] == [SEED]


def test_columns_go_by_their_names() -> None:
    names = "period,secret_base32,serial,algorithm,issuer,model"
    content = f"{names}\n30,{base64.b32encode(SEED).decode()},A1,HMAC-SHA256,Feitian,c200\n"

    [fob] = read(content.encode())

    assert fob == SeedRow("A1", SEED, OtpProfile(6, 30, Algorithm.SHA256), issuer="Feitian", model="c200")


def test_base32_is_read_only_where_it_is_said_to_be() -> None:
    good_as_both = "ABCDEF234567ABCDEF234567ABCDEF234567ABCD"
    content = f"A1,{good_as_both}".encode()

    assert read(content)[0].secret == bytes.fromhex(good_as_both)
    assert read(content, seed_encoding="base32")[0].secret == base64.b32decode(good_as_both)


def test_the_algorithm_is_taken_as_given_whatever_the_length_of_the_secret() -> None:
    assert read(f"A1,{'ab' * 32}".encode())[0].profile.algorithm is Algorithm.SHA1
    assert read(f"A1,{SEED.hex()},sha512".encode())[0].profile.algorithm is Algorithm.SHA512


@pytest.mark.parametrize(
    ("bad_line", "words"),
    [
        ("A2,zz", "not hex"),
        ("A2,", "0 octets"),
        ("A2", "0 octets"),
        (f"A2,{SEED.hex()[:-1]}", "not hex"),
        ("A2,00112233", "4 octets"),
        (f",{SEED.hex()}", "serial"),
        (f"A 2,{SEED.hex()}", "serial"),
        (f"A2,{SEED.hex()},md5", "algorithm"),
        (f"A2,{SEED.hex()},,5", "digits"),
        (f"A2,{SEED.hex()},,six", "digits"),
        (f"A2,{SEED.hex()},,6,0", "period"),
        (f"A2,{SEED.hex()},,6,\N{ARABIC-INDIC DIGIT SIX}0", "period"),
        (f"A2,{SEED.hex()},,6,60,more", "6 columns"),
        (f"{SEED.hex()},A2", "1 octets"),
        (f'A2,"{SEED.hex()}', "quoted"),
        (f"A2\x00,{SEED.hex()}", "control"),
        (f"A2\x1b[2J,{SEED.hex()}", "control"),
        (f"a1,{SEED.hex()}", "that of line 1"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_imported(bad_line: str, words: str) -> None:
    error = mistake(f"A1,{OTHER_SEED.hex()}\n\n{bad_line}".encode())

    assert "line 3" in str(error)
    assert words in str(error)


def test_a_serial_that_comes_twice_names_both_lines() -> None:
    error = mistake(f"serial,secret\nA1,{SEED.hex()}\nA2,{SEED.hex()}\nA1,{OTHER_SEED.hex()}\n".encode())

    assert str(error) == "line 4: the serial is that of line 2"


def test_a_column_whose_name_is_not_known_is_refused() -> None:
    # "perod" passed over would give every fob the wrong period.
    assert "column 3" in str(mistake(f"serial,secret,perod\nA1,{SEED.hex()},30\n".encode()))


@pytest.mark.parametrize("header", ["serial,digits", "serial,secret,secret_hex", "serial,secret,serial"])
def test_a_header_has_one_column_of_serials_and_one_of_secrets(header: str) -> None:
    assert "line 1" in str(mistake(f"{header}\nA1,{SEED.hex()}\n".encode()))


@pytest.mark.parametrize("content", [b"", b"\n\n", b"serial,secret\n", b"just text", b"a,b;c"])
def test_a_file_without_fobs_is_an_error(content: bytes) -> None:
    mistake(content)


def test_bytes_that_are_not_utf8_name_their_line() -> None:
    assert "line 2" in str(mistake(b"A1," + SEED.hex().encode() + b"\nA\xff,00"))


def test_a_key_for_a_file_that_is_not_encrypted_is_a_mistake() -> None:
    with pytest.raises(SeedFileError, match="not encrypted"):
        read(f"A1,{SEED.hex()}".encode(), key=bytes(16))


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(SeedFileError, match="No such file"):
        read(tmp_path / "none.csv")


def test_secrets_are_not_in_the_repr() -> None:
    [fob] = read(f"A1,{SEED.hex()}".encode())

    assert SEED.hex() not in repr(fob)
    assert repr(SEED) not in repr(fob)


def test_ten_thousand_fobs_are_read_in_order() -> None:
    content = "\n".join(f"{number:013},{number:040x}" for number in range(10_000))

    assert [int(fob.serial) for fob in read(content.encode())] == list(range(10_000))


cells = st.one_of(st.text(max_size=12), st.sampled_from([SEED.hex(), "A1", "6", "60", "sha1", "", '"']))
tables = st.lists(st.lists(cells, max_size=6), max_size=6)


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_garbage_is_a_list_or_one_error(content: bytes) -> None:
    with suppress(SeedFileError):
        assert read(content)


@settings(deadline=None)
@given(tables, st.sampled_from([",", ";", "\t"]), st.booleans())
def test_a_table_of_garbage_is_a_list_or_one_error_without_a_secret(
    rows: list[list[str]], delimiter: str, header: bool
) -> None:
    lines = [delimiter.join(row) for row in rows]
    content = "\n".join([delimiter.join(["serial", "secret", "digits"])] * header + lines)
    said = ""
    try:
        assert read(content.encode(errors="replace"), "csv")
    except SeedFileError as error:
        said = f"{error!r} {error.hint}"
    assert SEED.hex() not in said


@settings(deadline=None)
@given(
    st.dictionaries(
        st.from_regex(r"[A-Za-z0-9]{1,20}", fullmatch=True).map(str.upper),
        st.binary(min_size=16, max_size=64),
        min_size=1,
    )
)
def test_what_is_written_is_read_back(fobs: dict[str, bytes]) -> None:
    content = "\n".join(f"{serial},{secret.hex()}" for serial, secret in fobs.items() if serial != "SERIAL")

    if content:
        assert {fob.serial: fob.secret for fob in read(content.encode())} == {
            k: v for k, v in fobs.items() if k != "SERIAL"
        }
