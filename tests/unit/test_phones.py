"""Phone numbers: read as people write them, kept in E.164, shown masked."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.domain.errors import InvalidValue
from watchword.domain.phones import country_label, mask_phone, parse_mobile, parse_phone


@pytest.mark.parametrize(
    "typed",
    [
        "+15125551234",
        "+1 512 555 1234",
        " +1 (512) 555-1234 ",
        "+1.512.555.1234",
        "+1-512\N{NON-BREAKING HYPHEN}555 1234",
    ],
)
def test_spacing_does_not_matter(typed: str) -> None:
    assert parse_phone(typed) == "+15125551234"


@pytest.mark.parametrize("typed", ["512 555 1234", "(512) 555-1234", "1-512-555-1234", "+15125551234"])
def test_a_national_number_gets_the_default_country(typed: str) -> None:
    assert parse_phone(typed, default_country_code="1") == "+15125551234"


def test_other_countries() -> None:
    assert parse_phone("+49 1512 3456789") == "+4915123456789"
    assert parse_phone("1512 3456789", default_country_code="49") == "+4915123456789"


@pytest.mark.parametrize(
    ("typed", "country"),
    [
        ("", ""),
        ("5125551234", ""),
        ("+", ""),
        ("+0125551234", ""),
        ("+1512555123", ""),
        ("+151255512345", ""),
        ("555 1234", "1"),
        ("01512 3456789", "49"),
        ("+49 (0)1512 3456789", ""),
        ("+1234567890123456", ""),
        ("+1512555123a", ""),
        ("++15125551234", ""),
        ("+1512555123\N{ARABIC-INDIC DIGIT FOUR}", ""),
        ("+15125551234\n+15125551235", ""),
        ("+15125551234;ext=5", ""),
    ],
)
def test_what_is_no_number_is_refused_without_being_quoted(typed: str, country: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        parse_phone(typed, default_country_code=country)
    assert not typed or typed not in str(caught.value)


def test_a_mask_shows_the_last_four_digits() -> None:
    assert mask_phone("+15125551234") == "XXX-XXX-1234"
    assert mask_phone("+4915123456789") == "XXX-XXX-6789"


@given(st.text(), st.sampled_from(["", "1", "49"]))
def test_a_number_is_e164_or_refused(typed: str, country: str) -> None:
    try:
        number = parse_phone(typed, default_country_code=country)
    except InvalidValue:
        return
    assert re.fullmatch(r"\+[1-9][0-9]{6,14}", number)
    assert parse_phone(number) == number


@pytest.mark.parametrize(
    ("typed", "country", "number"),
    [
        ("512 555 1234", "US", "+15125551234"),
        ("+1 (512) 555-1234", "DE", "+15125551234"),
        ("01512 3456789", "DE", "+4915123456789"),
        ("+49 (0)1512 3456789", "DE", "+4915123456789"),
        ("0049 1512 3456789", "DE", "+4915123456789"),
    ],
)
def test_a_persons_own_number_is_read_as_their_country_dials_it(typed: str, country: str, number: str) -> None:
    assert parse_mobile(typed, country=country, countries=("US", "DE")) == number


@pytest.mark.parametrize(
    ("typed", "country"),
    [
        ("+1 900 555 1234", "US"),  # premium rate
        ("+1 800 555 1234", "US"),  # somebody else pays
        ("030 123456", "DE"),  # a landline
        ("+44 7700 900123", "US"),  # not one of these countries
        ("+1 416 555 1234", "US"),  # Canada, though it shares the +1
        ("911", "US"),
        ("512 555 123", "US"),
        ("512 555 1234 ext. 5", "US"),
        ("512 555 1234", "CA"),
        ("512 555 1234", ""),
        ("1" * 41, "US"),
        ("", "US"),
    ],
)
def test_a_number_that_should_not_be_texted_is_refused_without_being_quoted(typed: str, country: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        parse_mobile(typed, country=country, countries=("US", "DE"))
    assert not typed or typed not in str(caught.value) + caught.value.hint


def test_a_country_is_shown_as_it_is_dialled() -> None:
    assert [country_label(country) for country in ("US", "DE")] == ["US +1", "DE +49"]


@given(st.text(), st.sampled_from(["US", "DE", "FR", ""]))
def test_a_persons_own_number_is_e164_or_refused(typed: str, country: str) -> None:
    try:
        number = parse_mobile(typed, country=country, countries=("US", "DE"))
    except InvalidValue:
        return
    assert re.fullmatch(r"\+(1|49)[0-9]{6,13}", number)
