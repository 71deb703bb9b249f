"""Secrets at rest: AES-256-GCM, with the place a secret belongs to as associated data.

A sealed secret is: version (1 octet, 0x01), key id (4), nonce (12), ciphertext and tag. The associated data is the
name of that place (`tokens.sealed_secret/SOFT-7F3A19C2`), so no row's secret can pass for another's.
"""

import os
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from watchword.domain.errors import SealError
from watchword.store.keyring import KEY_ID_OCTETS, Key

_VERSION = b"\x01"
_NONCE_OCTETS = 12
_HEADER_OCTETS = 1 + KEY_ID_OCTETS + _NONCE_OCTETS


class Keys(Protocol):
    """The keys that sealing needs."""

    @property
    def primary(self) -> Key:
        """The key that seals now."""

    def derived(self, key_id: str, purpose: str) -> bytes:
        """Answer the octets of a key for a purpose; raises KeyringError."""


class Sealer:
    """Seals and unseals with the keyring's keys. Knows no rows: the caller names the place."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._ciphers: dict[bytes, AESGCM] = {}

    def seal(self, secret: bytes, place: str) -> bytes:
        """Seal a secret for one place with the primary key."""
        key_id = bytes.fromhex(self._keys.primary.key_id)
        nonce = os.urandom(_NONCE_OCTETS)
        return _VERSION + key_id + nonce + self._cipher(key_id).encrypt(nonce, secret, place.encode("utf-8"))

    def unseal(self, sealed: bytes, place: str) -> bytes:
        """Open what was sealed for this place.

        Raises SealError if it was altered, cut, or sealed for another place, KeyringError if its key is missing.
        """
        if len(sealed) < _HEADER_OCTETS or sealed[:1] != _VERSION:
            raise SealError("this is not a sealed secret")
        key_id, nonce = sealed[1 : 1 + KEY_ID_OCTETS], sealed[1 + KEY_ID_OCTETS : _HEADER_OCTETS]
        try:
            return self._cipher(key_id).decrypt(nonce, sealed[_HEADER_OCTETS:], place.encode("utf-8"))
        except InvalidTag:
            raise SealError("a sealed secret was altered, or belongs to another place") from None

    def is_current(self, sealed: bytes) -> bool:
        """Tell whether the primary key sealed this."""
        return sealed[1 : 1 + KEY_ID_OCTETS] == bytes.fromhex(self._keys.primary.key_id)

    def _cipher(self, key_id: bytes) -> AESGCM:
        if key_id not in self._ciphers:
            self._ciphers[key_id] = AESGCM(self._keys.derived(key_id.hex(), "seal"))
        return self._ciphers[key_id]
