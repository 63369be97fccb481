"""The header field in which a telephone system says what is to become of a recording."""

from plugins.pbx_sip.calls.dialog import Dialog
from plugins.pbx_sip.sip.message import Request, Response

_REFUSED = 300


def read_word(message: Request | Response, name: str, dialog: Dialog, at_ns: int) -> str:
    """The word in a field of that name in a message that came at a moment, in small letters; "" if there is none.

    What is said on the way to an answer, and with it, counts as what is asked for; later answers may be echoes.
    """
    is_answered = dialog.answered_ns not in {0, at_ns}
    if not name or (isinstance(message, Response) and (is_answered or message.status >= _REFUSED)):
        return ""
    return (message.headers.get(name) or "").strip().lower()
