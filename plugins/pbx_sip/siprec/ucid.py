"""The Universal Call ID of Avaya, as other vendors carry it along.

Source: Avaya User-to-User header: application id FA, length 08, eight bytes of call id in hexadecimal digits; written
in decimal as node (5 digits), sequence (5) and time (10).
"""

HEX = frozenset("0123456789abcdefABCDEF")
MARK = "FA08"
DIGITS = 16


def find_ucid(text: str) -> str:
    """The call id in a User-to-User value, a session id or an extension, as 20 decimal digits; "" if none is in it."""
    bare = text.strip().partition(";")[0].strip()
    if len(bare) == 20 and bare.isascii() and bare.isdecimal():
        return bare
    if not bare or not HEX.issuperset(bare):
        return ""
    upper = bare.upper()
    # In front of the mark there is at most the one byte that names the protocol.
    at = upper.find(MARK, 0, 2 + len(MARK))
    digits = upper[at + len(MARK) :][:DIGITS] if at >= 0 else upper
    if len(digits) != DIGITS:
        return ""
    return f"{int(digits[:4], 16):05}{int(digits[4:8], 16):05}{int(digits[8:], 16):010}"
