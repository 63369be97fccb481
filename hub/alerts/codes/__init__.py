"""Every alarm code of the hub and its own plug-ins, with the words that people read; by subject.

Codes of the older system keep their names; their texts are tidied. One code may have several texts. A plug-in from
elsewhere may raise codes that are not listed here.
"""

from hub.alerts.codes import calls, devices, files, storage, system
from hub.alerts.codes.alarm_code import AlarmCode

_SUBJECTS = (system, files, storage, devices, calls)
CODES: tuple[AlarmCode, ...] = tuple(
    found for subject in _SUBJECTS for found in vars(subject).values() if isinstance(found, AlarmCode)
)
"""All of them, in this order."""

_HAPPENINGS = frozenset(found.code for found in CODES if not found.lasting)
_TITLES = {found.code: found.title for found in reversed(CODES)}


def is_lasting(code: str) -> bool:
    """Whether the code stands for a condition that ends by itself; unknown codes do."""
    return code not in _HAPPENINGS


def title_of(code: str) -> str:
    """A few words for the code, the code itself where it is not known."""
    return _TITLES.get(code, code)
