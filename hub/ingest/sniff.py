"""What a file is by its first bytes; names and extensions are not believed."""

# Container -> the demuxer that FFmpeg is then told to use: it never guesses, so that a playlist, which could make it
# open other files, is never taken for a recording.
DEMUXERS = {
    "wav": "wav",
    "w64": "w64",
    "ogg": "ogg",
    "flac": "flac",
    "mp3": "mp3",
    "adts": "aac",
    "amr": "amr",
    "au": "au",
    "caf": "caf",
    "mp4": "mov",
    "matroska": "matroska",
    "asf": "asf",
    "aiff": "aiff",
}
HEAD_BYTES = 64

_W64 = bytes.fromhex("726966662e91cf11a5d628db04c10000")
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_PREFIXES = (
    (_W64, "w64"),
    (b"OggS", "ogg"),
    (b"fLaC", "flac"),
    (b"ID3", "mp3"),
    (b"#!AMR", "amr"),
    (b".snd", "au"),
    (b"caff", "caf"),
    (b"\x1aE\xdf\xa3", "matroska"),
    (_ASF, "asf"),
)


def sniff(head: bytes) -> str:
    """The container that starts with `head`, a key of DEMUXERS; "" if it is none of them."""
    for prefix, container in _PREFIXES:
        if head.startswith(prefix):
            return container
    if head[:4] in {b"RIFF", b"RF64", b"BW64"} and head[8:12] == b"WAVE":
        return "wav"
    if head[:4] == b"FORM" and head[8:12] in {b"AIFF", b"AIFC"}:
        return "aiff"
    if head[4:8] == b"ftyp":
        return "mp4"
    return _sniff_mpeg(head)


def _sniff_mpeg(head: bytes) -> str:
    """An MPEG audio frame without any tag before it: eleven bits set, then fields of which some values are reserved."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return ""
    layer = head[1] >> 1 & 3
    if layer == 0:
        return "adts" if head[1] & 0xF6 == 0xF0 and head[2] >> 2 & 15 < 13 else ""
    version, bit_rate, sample_rate = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    return "mp3" if version != 1 and layer == 1 and bit_rate not in {0, 15} and sample_rate != 3 else ""
