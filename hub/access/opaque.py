"""Tokens that mean nothing by themselves: 256 random bits, of which the hub keeps only a hash."""

import hashlib
import secrets
import zlib

_BYTES = 32
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_LETTERS = 43  # 62 ** 43 > 2 ** 256
_CHECK_LETTERS = 6
API_PREFIX = "rh_"
API_TOKEN_LENGTH = len(API_PREFIX) + _SECRET_LETTERS + _CHECK_LETTERS


def new_token() -> str:
    """A token for a cookie or a link."""
    return secrets.token_urlsafe(_BYTES)


def digest(token: str) -> bytes:
    """What is stored of a token; a plain hash is enough, since nobody guesses 256 bits."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def new_api_token() -> str:
    """A token that scanners for leaked secrets recognise: `rh_`, 43 letters and digits, 6 that check them."""
    body = API_PREFIX + _in_letters(secrets.randbits(_BYTES * 8), _SECRET_LETTERS)
    return body + _check_letters(body)


def is_api_token(text: str) -> bool:
    """Whether `text` has the form of an API token; most garbage is known by this without asking the database."""
    if len(text) != API_TOKEN_LENGTH or not text.startswith(API_PREFIX) or not text.isascii():
        return False
    return _check_letters(text[:-_CHECK_LETTERS]) == text[-_CHECK_LETTERS:]


def _check_letters(body: str) -> str:
    return _in_letters(zlib.crc32(body.encode()), _CHECK_LETTERS)


def _in_letters(number: int, count: int) -> str:
    letters = []
    for _ in range(count):
        number, digit = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[digit])
    return "".join(reversed(letters))
