"""Passwords at rest: argon2id, two at a time, made anew when the parameters have grown."""

import base64
import secrets
import unicodedata
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hub.access.errors import SignInRefused

# Source: OWASP Password Storage Cheat Sheet asks for 19 MiB, 2 passes, 1 lane at least
MEMORY_KIB = 65_536
PASSES = 2
LANES = 1

_AT_ONCE = 2
_WAITING = 6
_WAIT_S = 20.0
_SALT_BYTES = 16
_HASH_BYTES = 32


class Passwords:
    """Hashes and checks; callers beyond a short queue are asked to come back, so that sign-in cannot starve the hub."""

    def __init__(self, memory_kib: int = MEMORY_KIB, passes: int = PASSES, lanes: int = LANES) -> None:
        self._hasher = PasswordHasher(
            time_cost=passes, memory_cost=memory_kib, parallelism=lanes, hash_len=_HASH_BYTES, salt_len=_SALT_BYTES
        )
        self._working = BoundedSemaphore(_AT_ONCE)
        self._queue = BoundedSemaphore(_AT_ONCE + _WAITING)
        self._nobody = self._hash_of_nobody(memory_kib, passes, lanes)

    @staticmethod
    def _hash_of_nobody(memory_kib: int, passes: int, lanes: int) -> str:
        """A hash that no password has, with the parameters of all others."""
        salt, digest = (
            base64.b64encode(secrets.token_bytes(length)).decode().rstrip("=") for length in (_SALT_BYTES, _HASH_BYTES)
        )
        return f"$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${digest}"

    def hash(self, password: str) -> str:
        """The text to store.

        Raises: SignInRefused if too many are waiting.
        """
        with _Turn(self._queue, self._working):
            return self._hasher.hash(normalise(password))

    def matches(self, stored: str | None, password: str) -> bool:
        """Whether `password` is the one; without a stored hash (nobody has this login) the same work is done.

        Raises: SignInRefused if too many are waiting.
        """
        with _Turn(self._queue, self._working):
            try:
                self._hasher.verify(stored or self._nobody, normalise(password))
            except (VerificationError, InvalidHashError):
                return False
        return stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)


class _Turn:
    """A place in the queue, then one of the two seats."""

    def __init__(self, queue: BoundedSemaphore, working: BoundedSemaphore) -> None:
        self._queue = queue
        self._working = working

    def __enter__(self) -> None:
        if not self._queue.acquire(blocking=False):
            raise _busy()
        if not self._working.acquire(timeout=_WAIT_S):
            self._queue.release()
            raise _busy()

    def __exit__(self, *_: object) -> None:
        self._working.release()
        self._queue.release()


def _busy() -> SignInRefused:
    return SignInRefused("Too many people are signing in right now. Try again in a few seconds.", retry_after_s=5)


def normalise(password: str) -> str:
    """The same password typed on another keyboard gives the same bytes (NIST SP 800-63B: NFKC)."""
    return unicodedata.normalize("NFKC", password)
