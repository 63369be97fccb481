"""Secrets at rest: each is sealed under a key of its own, and that key under the hub's master key.

A sealed secret is text: `1.<master key's name>.<sealed data key>.<sealed secret>`, each part a random 96-bit nonce
followed by AES-256-GCM's output, in URL-safe base64. The context (what the secret belongs to) is authenticated with
both, so that a sealed secret moved to another place does not open.

Source: NIST SP 800-38D (GCM).
"""

import base64
import binascii
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.config import keyring
from hub.config.config import HubConfig
from hub.config.errors import SecretError

_FORM = "1"
_NONCE_BYTES = 12
_ENVIRONMENT = "RECORDING_HUB_SECRET_KEY"


class SecretBox:
    """Seals and opens secrets; safe to use from several threads.

    It follows its key file: another process may rotate the master key at any time, and what this one seals
    afterwards must open under the new one.
    """

    def __init__(self, keys: Mapping[str, bytes], current: str, file: Path | None = None) -> None:
        """`keys` are master keys under their names, `current` the one that seals; `file` holds them, if one does."""
        if current not in keys:
            raise SecretError(f"There is no master key {current}.")
        self._keys = dict(keys)
        self._current = current
        self._file = file
        self._seen = _mark(file)

    @classmethod
    def open(cls, config: HubConfig) -> Self:
        """The box of this hub; its key file is made if neither it nor RECORDING_HUB_SECRET_KEY is there.

        Raises: SecretError.
        """
        if config.secret_key is not None:
            keys = keyring.by_id(keyring.decode_keys(config.secret_key.get_secret_value(), _ENVIRONMENT))
            return cls(keys, next(iter(keys)))
        path = config.secrets_key_file
        try:
            if not path.exists():
                keyring.create_file(path)
            keys = keyring.by_id(keyring.read_file(path))
        except OSError as exc:
            raise SecretError(f"{path} cannot be used: {exc.strerror}.", hint="Let the hub's user read it.") from exc
        return cls(keys, next(iter(keys)), path)

    @property
    def current(self) -> str:
        """Name of the master key that seals."""
        return self._current

    @property
    def key_names(self) -> tuple[str, ...]:
        """Names of all master keys at hand."""
        return tuple(self._keys)

    def seal(self, plain: str, context: str) -> str:
        """`plain` as text that only this hub can open, and only with the same context."""
        self._follow()
        data_key = AESGCM.generate_key(256)
        wrapped = _encrypt(self._keys[self._current], data_key, _key_context(self._current, context))
        body = _encrypt(data_key, plain.encode(), _context(context))
        return f"{_FORM}.{self._current}.{wrapped}.{body}"

    def unseal(self, sealed: str, context: str) -> str:
        """What `seal` was given.

        Raises: SecretError where it was changed, belongs to another context or its master key is missing.
        """
        self._follow()
        name, wrapped, body = self._parts(sealed)
        data_key = self._data_key(name, wrapped, context)
        return _decrypt(data_key, body, _context(context)).decode()

    def reseal(self, sealed: str, context: str) -> str:
        """The same secret under the current master key; its own key and ciphertext stay.

        Raises: SecretError.
        """
        self._follow()
        name, wrapped, body = self._parts(sealed)
        _decrypt(data_key := self._data_key(name, wrapped, context), body, _context(context))
        if name == self._current:
            return sealed
        wrapped = _encrypt(self._keys[self._current], data_key, _key_context(self._current, context))
        return f"{_FORM}.{self._current}.{wrapped}.{body}"

    def is_current(self, sealed: str) -> bool:
        """Whether `sealed` needs no `reseal`.

        Raises: SecretError.
        """
        self._follow()
        return self._parts(sealed)[0] == self._current

    def rotate(self) -> Self:
        """A box with a fresh current master key beside the old ones, which is in the key file by then.

        Raises: SecretError where the keys come from the environment.
        """
        if self._file is None:
            raise SecretError(
                f"The master key comes from {_ENVIRONMENT}, so the hub cannot change it.",
                hint="Put a new key before the old one, with a space between, restart, and run this command again.",
            )
        key = keyring.new_key()
        keys = {keyring.key_id(key): key} | self._keys
        keyring.replace_file(self._file, keys, keyring.key_id(key))
        return type(self)(keys, keyring.key_id(key), self._file)

    def forget_old(self) -> Self:
        """A box with the current master key alone; call it once every secret is resealed."""
        keys = {self._current: self._keys[self._current]}
        if self._file is not None:
            keyring.replace_file(self._file, keys, self._current)
        return type(self)(keys, self._current, self._file)

    def _follow(self) -> None:
        """Take up the key file if it was replaced; one that cannot be read now leaves the keys at hand."""
        mark = _mark(self._file)
        if self._file is None or mark is None or mark == self._seen:
            return
        try:
            keys = keyring.by_id(keyring.read_file(self._file))
        except (OSError, SecretError):
            return
        self._keys, self._current, self._seen = keys, next(iter(keys)), mark

    def _data_key(self, name: str, wrapped: str, context: str) -> bytes:
        if name not in self._keys:
            raise SecretError(
                f"This secret was sealed with master key {name}, which is not at hand.",
                hint="Put that key back (from the backup of secrets.key), or enter the secret anew.",
            )
        return _decrypt(self._keys[name], wrapped, _key_context(name, context))

    @staticmethod
    def _parts(sealed: str) -> tuple[str, str, str]:
        form, *parts = sealed.split(".")
        if form != _FORM or len(parts) != 3:
            raise SecretError("This is no sealed secret.", hint="Enter the secret anew.")
        return parts[0], parts[1], parts[2]


def _context(context: str) -> bytes:
    return b"recording-hub secret\0" + context.encode()


def _key_context(name: str, context: str) -> bytes:
    return b"recording-hub data key\0" + name.encode() + b"\0" + context.encode()


def _encrypt(key: bytes, plain: bytes, context: bytes) -> str:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return base64.urlsafe_b64encode(nonce + AESGCM(key).encrypt(nonce, plain, context)).decode("ascii")


def _decrypt(key: bytes, sealed: str, context: bytes) -> bytes:
    try:
        raw = _decode(sealed)
        return AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], context)
    except (InvalidTag, binascii.Error, ValueError):
        raise SecretError(
            "A sealed secret was changed, or belongs somewhere else.", hint="Enter the secret anew."
        ) from None


def _decode(sealed: str) -> bytes:
    """Bytes of URL-safe base64; the last letter of a text may have bits that belong to no byte, which must be 0."""
    raw = base64.b64decode(sealed.encode("ascii"), altchars=b"-_", validate=True)
    if base64.urlsafe_b64encode(raw) != sealed.encode("ascii"):
        raise ValueError("not canonical")
    return raw


def _mark(file: Path | None) -> tuple[int, int] | None:
    """What changes when the file is replaced."""
    try:
        found = file.stat() if file is not None else None
    except OSError:
        return None
    return (found.st_ino, found.st_mtime_ns) if found is not None else None
