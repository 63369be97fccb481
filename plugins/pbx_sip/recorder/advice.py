"""What helps a client that is refused.

Source: RFC 3261 sections 20.43 and 21.
"""

from enum import StrEnum

from plugins.pbx_sip.recorder.offers import find_codings, has_no_audio
from plugins.pbx_sip.sip.errors import BadRequest
from plugins.pbx_sip.sip.user_agent import FAULT


class Shortage(StrEnum):
    """Why there is no room for a call, as the reason phrase of a 503 says it."""

    DRAINING = "Going Down"
    CALLS = "Too Many Calls"
    PORTS = "No Media Ports Left"
    DISK = "Recorder's Disk Is Full"
    BUSY = "Recorder Is Busy"
    CAPTURE = "Recorder Cannot Capture"


DISK_ADVICE = "Free some space on the disk of the hub, or enlarge it."
_SHORTAGES: dict[str, str] = {
    Shortage.DRAINING: "The recorder is being stopped; it takes calls again when it runs.",
    Shortage.CALLS: "Raise Calls at the same time in the settings of the device, or spread the calls over several.",
    Shortage.PORTS: "Give the device a wider range of media ports: each stream of a call takes two.",
    Shortage.DISK: DISK_ADVICE,
    Shortage.BUSY: "The machine is short of computing power for so many calls at once; see what else runs on it.",
    Shortage.CAPTURE: "The page of the device says why nothing can be captured.",
}
_STATUSES = {
    401: "If it is one of your telephone systems, name its address under Telephone systems, or give it the Secret of "
    "the device.",
    415: "Set it to send sessions as SDP, alone or with metadata as multipart/mixed, and not compressed.",
    420: "Switch off the extension that it requires (Unsupported names it) where it is set up to send calls here.",
}
_STRANGER = "If it is one of your telephone systems, name its address under Telephone systems."
_SERIAL_NUMBER = "Where the settings of the device name a serial number, it has to register with that."
_FAULT = "This is a fault of the recorder: give the log of the device to the makers of this plug-in."
_NO_AUDIO = "Set it to offer audio: what it offered has none."
_NO_CODING = (
    "Set it to offer a coding that can be recorded, such as G.711, G.722, G.729 or Opus; and where it encrypts, its "
    "keys by SDES."
)
_NO_KEYS = (
    "Its media is encrypted, and no key is known that opens it. Set it to give its keys by SDES with AES, and to "
    "encrypt all it sends; or to send without encryption."
)
_DTLS = (
    "Its media is encrypted with keys that its ends agree on by themselves (DTLS-SRTP) and nobody else can know. Set "
    "it to give its keys by SDES, or to send without encryption."
)
_LOCKED: dict[str, str] = {"SRTP": _NO_KEYS, "DTLS-SRTP": _DTLS}
TLS_ADVICE = (
    "If it is one of your telephone systems, give it a certificate that is valid and signed by the Clients' authority "
    "of the device, and let it accept the recorder's own."
)
_UNREADABLE = "What it sends does not follow SIP; the reason says where. See whether there is an update of it."


def advise(refusal: BadRequest) -> str:
    """The way out for whoever looks after the client, in words."""
    if refusal.status == 503:
        return _SHORTAGES.get(refusal.reason, "")
    if refusal.status == 403:
        return f"{_STRANGER} {_SERIAL_NUMBER}" if refusal.request.method == "REGISTER" else _STRANGER
    if refusal.reason == FAULT:
        return _FAULT
    if refusal.status == 488:
        return _NO_AUDIO if has_no_audio(refusal) else _advise_coding(find_codings(refusal))
    return _STATUSES.get(refusal.status, _UNREADABLE)


def _advise_coding(codings: tuple[str, ...]) -> str:
    locks = [_LOCKED[coding] for coding in codings if coding in _LOCKED]
    return locks[0] if locks else _NO_CODING
