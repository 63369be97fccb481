"""Words for facts that plug-ins and the catalog name by constants."""

from hub.ingest.finding import FILE_DAMAGED, FILE_EMPTY
from webui.language import gettext, later

_NOT_UNDERSTOOD = later("Its content could not be understood")
_PROBLEMS = {FILE_DAMAGED: later("A part of it is missing or damaged"), FILE_EMPTY: later("It holds no audio")}

MOMENTS = {
    "started": later("The call began"),
    "ended": later("The recording ends"),
    "received": later("Received"),
    "catalogued": later("Catalogued"),
    "received_again": later("The same bytes arrived again"),
    "joined": later("Received from another device that recorded the call, too"),
    "copied": later("Copied to another store"),
    "completed": later("Filled in from call details"),
}
_RULES = {
    "riff": later("from the file's chunk {rest}"),
    "ogg": later("from the file's tag {rest}"),
    "opus": later("from the file's tag {rest}"),
    "sidecar": later("from the file beside it"),
    "filename": later("from the file name"),
    "mtime": later("from the file's time"),
    "file": later("from the file"),
    "media": later("from the audio itself"),
    "smdr": later("from the PBX's call details"),
    "device": later("from another device that recorded the call"),
    "settings": later("from the device's settings"),
    "guess": later("guessed from the numbers"),
    "number plan": later("from the numbers"),
    "sip": later("from SIP {rest}"),
    "metadata": later("from the metadata of the recording session"),
    "association": later("from the metadata of the recording session"),
    "group": later("from the group in the metadata"),
    "sipSessionID": later("from the session in the metadata"),
    "vendor": later("from what its maker adds"),
    "order": later("from the order of the streams"),
    "ucid": later("from the UCID"),
    "user-to-user": later("from the header field User-to-User"),
}
RAW_SHOWN_BYTES = 4096
# in the order in which they must be looked for: most browsers also claim to be others
_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def problem_words(code: str) -> str:
    """What is wrong with the content of a recording, for the code of its problem."""
    return gettext(_PROBLEMS.get(code, _NOT_UNDERSTOOD))


def moment_name(what: str) -> str:
    """A step of a recording's life in words; one that is not known, as it is."""
    return gettext(MOMENTS[what]) if what in MOMENTS else what.replace("_", " ").capitalize()


def provenance(rule: str) -> str:
    """Where a field comes from, such as "riff:INFO.IART"."""
    source, _, rest = rule.partition(":")
    return gettext(_RULES[source]).format(rest=rest).strip() if source in _RULES else rule


def raw_text(content: bytes) -> str:
    """Unknown metadata as text where it is text, else in hexadecimal."""
    shown = content[:RAW_SHOWN_BYTES]
    try:
        text = shown.rstrip(b"\0").decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if not text or not all(letter.isprintable() or letter in "\r\n\t" for letter in text):
        text = "\n".join(f"{at:06x}  {shown[at : at + 16].hex(' ')}" for at in range(0, len(shown), 16))
    return text + ("\n…" if len(content) > RAW_SHOWN_BYTES else "")


def browser_name(agent: str) -> str:
    """What a browser calls itself, for people: "Firefox on Windows"."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    if browser and system:
        return gettext("{browser} on {system}").format(browser=browser, system=system)
    return browser or system or agent[:60] or gettext("Unknown browser")
