"""Keys of SRTP that stand in a session description.

Source: RFC 4568 (a=crypto), RFC 6188 (AES-256), RFC 7714 section 14 (AES-GCM).
"""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass, field

from plugins.pbx_sip.sdp.errors import BadDescription

KEYS_MAX = 8
TAG_MAX = 999_999_999
MKI_BYTES_MAX = 128
MATERIAL_BYTES_MAX = 46
_PLAIN_RTCP, _ONE_DERIVATION = "UNENCRYPTED_SRTCP", "KDR=0"


@dataclass(frozen=True, slots=True)
class Suite:
    """A crypto suite: sizes of master key, master salt and authentication tag in bytes."""

    name: str
    key_bytes: int
    salt_bytes: int
    tag_bytes: int

    @property
    def material_bytes(self) -> int:
        """Master key and salt together, as they stand in the description."""
        return self.key_bytes + self.salt_bytes


# The strongest first; AES_CM_256 is what AES_256_CM was called in drafts, and what many telephones call it still.
SUITES = (
    Suite("AEAD_AES_256_GCM", 32, 12, 16),
    Suite("AES_256_CM_HMAC_SHA1_80", 32, 14, 10),
    Suite("AES_CM_256_HMAC_SHA1_80", 32, 14, 10),
    Suite("AEAD_AES_128_GCM", 16, 12, 16),
    Suite("AES_CM_128_HMAC_SHA1_80", 16, 14, 10),
    Suite("AES_256_CM_HMAC_SHA1_32", 32, 14, 4),
    Suite("AES_CM_256_HMAC_SHA1_32", 32, 14, 4),
    Suite("AES_CM_128_HMAC_SHA1_32", 16, 14, 4),
)
_BY_NAME = {suite.name: suite for suite in SUITES}


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterKey:
    """A master key with its salt.

    material: key, then salt. lifetime_packets: None if not said. mki: the identifier as a number, None without one.
    mki_bytes: how long the identifier is in each packet.
    """

    material: bytes = field(repr=False)
    lifetime_packets: int | None = None
    mki: int | None = None
    mki_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Crypto:
    """One a=crypto line: a tag that an answer refers to, a suite, keys, and session parameters as written."""

    tag: int
    suite: Suite
    keys: tuple[MasterKey, ...]
    parameters: tuple[str, ...] = ()

    @property
    def is_usable(self) -> bool:
        """Whether nothing about it is beyond this recorder.

        Hints, optional parameters and how RTCP is sent hinder nothing. Source: RFC 4568 section 6.3.
        """
        return all(text.startswith(("WSH=", "-")) or text in {_PLAIN_RTCP, _ONE_DERIVATION} for text in self.parameters)

    @property
    def shared(self) -> tuple[str, ...]:
        """The parameters that hold for both ways, which an answer says again. Source: RFC 4568 section 6.3.2."""
        return tuple(text for text in self.parameters if text == _PLAIN_RTCP)


def parse_crypto(value: str) -> Crypto | None:
    """The keys of an a=crypto value; None for a suite that is not known.

    Raises: BadDescription.
    """
    words = value.split()
    if len(words) < 3 or not _is_number(words[0]):
        raise BadDescription("a=crypto has no tag, suite and key")
    suite = _BY_NAME.get(words[1].upper())
    if suite is None:
        return None
    # Semicolons part the keys; some vendors put a space after one.
    inlines = [text for word in words[2:] for text in word.split(";") if text.lower().startswith("inline:")]
    if not 0 < len(inlines) <= KEYS_MAX:
        raise BadDescription(f"a=crypto has {len(inlines)} keys")
    keys = tuple(_parse_key(text[len("inline:") :], suite) for text in inlines)
    parameters = tuple(word for word in words[3:] if not word.lower().startswith("inline:"))
    return Crypto(tag=int(words[0]), suite=suite, keys=keys, parameters=parameters)


def _parse_key(text: str, suite: Suite) -> MasterKey:
    encoded, *rest = text.split("|")
    try:
        material = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise BadDescription("a key of a=crypto is no base64") from None
    if len(material) != suite.material_bytes:
        raise BadDescription(f"a key of {len(material)} bytes does not fit {suite.name}")
    lifetime, mki, mki_bytes = None, None, 0
    for piece in rest:
        if ":" in piece:
            mki, mki_bytes = _parse_mki(piece)
        else:
            lifetime = _parse_lifetime(piece)
    return MasterKey(material=material, lifetime_packets=lifetime, mki=mki, mki_bytes=mki_bytes)


def _parse_mki(text: str) -> tuple[int, int]:
    number, _, length = text.partition(":")
    if not (_is_number(number, 310) and _is_number(length) and 0 < int(length) <= MKI_BYTES_MAX):
        raise BadDescription(f"{text!r} is no master key identifier")
    if int(number) >= 256 ** int(length):
        raise BadDescription(f"the master key identifier {text!r} is longer than it says")
    return int(number), int(length)


def _parse_lifetime(text: str) -> int | None:
    if not text:
        return None
    if text.startswith("2^") and _is_number(text[2:]) and int(text[2:]) <= 48:
        return int(2 ** int(text[2:]))
    if _is_number(text, 15) and 0 < int(text) <= 2**48:
        return int(text)
    raise BadDescription(f"{text!r} is no lifetime of a key")


def _is_number(text: str, digits: int = 9) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= digits


def format_crypto(crypto: Crypto) -> str:
    """The value of an a=crypto line."""
    keys = ";".join(f"inline:{_format_key(key)}" for key in crypto.keys)
    return " ".join((str(crypto.tag), crypto.suite.name, keys, *crypto.parameters))


def _format_key(key: MasterKey) -> str:
    text = base64.b64encode(key.material).decode()
    if key.lifetime_packets is not None:
        exponent = key.lifetime_packets.bit_length() - 1
        text += f"|2^{exponent}" if key.lifetime_packets == 1 << exponent else f"|{key.lifetime_packets}"
    return f"{text}|{key.mki}:{key.mki_bytes}" if key.mki is not None else text


def choose_crypto(offered: Iterable[Crypto]) -> Crypto | None:
    """The usable offer with the strongest suite, the first of several; None without one."""
    usable = [crypto for crypto in offered if crypto.is_usable]
    return min(usable, key=lambda crypto: SUITES.index(crypto.suite), default=None)


def make_crypto(tag: int, suite: Suite, material: bytes, parameters: tuple[str, ...] = ()) -> Crypto:
    """Our own key for a suite: as much of `material`, random bytes used for nothing else, as the suite needs.

    Raises: BadDescription (fewer bytes than the suite needs).
    """
    if len(material) < suite.material_bytes:
        raise BadDescription(f"{suite.name} needs {suite.material_bytes} bytes of key and salt, not {len(material)}")
    key = MasterKey(material=material[: suite.material_bytes])
    return Crypto(tag=tag, suite=suite, keys=(key,), parameters=parameters)
