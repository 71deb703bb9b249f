"""Phone numbers: read as people write them, kept in E.164, shown masked.

An operator's number is held to the syntax of ITU-T E.164: whether it exists only the carrier knows, and it says so. A
person's own, typed into a page, is held to the national numbering plans of the package `phonenumbers`, which is loaded
when the first one is read: the RADIUS servers and the command line do without.
"""

import re
from collections.abc import Collection

from watchword.domain.errors import InvalidValue

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
"""ITU-T E.164, section 6: a country code and at most 15 digits in all. Seven is the shortest in use."""

_SEPARATORS = str.maketrans("", "", " \t\u00a0-./()\u2010\u2011\u2013")
_NORTH_AMERICA = "1"


def parse_phone(typed: str, *, default_country_code: str = "") -> str:
    """Return a phone number in E.164 (`+15125551234`), however it was spaced.

    A number without a `+` is a national one of `default_country_code` (such as "1"). Raises InvalidValue, which does
    not quote the number.
    """
    # "+49 (0)151…" holds a zero that is not dialled with the country code.
    if "(0)" in typed:
        raise _unusable("leave out the (0)")
    digits = typed.strip().translate(_SEPARATORS)
    number = digits if digits.startswith("+") else _complete(digits, default_country_code)
    if not _E164.fullmatch(number):
        raise _unusable()
    # Country code 1 always has ten digits more; one typed too few or too many is the commonest slip.
    if number.startswith("+" + _NORTH_AMERICA) and len(number) != 12:
        raise _unusable("a number in country 1 has ten digits after the +1")
    return number


def _complete(national: str, country_code: str) -> str:
    if not country_code:
        raise _unusable()
    if country_code == _NORTH_AMERICA and len(national) == 11 and national.startswith("1"):
        return "+" + national
    if national.startswith("0"):
        # Some countries drop this zero and some keep it (Italy): only the person knows.
        raise _unusable("begin with + and the country code")
    return f"+{country_code}{national}"


def _unusable(hint: str = "write it with + and the country code, such as +15125551234") -> InvalidValue:
    return InvalidValue("this phone number cannot be used", hint=hint)


def parse_mobile(typed: str, *, country: str, countries: Collection[str]) -> str:
    """Return in E.164 a number that can be texted, in one of `countries` (ISO 3166, such as `US`).

    A number without a `+` is a national one of `country`. Premium-rate numbers and the like are refused: whoever owns
    one is paid for each message. Raises InvalidValue, which does not quote the number.
    """
    import phonenumbers  # noqa: PLC0415 - see the head of this module

    if country not in countries or len(typed) > 40:
        raise _unusable("write it with its country code, or choose your country from the list")
    try:
        number = phonenumbers.parse(typed, country)
    except phonenumbers.NumberParseException:
        raise _unusable("type it as you would dial it") from None
    if number.extension or not phonenumbers.is_valid_number(number):
        raise _unusable("look whether a digit is missing or too many")
    if phonenumbers.region_code_for_number(number) not in countries:
        raise _unusable("only numbers of these countries can be texted: " + ", ".join(map(country_label, countries)))
    textable = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE)
    if phonenumbers.number_type(number) not in textable:
        raise _unusable("text messages go to mobile phones only")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def country_label(country: str) -> str:
    """Return how a country (ISO 3166) is shown and dialled, such as `DE +49`.

    By its letters: the package's names of countries come with 100 MB of other names.
    """
    import phonenumbers  # noqa: PLC0415 - see the head of this module

    return f"{country} +{phonenumbers.country_code_for_region(country)}"


def mask_phone(number: str) -> str:
    """Return what may be shown of a number: `XXX-XXX-1234`, the same length whatever the country."""
    return f"XXX-XXX-{number[-4:]}"
