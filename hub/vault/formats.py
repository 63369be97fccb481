"""What a stored file is to a browser and to a person: its media type and its extension."""

OCTETS = "application/octet-stream"
# By container, as FFmpeg names its demuxers.
_TYPES = {
    "wav": ("audio/wav", "wav"),
    "w64": ("audio/x-w64", "w64"),
    "ogg": ("audio/ogg", "ogg"),
    "flac": ("audio/flac", "flac"),
    "mp3": ("audio/mpeg", "mp3"),
    "adts": ("audio/aac", "aac"),
    "amr": ("audio/amr", "amr"),
    "au": ("audio/basic", "au"),
    "caf": ("audio/x-caf", "caf"),
    "mp4": ("audio/mp4", "m4a"),
    "matroska": ("audio/x-matroska", "mka"),
    "asf": ("audio/x-ms-wma", "wma"),
    "aiff": ("audio/aiff", "aiff"),
}


def content_type(container: str) -> str:
    """The media type of a file in this container."""
    return _TYPES[container][0] if container in _TYPES else OCTETS


def extension(container: str, codec: str = "") -> str:
    """The file name extension of a file in this container; bin if nothing is known."""
    if codec == "opus" and container == "ogg":
        return "opus"
    return _TYPES[container][1] if container in _TYPES else "bin"
