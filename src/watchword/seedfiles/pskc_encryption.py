"""Encrypted values of a PSKC file (RFC 6030, section 6): AES-CBC under a preshared key or a password, with a MAC.

A value's MAC is checked before anything of it is decrypted; a value without one is refused, since CBC alone does not
show that somebody changed it (section 6.1).
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from watchword.domain.errors import SeedFileError
from watchword.seedfiles.pskc_xml import Element

MOST_ITERATIONS = 5_000_000
"""Four times the most that is advised today (OWASP: 1,300,000 for PBKDF2 with SHA-1): seconds of work, not hours."""

LONGEST_SALT_OCTETS = 1024
BLOCK_OCTETS = 16

_XMLENC = "http://www.w3.org/2001/04/xmlenc#"
_XMLDSIG = "http://www.w3.org/2000/09/xmldsig#"
_XMLDSIG_MORE = "http://www.w3.org/2001/04/xmldsig-more#"

_KEY_OCTETS = {_XMLENC + "aes128-cbc": 16, _XMLENC + "aes192-cbc": 24, _XMLENC + "aes256-cbc": 32}
_MAC_HASHES = {
    _XMLDSIG + "hmac-sha1": "sha1",
    _XMLDSIG_MORE + "hmac-sha256": "sha256",
    _XMLDSIG_MORE + "hmac-sha384": "sha384",
    _XMLDSIG_MORE + "hmac-sha512": "sha512",
}
_KEY_DERIVATIONS = {
    "http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#pbkdf2",
    "http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5#pbkdf2",
    "http://www.w3.org/2009/xmlenc11#pbkdf2",
}
Value = TypeVar("Value")

_WRONG_KEY = "the key or password is wrong, or the file was altered"


@dataclass(slots=True)
class Encryption:
    """What opens the encrypted values of one container; derives its keys when the first value needs one."""

    container: Element
    key: bytes | None = field(repr=False)
    password: str | None = field(repr=False)
    _derived: dict[int, bytes] = field(default_factory=dict, repr=False)
    _mac_key: bytes | None = field(default=None, repr=False)

    def open(self, encrypted: Element, mac: Element | None) -> bytes:
        """Check a value's MAC, then decrypt it.

        Raises SeedFileError.
        """
        key = self._key_for(encrypted)
        if mac is None:
            raise _mistake(encrypted, "an encrypted value without a ValueMAC")
        sealed = _cipher_value(encrypted)
        expected = hmac.digest(self._mac_key_for(key), sealed, self._mac_hash())
        if not hmac.compare_digest(expected, decode_base64(mac)):
            raise _mistake(mac, _WRONG_KEY)
        return _decrypt(encrypted, key, sealed)

    def _mac_hash(self) -> str:
        return _known(
            _MAC_HASHES,
            self.container.require("MACMethod"),
            "the MAC must be HMAC with SHA-1, SHA-256, SHA-384 or SHA-512",
        )

    def _mac_key_for(self, value_key: bytes) -> bytes:
        if self._mac_key is None:
            sealed = self.container.require("MACMethod").find("MACKey")
            # Section 6.1.1: without a MACKey, the encryption key is the MAC key as well.
            self._mac_key = (
                value_key if sealed is None else _decrypt(sealed, self._key_for(sealed), _cipher_value(sealed))
            )
        return self._mac_key

    def _key_for(self, encrypted: Element) -> bytes:
        """Return the key for a value's cipher, of that cipher's length."""
        if self.container.find("EncryptionKey", "X509Data") is not None:
            raise _mistake(encrypted, "encrypted for a certificate; ask the maker for a preshared key or a password")
        wanted = _known(
            _KEY_OCTETS,
            encrypted.require("EncryptionMethod"),
            "the cipher must be AES-128, AES-192 or AES-256 in CBC mode",
        )
        derivation = self.container.find("EncryptionKey", "DerivedKey", "KeyDerivationMethod")
        if derivation is not None:
            return self._derive(derivation, wanted)
        if self.key is None:
            raise SeedFileError("the file is encrypted with a preshared key", hint="give it with --key-file")
        if len(self.key) != wanted:
            raise SeedFileError(f"the key has {len(self.key)} octets, but the file's cipher takes {wanted}")
        return self.key

    def _derive(self, derivation: Element, wanted: int) -> bytes:
        if self.password is None:
            raise SeedFileError("the file is encrypted with a password", hint="give it with --password-file")
        if wanted not in self._derived:
            self._derived[wanted] = _pbkdf2(derivation, self.password.encode("utf-8"), wanted)
        return self._derived[wanted]


def decode_base64(element: Element) -> bytes:
    """Decode an element's text; raises SeedFileError."""
    try:
        return base64.b64decode("".join(element.text.split()), validate=True)
    except ValueError:
        raise _mistake(element, "not Base64, or cut short") from None


def read_integer(element: Element) -> int:
    """Read an element's text as a whole number; raises SeedFileError."""
    text = element.text.strip()
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
        raise _mistake(element, f"<{element.name}> is not a whole number")
    return int(text)


def _pbkdf2(derivation: Element, password: bytes, wanted: int) -> bytes:
    """Derive a key as PKCS #5 (RFC 8018, section 5.2) says."""
    if derivation.attributes.get("Algorithm") not in _KEY_DERIVATIONS:
        raise _mistake(derivation, "the key must be derived by PBKDF2")
    parameters = derivation.require("PBKDF2-params")
    salt, iterations = parameters.require("Salt", "Specified"), parameters.require("IterationCount")
    count, salt_octets = read_integer(iterations), decode_base64(salt)
    if not 1 <= count <= MOST_ITERATIONS:
        raise _mistake(iterations, f"the iteration count is not 1 to {MOST_ITERATIONS}")
    if not 1 <= len(salt_octets) <= LONGEST_SALT_OCTETS:
        raise _mistake(salt, f"the salt has not 1 to {LONGEST_SALT_OCTETS} octets")
    length = parameters.find("KeyLength")
    if length is not None and read_integer(length) != wanted:
        raise _mistake(length, f"the cipher takes a key of {wanted} octets")
    return hashlib.pbkdf2_hmac(_pseudo_random_function(parameters), password, salt_octets, count, wanted)


def _pseudo_random_function(parameters: Element) -> str:
    function = parameters.find("PRF")
    # RFC 8018, A.2: HMAC-SHA-1 unless said otherwise; figure 7 has an empty <PRF/>.
    if function is None or "Algorithm" not in function.attributes:
        return "sha1"
    return _known(_MAC_HASHES, function, "the PRF must be HMAC with SHA-1, SHA-256, SHA-384 or SHA-512")


def _cipher_value(encrypted: Element) -> bytes:
    return decode_base64(encrypted.require("CipherData", "CipherValue"))


def _decrypt(encrypted: Element, key: bytes, sealed: bytes) -> bytes:
    """Decrypt IV and ciphertext; the padding is that of XML Encryption, section 5.2: its last octet is its length."""
    if len(sealed) < 2 * BLOCK_OCTETS or len(sealed) % BLOCK_OCTETS:
        raise _mistake(encrypted, "the encrypted value is not an IV and whole blocks")
    decryptor = Cipher(AES(key), CBC(sealed[:BLOCK_OCTETS])).decryptor()
    padded = decryptor.update(sealed[BLOCK_OCTETS:]) + decryptor.finalize()
    if not 1 <= padded[-1] <= BLOCK_OCTETS:
        raise _mistake(encrypted, _WRONG_KEY)
    return padded[: -padded[-1]]


def _known(choices: Mapping[str, Value], element: Element, otherwise: str) -> Value:
    try:
        return choices[element.attributes["Algorithm"]]
    except KeyError:
        raise _mistake(element, otherwise) from None


def _mistake(element: Element, what: str) -> SeedFileError:
    return SeedFileError(f"line {element.line}: {what}")
