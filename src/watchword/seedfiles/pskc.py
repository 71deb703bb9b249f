"""Seeds as a Portable Symmetric Key Container (PSKC): RFC 6030.

The profile of TOTP keys is that of draft-hoyer-keyprov-pskc-algorithm-profiles; no other key is taken. An XML signature
is not checked: where a file comes from is for the person who imports it to know.
"""

from watchword.domain.errors import InvalidValue, SeedFileError
from watchword.domain.otp import Algorithm, OtpProfile
from watchword.domain.seeds import MOST_FOBS, SeedRow, parse_algorithm
from watchword.seedfiles.pskc_encryption import Encryption, decode_base64, read_integer
from watchword.seedfiles.pskc_xml import Element, read_packages

RFC6238_PERIOD_SECONDS = 30
"""RFC 6238, section 4.1: the default time step."""

RFC4226_DIGITS = 6
"""RFC 4226, section 4, R4: at least six."""

_TOTP = {"urn:ietf:params:xml:ns:keyprov:pskc:totp", "urn:ietf:params:xml:ns:keyprov:pskc#totp"}
"""As registered with IANA, and as the drafts before it had it; makers use both."""

_HOTP = {"urn:ietf:params:xml:ns:keyprov:pskc:hotp", "urn:ietf:params:xml:ns:keyprov:pskc#hotp"}


def read_pskc(
    content: bytes, *, key: bytes | None = None, password: str | None = None, period_seconds: int | None = None
) -> list[SeedRow]:
    """Read every key of a container, or none.

    Raises SeedFileError naming the package and the XML line.
    """
    period = RFC6238_PERIOD_SECONDS if period_seconds is None else period_seconds
    fobs: list[SeedRow] = []
    packages_of_serials: dict[str, int] = {}
    encryption: Encryption | None = None

    def take(container: Element, package: Element) -> None:
        nonlocal encryption
        if len(fobs) >= MOST_FOBS:
            raise SeedFileError(f"line {package.line}: more than {MOST_FOBS} packages", hint="split the file")
        encryption = encryption or Encryption(container, key, password)
        number = len(fobs) + 1
        fob = _fob(package, number, encryption, period)
        first = packages_of_serials.setdefault(fob.serial.casefold(), number)
        if first != number:
            raise SeedFileError(f"{_name(package, number)}, line {package.line}: the serial is that of package {first}")
        fobs.append(fob)

    read_packages(content, take)
    if not fobs:
        raise SeedFileError("the file has no KeyPackage")
    return fobs


def _fob(package: Element, number: int, encryption: Encryption, period_seconds: int) -> SeedRow:
    """Make sense of one package; its number and serial go into any error."""
    try:
        key = package.require("Key")
        _check_algorithm(key)
        return SeedRow(
            serial=_text(package, "DeviceInfo", "SerialNo") or key.attributes.get("Id", ""),
            secret=_secret(key, encryption),
            profile=_profile(key, period_seconds),
            drift_steps=_data_integer(key, "TimeDrift", 0),
            issuer=_text(key, "Issuer"),
            model=_text(package, "DeviceInfo", "Model"),
        )
    except SeedFileError as error:
        raise SeedFileError(f"{_name(package, number)}, {error}", hint=error.hint) from None
    except InvalidValue as error:
        raise SeedFileError(f"{_name(package, number)}, line {package.line}: {error}", hint=error.hint) from None


def _name(package: Element, number: int) -> str:
    """Name a package for a person: by number, and by a serial that is fit to print."""
    serials = [child.text.strip() for info in package.children for child in info.children if child.name == "SerialNo"]
    fit = [serial for serial in serials if serial.isascii() and serial.isalnum() and len(serial) <= 32]
    return f"package {number}" + (f" (serial {fit[0]})" if fit else "")


def _check_algorithm(key: Element) -> None:
    algorithm = key.attributes.get("Algorithm", "")
    if algorithm in _HOTP:
        raise SeedFileError(
            f"line {key.line}: a counter-based (HOTP) key", hint="Watchword takes time-based (TOTP) fobs only"
        )
    if algorithm not in _TOTP:
        raise SeedFileError(f"line {key.line}: the key is not for TOTP")


def _secret(key: Element, encryption: Encryption) -> bytes:
    secret = key.require("Data", "Secret")
    plain, encrypted = secret.find("PlainValue"), secret.find("EncryptedValue")
    if plain is not None and encrypted is None:
        return decode_base64(plain)
    if encrypted is not None and plain is None:
        return encryption.open(encrypted, secret.find("ValueMAC"))
    raise SeedFileError(f"line {secret.line}: the secret has neither, or both, of a plain and an encrypted value")


def _profile(key: Element, period_seconds: int) -> OtpProfile:
    suite = key.find("AlgorithmParameters", "Suite")
    return OtpProfile(
        digits=_digits(key.find("AlgorithmParameters", "ResponseFormat")),
        period_seconds=_data_integer(key, "TimeInterval", period_seconds),
        algorithm=Algorithm.SHA1 if suite is None else parse_algorithm(suite.text),
    )


def _digits(response: Element | None) -> int:
    if response is None:
        return RFC4226_DIGITS
    if response.attributes.get("Encoding", "DECIMAL") != "DECIMAL":
        raise SeedFileError(f"line {response.line}: the codes are not decimal digits")
    if response.attributes.get("CheckDigits", "false").strip() not in ("false", "0"):
        raise SeedFileError(f"line {response.line}: codes with a check digit are not known here")
    length = response.attributes.get("Length", str(RFC4226_DIGITS)).strip()
    if length not in ("6", "7", "8"):
        raise SeedFileError(f"line {response.line}: the number of digits is not 6, 7 or 8")
    return int(length)


def _data_integer(key: Element, name: str, default: int) -> int:
    """Read one of the numbers beside the secret.

    <Time> is not among them: RFC 6030 leaves its meaning to the algorithm, and TOTP counts from 1970.
    """
    element = key.find("Data", name)
    if element is None:
        return default
    # Nothing in them is secret, and no maker is known to encrypt them.
    return read_integer(element.require("PlainValue"))


def _text(element: Element, *path: str) -> str:
    found = element.find(*path)
    return "" if found is None else found.text.strip()
