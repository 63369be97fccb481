"""Local numbers of which their address says where they are valid.

Source: RFC 3966 section 5.1.5 (phone-context), RFC 3261 section 19.1.6 (in the user part of a SIP URI).
"""

import re

_SEPARATORS = re.compile(r"[-.() ]")
_CONTEXT = re.compile(r";phone-context=([^;?@:>]+)", re.IGNORECASE)
_PREFIX = re.compile(r"\+[0-9]{1,12}")
_COUNTRY_MAX = 3  # digits of its code
_LOCAL_MIN, _NATIONAL_MIN, _LONGEST = 4, 7, 15
_NORTH_AMERICA, _NORTH_AMERICAN_DIGITS = "+1", 11


def find_context(params: str) -> str:
    """Where parameters say that a number is valid; "" where they do not."""
    found = _CONTEXT.search(params)
    return found[1] if found else ""


def put_in_context(number: str, context: str) -> str:
    """A local number with what its context, such as "+43664", puts before it.

    It stays as it is where both together need not be a number: 911 in "+1", with a trunk prefix, or without any number
    of its kind being so long.
    """
    prefix = _SEPARATORS.sub("", context)
    local = _SEPARATORS.sub("", number)
    if not _PREFIX.fullmatch(prefix) or not (local.isascii() and local.isdecimal()) or local.startswith("0"):
        return number
    digits = len(prefix) - 1
    if len(local) < (_LOCAL_MIN if digits > _COUNTRY_MAX else _NATIONAL_MIN) or local.startswith(prefix[1:]):
        return number
    whole = digits + len(local)
    is_number = whole == _NORTH_AMERICAN_DIGITS if prefix.startswith(_NORTH_AMERICA) else whole <= _LONGEST
    return f"{prefix}{local}" if is_number else number
