"""PSKC files to read: RFC 6030's figures, and files composed for a test."""

import base64
import hmac
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from watchword.domain.errors import SeedFileError
from watchword.seedfiles import read

FIGURES = Path(__file__).parent / "vectors" / "rfc6030"
RFC_SECRET = b"12345678901234567890"
RFC_KEY = bytes.fromhex("12345678901234567890123456789012")
RFC_PASSWORD = "qwerty"
NAMESPACE = 'xmlns="urn:ietf:params:xml:ns:keyprov:pskc"'


def figure(number: int) -> bytes:
    return (FIGURES / f"figure{number}.xml").read_bytes()


def as_totp(content: bytes) -> bytes:
    """Turn a figure's HOTP keys into TOTP keys, which changes neither ciphertext nor MAC."""
    return content.replace(b"pskc:hotp", b"pskc:totp")


def mistake(content: bytes, key: bytes | None = None, password: str | None = None) -> SeedFileError:
    with pytest.raises(SeedFileError) as caught:
        read(content, "pskc", key=key, password=password)
    said = f"{caught.value!r} {caught.value.hint}"
    for secret in (RFC_SECRET.decode(), base64.b64encode(RFC_SECRET).decode(), RFC_KEY.hex(), RFC_PASSWORD):
        assert secret not in said
    return caught.value


def container(*packages: str) -> bytes:
    return (
        f'<?xml version="1.0"?>\n<KeyContainer Version="1.0" {NAMESPACE}>\n{"".join(packages)}</KeyContainer>'.encode()
    )


def package(
    serial: str = "2600124809778",
    *,
    secret: str = "",
    parameters: str = '<ResponseFormat Length="6" Encoding="DECIMAL"/>',
    data: str = "<TimeInterval><PlainValue>60</PlainValue></TimeInterval>",
    algorithm: str = "urn:ietf:params:xml:ns:keyprov:pskc:totp",
) -> str:
    secret = secret or f"<Secret><PlainValue>{base64.b64encode(RFC_SECRET).decode()}</PlainValue></Secret>"
    return f"""<KeyPackage>
 <DeviceInfo><Manufacturer>Feitian</Manufacturer><SerialNo>{serial}</SerialNo><Model>c200</Model></DeviceInfo>
 <Key Id="1" Algorithm="{algorithm}"><Issuer>HPC</Issuer>
  <AlgorithmParameters>{parameters}</AlgorithmParameters><Data>{secret}{data}</Data></Key>
</KeyPackage>
"""


def encrypt(key: bytes, plain: bytes) -> bytes:
    padding = 16 - len(plain) % 16
    encryptor = Cipher(AES(key), CBC(b"i" * 16)).encryptor()
    return b"i" * 16 + encryptor.update(plain + bytes([padding]) * padding) + encryptor.finalize()


def encrypted_value(key: bytes, plain: bytes) -> str:
    space = "http://www.w3.org/2001/04/xmlenc#"
    value = base64.b64encode(encrypt(key, plain)).decode()
    return f"""<EncryptionMethod xmlns="{space}" Algorithm="{space}aes{len(key) * 8}-cbc"/>
      <CipherData xmlns="{space}"><CipherValue>{value}</CipherValue></CipherData>"""


def encrypted_container(key: bytes, mac: str, *, mac_key: bytes | None, encryption_key: str = "") -> bytes:
    algorithm = {
        "sha1": "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        "sha256": "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
    }[mac]
    sealed_mac_key = f"<MACKey>{encrypted_value(key, mac_key)}</MACKey>" if mac_key else ""
    value_mac = base64.b64encode(hmac.digest(mac_key or key, encrypt(key, RFC_SECRET), mac)).decode()
    value = encrypted_value(key, RFC_SECRET)
    secret = f"<Secret><EncryptedValue>{value}</EncryptedValue><ValueMAC>{value_mac}</ValueMAC></Secret>"
    return container(
        f"<EncryptionKey>{encryption_key}</EncryptionKey>",
        f'<MACMethod Algorithm="{algorithm}">{sealed_mac_key}</MACMethod>',
        package(secret=secret),
    )
