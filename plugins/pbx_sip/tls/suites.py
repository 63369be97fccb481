"""Cipher suites that are read here, and the keys that come out of secrets.

Source: RFC 5246 sections 5 and 6.3 (TLS 1.2), RFC 8446 section 7 (TLS 1.3), RFC 5288 (GCM), RFC 7905 (ChaCha20).
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

IV_BYTES = 12
_SALT_BYTES = 4


class Aead(Protocol):
    """A cipher that tells whether what it decrypts is authentic."""

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """The plain bytes. Raises: InvalidTag."""
        ...


@dataclass(frozen=True, slots=True)
class Suite:
    """make: a cipher of a key. key_bytes: of that key. digest: the name of its hash. has_salt: GCM of TLS 1.2."""

    make: Callable[[bytes], Aead]
    key_bytes: int
    digest: str
    has_salt: bool = False

    @property
    def iv_bytes(self) -> int:
        """How much of each nonce comes from the keys."""
        return _SALT_BYTES if self.has_salt else IV_BYTES


_AES_128, _AES_256 = Suite(AESGCM, 16, "sha256"), Suite(AESGCM, 32, "sha384")
_AES_128_SALTED, _AES_256_SALTED = Suite(AESGCM, 16, "sha256", True), Suite(AESGCM, 32, "sha384", True)
_CHACHA = Suite(ChaCha20Poly1305, 32, "sha256")
SUITES = {
    0x1301: _AES_128,
    0x1302: _AES_256,
    0x1303: _CHACHA,
    **dict.fromkeys((0x009C, 0x009E, 0xC02B, 0xC02F, 0xC02D, 0xC031), _AES_128_SALTED),
    **dict.fromkeys((0x009D, 0x009F, 0xC02C, 0xC030, 0xC02E, 0xC032), _AES_256_SALTED),
    **dict.fromkeys((0xCCA8, 0xCCA9, 0xCCAA), _CHACHA),
}


@dataclass(frozen=True, slots=True)
class Keys:
    """Of one direction. secret: of TLS 1.3, from which the next ones come; b"" in TLS 1.2."""

    cipher: Aead = field(repr=False)
    iv: bytes = field(repr=False)
    secret: bytes = field(default=b"", repr=False)


def make_keys12(suite: Suite, master: bytes, client_random: bytes, server_random: bytes) -> tuple[Keys, Keys]:
    """Of client and server."""
    seed = b"key expansion" + server_random + client_random
    wanted = 2 * (suite.key_bytes + suite.iv_bytes)
    block, link = b"", seed
    while len(block) < wanted:
        link = hmac.digest(master, link, suite.digest)
        block += hmac.digest(master, link + seed, suite.digest)
    keys, ivs = block[: 2 * suite.key_bytes], block[2 * suite.key_bytes : wanted]
    client = Keys(suite.make(keys[: suite.key_bytes]), ivs[: suite.iv_bytes])
    return client, Keys(suite.make(keys[suite.key_bytes :]), ivs[suite.iv_bytes :])


def make_keys13(suite: Suite, secret: bytes) -> Keys:
    """Of the side whose traffic secret this is."""
    key = _expand(suite, secret, b"key", suite.key_bytes)
    return Keys(suite.make(key), _expand(suite, secret, b"iv", IV_BYTES), secret)


def next_keys(suite: Suite, keys: Keys) -> Keys:
    """The keys after an update."""
    return make_keys13(suite, _expand(suite, keys.secret, b"traffic upd", len(keys.secret)))


def _expand(suite: Suite, secret: bytes, label: bytes, length: int) -> bytes:
    name = b"tls13 " + label
    info = length.to_bytes(2, "big") + bytes([len(name)]) + name + b"\0"
    algorithm = SHA384() if suite.digest == "sha384" else SHA256()
    return HKDFExpand(algorithm, length, info).derive(secret)
