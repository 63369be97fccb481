"""Settings that all devices share which record calls as they happen."""

import re
from itertools import combinations
from typing import Self

from pydantic import field_validator, model_validator

from hub.sdk import CallControl, SettingsError, setting
from plugins.pbx_sip.engine.habits import Habits
from plugins.pbx_sip.number_settings import NumberSettings
from plugins.pbx_sip.wire_settings import check_headers

_KEYS = re.compile(r"[0-9*#A-D]{2,8}")


class LiveSettings(NumberSettings):
    """How numbers read, what is kept, and how people may steer a recording."""

    headers: tuple[str, ...] = setting(
        "Kept header fields",
        "SIP header fields that are kept with a recording, beside the usual ones and all whose names begin with X-.",
        default=(),
        examples=["P-Charging-Vector"],
        group="metadata",
    )
    pause_s: float = setting(
        "A pause ends after",
        "A recording that somebody paused goes on by itself after this time; 0: only when somebody lets it.",
        default=0.0,
        unit="s",
        ge=0,
        le=18_000,
        group="media",
    )
    pause_keys: str = setting(
        "Keys that pause",
        "What a party presses to pause the recording of the call; empty: nothing does.",
        default="",
        examples=["*71"],
        group="media",
    )
    resume_keys: str = setting(
        "Keys that resume", "What a party presses to go on.", default="", examples=["*72"], group="media"
    )
    keep_keys: str = setting(
        "Keys that ask for a recording",
        "What a party presses so that a call is kept which is recorded on demand.",
        default="",
        examples=["*73"],
        group="media",
    )
    control_header: str = setting(
        "Header field that steers",
        "A SIP header field in which the telephone system says pause, resume, stop, keep or discard; empty: none.",
        default="X-Recording-Control",
        group="media",
    )

    @field_validator("headers")
    @classmethod
    def _be_headers(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return check_headers(names)

    @field_validator("control_header")
    @classmethod
    def _be_header(cls, name: str) -> str:
        return next(iter(check_headers((name,))), "")

    @field_validator("pause_keys", "resume_keys", "keep_keys")
    @classmethod
    def _be_keys(cls, keys: str) -> str:
        if keys and not _KEYS.fullmatch(keys):
            raise ValueError(f"{keys!r} is no row of keys; give 2 to 8 of 0-9, *, # and A-D")
        return keys

    @model_validator(mode="after")
    def _tell_keys_apart(self) -> Self:
        rows = {name: getattr(self, name) for name in ("pause_keys", "resume_keys", "keep_keys")}
        for (_, keys), (name, other) in combinations(((name, keys) for name, keys in rows.items() if keys), 2):
            if keys in other or other in keys:
                text = f"{other} and {keys} cannot be told apart when they are pressed."
                raise SettingsError(text, field=name, hint="Give other keys.")
        return self

    def habits(self, *, joins_hops: bool) -> Habits:
        """How the device treats its calls."""
        keys = (
            (self.pause_keys, CallControl.PAUSE),
            (self.resume_keys, CallControl.RESUME),
            (self.keep_keys, CallControl.KEEP),
        )
        return Habits(
            plan=self.number_plan,
            headers=self.headers,
            control_header=self.control_header,
            keys=tuple(each for each in keys if each[0]),
            pause_s=self.pause_s,
            joins_hops=joins_hops,
        )
