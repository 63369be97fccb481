"""Where to go after sign-in: only to a page of this hub."""

from urllib.parse import urlsplit

HOME = "/recordings"
_LONGEST = 2000
_NOT_A_DESTINATION = ("/sign-in", "/sign-out", "/setup")


def safe_next(wanted: str | None) -> str:
    """The path and query to go to; anything that a browser could read as another site becomes the home page.

    Source: WHATWG URL, path-absolute-URL strings; browsers read a backslash as a slash and drop tabs and line ends.
    """
    if not wanted or len(wanted) > _LONGEST:
        return HOME
    if not wanted.startswith("/") or wanted.startswith("//") or "\\" in wanted:
        return HOME
    if any(ord(letter) <= 0x20 or ord(letter) == 0x7F for letter in wanted):
        return HOME
    parts = urlsplit(wanted)
    if parts.scheme or parts.netloc or parts.path.startswith(_NOT_A_DESTINATION):
        return HOME
    return wanted
