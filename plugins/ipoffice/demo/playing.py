"""The demonstration itself: one call after the other falls into the folder, the shortest wait first."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from plugins.ipoffice.demo.calls import CALLS
from plugins.ipoffice.demo.recording import save_call
from plugins.ipoffice.demo.speech import speak_call

FILENAME_PATTERN = r"^(?P<started_at>\d{14})_(?P<caller>\+?\d+)_(?P<called>\+?\d+)_(?P<callid>\d+)\."


def demo_settings(folder: Path) -> dict[str, Any]:
    """Settings of a device that takes in what `play_demo` puts into `folder`."""
    return {
        "topology": "beside",
        "server_name": "Demo Voicemail Pro",
        "folder": str(folder),
        "after_pickup": "move",
        "filename_pattern": FILENAME_PATTERN,
        "timezone": "UTC",
        "settle_age_s": 1.0,
    }


def play_demo(folder: Path) -> Iterator[str]:
    """Speak the calls and put them into `folder`; one line for people after each.

    Raises: NoSpeech.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number, call in enumerate(CALLS, 1):
        samples, rate_hz = speak_call(call)
        path = save_call(folder, call, samples, rate_hz, datetime.now(UTC))
        yield f"{number}/{len(CALLS)} {call.title}: {path.name} ({len(samples) / rate_hz:.0f} s)"
