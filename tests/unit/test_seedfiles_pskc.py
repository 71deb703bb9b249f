"""PSKC files of seeds: RFC 6030's own figures, and what must not get past the reader."""

import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pskc_files import RFC_KEY, RFC_PASSWORD, RFC_SECRET, as_totp, container, figure, mistake, package
from watchword.domain.errors import SeedFileError
from watchword.domain.otp import Algorithm, OtpProfile
from watchword.domain.seeds import SeedRow
from watchword.seedfiles import read, read_key_file, read_password_file


class TestTheFiguresOfRfc6030:
    """The figures as printed, and as TOTP."""

    @pytest.mark.parametrize("number", [2, 3, 6, 7, 8, 10])
    def test_counter_keys_are_refused_by_name(self, number: int) -> None:
        assert "HOTP" in str(mistake(figure(number), key=RFC_KEY, password=RFC_PASSWORD))

    def test_figure_2_is_too_short_a_secret(self) -> None:
        assert "4 octets" in str(mistake(as_totp(figure(2))))

    @pytest.mark.parametrize(
        ("number", "key", "password"), [(3, None, None), (6, RFC_KEY, None), (7, None, RFC_PASSWORD)]
    )
    def test_figures_3_6_and_7_hold_the_same_secret(self, number: int, key: bytes | None, password: str | None) -> None:
        [fob] = read(as_totp(figure(number)), key=key, password=password)

        assert (fob.serial, fob.secret) == ("987654321", RFC_SECRET)
        assert fob.profile == OtpProfile(digits=8, period_seconds=30, algorithm=Algorithm.SHA1)

    def test_figure_8_asks_for_another_way_than_a_certificate(self) -> None:
        assert "certificate" in str(mistake(as_totp(figure(8))))

    def test_figure_10_has_one_serial_twice(self) -> None:
        error = mistake(as_totp(figure(10)))

        assert str(error) == "package 4 (serial 9999999), line 85: the serial is that of package 3"


class TestPlainFiles:
    """What a maker sends in the clear."""

    def test_a_c200_file(self) -> None:
        assert read(container(package("1"), package("2"))) == [
            SeedRow(serial, RFC_SECRET, OtpProfile(6, 60, Algorithm.SHA1), issuer="HPC", model="c200")
            for serial in ("1", "2")
        ]

    def test_suite_drift_and_digits(self) -> None:
        data = (
            "<Time><PlainValue>0</PlainValue></Time><TimeInterval><PlainValue>30</PlainValue></TimeInterval>"
            "<TimeDrift><PlainValue>-4</PlainValue></TimeDrift>"
        )
        parameters = '<Suite>HMAC-SHA256</Suite><ResponseFormat Length="8" Encoding="DECIMAL"/>'

        [fob] = read(container(package(parameters=parameters, data=data)))

        assert (fob.profile, fob.drift_steps) == (OtpProfile(8, 30, Algorithm.SHA256), -4)

    def test_what_is_not_said_is_rfc_6238s(self) -> None:
        [fob] = read(container(package(parameters="", data="")))

        assert fob.profile == OtpProfile(6, 30, Algorithm.SHA1)

    def test_the_period_that_is_given_holds_where_the_file_has_none(self) -> None:
        assert [fob.profile.period_seconds for fob in read(container(package(data="")), period_seconds=60)] == [60]
        assert [fob.profile.period_seconds for fob in read(container(package()), period_seconds=30)] == [60]

    def test_the_key_id_stands_in_for_a_serial(self) -> None:
        content = re.sub(rb"<DeviceInfo>.*</DeviceInfo>", b"", container(package()))

        assert [fob.serial for fob in read(content)] == ["1"]

    def test_a_makers_own_elements_are_passed_over(self) -> None:
        extension = '<Extensions xmlns="urn:maker"><Secret>x<PlainValue/></Secret></Extensions>'

        assert len(read(container(extension, package(data=extension)))) == 1

    def test_utf16_is_read(self) -> None:
        text = container(package()).decode().replace('version="1.0"?', 'version="1.0" encoding="UTF-16"?', 1)

        assert len(read(text.encode("utf-16"))) == 1

    @pytest.mark.parametrize(
        ("bad", "words"),
        [
            (package("2", secret="<Secret><PlainValue>MTIzNDU2Nzg5MDEyMzQ1Njc4OT</PlainValue></Secret>"), "Base64"),
            (package("2", secret="<Secret/>"), "neither"),
            (package("2", secret="<Other/>"), "no Data/Secret"),
            (package("2", parameters='<ResponseFormat Length="10" Encoding="DECIMAL"/>'), "digits"),
            (package("2", parameters='<ResponseFormat Length="6" Encoding="HEXADECIMAL"/>'), "decimal"),
            (package("2", parameters='<ResponseFormat Length="6" Encoding="DECIMAL" CheckDigits="true"/>'), "check"),
            (package("2", parameters="<Suite>MD5</Suite>"), "algorithm"),
            (package("2", data="<TimeInterval><PlainValue>6e1</PlainValue></TimeInterval>"), "whole number"),
            (package("2", data="<TimeInterval><PlainValue>0</PlainValue></TimeInterval>"), "period"),
            (package("2", data="<TimeDrift><PlainValue>9999999</PlainValue></TimeDrift>"), "drift"),
            (package("2", algorithm="urn:maker"), "not for TOTP"),
            (package("1"), "that of package 1"),
            (package("spa ce"), "serial"),
            ("<KeyPackage/>", "no Key"),
        ],
    )
    def test_a_bad_package_is_named_and_nothing_is_imported(self, bad: str, words: str) -> None:
        error = mistake(container(package("1"), bad))

        assert re.match(r"package 2( \(serial \w+\))?, line \d+: ", str(error))
        assert words in str(error)

    def test_a_serial_that_comes_twice_is_seen_in_a_file_of_one_line(self) -> None:
        mistake(container(package(), package()).replace(b"\n", b" "))


class TestHostileXml:
    """No DTD, no entity, no flood."""

    @pytest.mark.parametrize(
        "doctype",
        [
            '<!DOCTYPE KeyContainer [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>',
            '<!DOCTYPE KeyContainer [<!ENTITY a SYSTEM "file:///etc/hostname">]>',
            '<!DOCTYPE KeyContainer SYSTEM "http://127.0.0.1:9/evil.dtd">',
            "<!DOCTYPE KeyContainer>",
        ],
    )
    def test_a_dtd_is_refused(self, doctype: str) -> None:
        content = container(package("&b;")).replace(b"?>", b"?>" + doctype.encode(), 1)

        assert "DTD" in str(mistake(content))

    @pytest.mark.parametrize(
        "content",
        [
            b"<a/>",
            b"<KeyContainer/>" * 2,
            b"<",
            b"<KeyContainer",
            b"\xff\xfe<\x00",
            b'<?xml version="1.0" encoding="rot13"?><KeyContainer/>',
            b'<?xml version="1.0" encoding="utf-7"?><KeyContainer/>',
            b"<KeyContainer>&nbsp;</KeyContainer>",
            b'<KeyContainer xmlns="urn:other"/>',
            b"<KeyContainer/>",
            b"",
        ],
    )
    def test_what_is_no_container_is_refused(self, content: bytes) -> None:
        mistake(content)

    def test_a_file_nested_too_deep_is_refused(self) -> None:
        assert "too deep" in str(mistake(container("<a>" * 50_000 + "</a>" * 50_000)))

    def test_a_package_of_too_many_elements_is_refused(self) -> None:
        assert "too many" in str(mistake(container(package(data="<Policy/>" * 20_000))))

    def test_a_file_that_is_too_large_is_refused_before_it_is_read(self) -> None:
        assert "larger" in str(mistake(b"<KeyContainer>" + b" " * (64 * 2**20)))

    def test_two_of_what_there_must_be_one_of_is_refused(self) -> None:
        secret = "<Secret><PlainValue>MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=</PlainValue></Secret>"

        assert "second <Secret>" in str(mistake(container(package(secret=secret * 2))))


class TestKeyAndPasswordFiles:
    """What opens a file comes from a file."""

    @pytest.mark.parametrize(
        "content", [RFC_KEY.hex().encode() + b"\n", b"12345678 90123456 78901234 56789012", RFC_KEY]
    )
    def test_a_key_is_read_from_hex_or_as_it_is(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "key").write_bytes(content)

        assert read_key_file(tmp_path / "key") == RFC_KEY

    def test_a_key_of_another_length_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "key").write_bytes(b"1234")

        with pytest.raises(SeedFileError, match="16, 24 or 32"):
            read_key_file(tmp_path / "key")

    @pytest.mark.parametrize("line_end", ["", "\n", "\r\n"])
    def test_a_password_ends_before_the_line_end(self, tmp_path: Path, line_end: str) -> None:
        (tmp_path / "password").write_text(f" pass word {line_end}", newline="")

        assert read_password_file(tmp_path / "password") == " pass word "


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_garbage_is_a_list_or_one_error(content: bytes) -> None:
    with suppress(SeedFileError):
        assert read(content, "pskc")


@settings(deadline=None, max_examples=300)
@given(st.sampled_from([3, 6, 7, 10]), st.integers(0, 4000), st.integers(0, 40), st.binary(max_size=12))
def test_a_damaged_figure_is_a_list_or_one_error(number: int, start: int, length: int, graft: bytes) -> None:
    content = as_totp(figure(number))
    damaged = content[:start] + graft + content[start + length :]
    try:
        fobs = read(damaged, "pskc", key=RFC_KEY, password=RFC_PASSWORD)
    except SeedFileError:
        return
    if number in (6, 7):
        # Whatever was damaged, a value that passed its MAC is the value that was sealed.
        assert [fob.secret for fob in fobs] == [RFC_SECRET]
