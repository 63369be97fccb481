"""Addresses of record and name-addr headers as they stand in metadata: who, under which number and name.

Source: RFC 3261 section 19.1 (SIP URI) and 20.10 (name-addr), RFC 3966 (tel URI).
"""

from urllib.parse import unquote

from plugins.pbx_sip.sip.phone_context import find_context, put_in_context

ADDRESS_CHARS_MAX = 1024
SCHEMES = ("sip:", "sips:", "tel:")
NUMBER_CHARS = frozenset("+*#0123456789")
SEPARATORS = str.maketrans("", "", "-.() ")
SHARED_DIGITS_MIN = 7
# The Avaya session border controller names the far end so until it knows it.
PLACEHOLDERS = frozenset({"sip:asbce@asbce.com"})
# Who does not want to be known. Source: RFC 3323 section 4.1.1.3, and what gateways write.
ANONYMOUS = frozenset({"anonymous", "restricted", "unavailable", "unknown", "private"})


def parse_number(address: str) -> str:
    """The number or user name in an address of record, "" if it is a host alone or has none.

    A local number is one of all the world where its address says so.
    """
    bare = split_name(address)[1]
    scheme = next((scheme for scheme in SCHEMES if bare.lower().startswith(scheme)), "")
    rest = bare[len(scheme) :]
    user, at, _ = rest.rpartition("@")
    if not at:
        user = rest.partition(";")[0].partition("?")[0]
        if not is_number(user) and ("." in user or ":" in user):
            return ""
    user = "".join(filter(str.isprintable, unquote(user.partition(";")[0].partition(":")[0]))).strip()
    return put_in_context(user.translate(SEPARATORS), find_context(unquote(rest))) if is_number(user) else user


def is_number(text: str) -> bool:
    """Whether a text is dialled; 192.0.2.1 is not."""
    digits = text.translate(SEPARATORS)
    return bool(digits) and NUMBER_CHARS.issuperset(digits) and text.count(".") != 3


def parse_name(text: str) -> str:
    """A display name without the parameters that some clients append to it."""
    name, semicolon, rest = text.partition(";")
    bare = (name if semicolon and "=" in rest else text).strip()
    is_quoted = len(bare) > 1 and bare[0] == bare[-1] == '"'
    return " ".join((bare[1:-1] if is_quoted else bare).split())


def split_name(header: str) -> tuple[str, str]:
    """The display name and the URI, with its parameters, of a From or To header or of a bare URI."""
    text = header[:ADDRESS_CHARS_MAX].strip()
    quoted = _quoted_length(text)
    before, bracket, after = text[quoted:].partition("<")
    if not bracket:
        return "", text
    name = text[1 : quoted - 1].replace('\\"', '"') if quoted else before
    return " ".join(name.split()), after.partition(">")[0].strip()


def _quoted_length(text: str) -> int:
    """How long the quoted string is that a text begins with, 0 if it begins with none."""
    end = text.find('"', 1) if text.startswith('"') else -1
    while end > 0 and text[end - 1] == "\\":
        end = text.find('"', end + 1)
    return end + 1


def is_placeholder(address: str) -> bool:
    """Whether an address stands for a party that the client does not know yet."""
    return address.strip().lower() in PLACEHOLDERS


def is_same_number(first: str, second: str) -> bool:
    """Whether two numbers mean the same subscriber, one of them perhaps without country or trunk prefix."""
    if not first or not second:
        return False
    if first.lower() == second.lower():
        return True
    one, two = sorted((_digits(first), _digits(second)), key=len)
    return len(one) >= SHARED_DIGITS_MIN and two.endswith(one)


def may_be_same_number(first: str, second: str) -> bool:
    """Whether two numbers may mean the same subscriber: one of them ends with all that is written of the other."""
    one, two = sorted((_digits(first), _digits(second)), key=len)
    return is_same_number(first, second) or (bool(one) and two.endswith(one))


def _digits(text: str) -> str:
    """The digits of a number without a trunk or international prefix of zeros."""
    return text.lstrip("+0") if NUMBER_CHARS.issuperset(text) else ""
