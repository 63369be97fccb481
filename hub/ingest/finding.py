"""What the desk is asked and what it answers: plain values that travel between processes as JSON."""

from dataclasses import asdict, dataclass
from typing import Any

# Codes of what can be wrong with a file; it is catalogued all the same.
FILE_PARSE_ERROR = "FILE_PARSE_ERROR"
FILE_ENCODE_ERROR = "FILE_ENCODE_ERROR"
FILE_DAMAGED = "FILE_DAMAGED"
FILE_EMPTY = "FILE_EMPTY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The policy as far as the desk needs it; form: keep, opus, mp3, wav or flac.

    budget_cpu_s: what takes longer is left for later, so that a long recording is catalogued as soon as a short one;
    None: everything now. form_waits: the form of an original that plays is left for later. folds: of more than two
    channels a form with two is made, the first left and all others right, as the original keeps them apart.
    """

    form: str
    opus_bps: int
    opus_complexity: int
    budget_cpu_s: float | None = None
    form_waits: bool = False
    folds: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeFile:
    """A file the desk wrote, beside the stem that it was given."""

    name: str
    size_bytes: int
    sha256: str
    container: str = ""
    codec: str = ""
    extension: str = ""
    sample_rate_hz: int = 0
    channels: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What the desk found in one media file.

    problem: (code, text) if something is wrong with it. encode_error: why the wanted form could not be made.
    is_complete: False if form or peaks were left for later.
    """

    container: str = ""
    codec: str = ""
    extension: str = ""
    sample_rate_hz: int = 0
    channels: int = 0
    duration_s: float = 0.0
    browser_playable: bool = False
    has_speech: bool = False
    problem: tuple[str, str] | None = None
    encode_error: str = ""
    derived: MadeFile | None = None
    peaks: MadeFile | None = None
    is_complete: bool = True

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Finding":
        """The finding that `to_json` gave."""
        made = {name: MadeFile(**data[name]) if data[name] else None for name in ("derived", "peaks")}
        problem = (data["problem"][0], data["problem"][1]) if data["problem"] else None
        return cls(**(data | made | {"problem": problem}))

    def to_json(self) -> dict[str, Any]:
        """The finding as JSON values."""
        return asdict(self)
