"""Files that are not read here, known by how they begin: captures of other tools, and packed ones.

Source: RFC 1761 (snoop); Wireshark, wiretap: netmon.c, ngsniffer.c, netxray.c, visual.c, nettl.c, observer.c, 5views.c,
lanalyzer.c, k12text.l, iptrace.c, peektagged.c; the formats of xz, Zstandard, bzip2, ZIP, 7z, LZ4 and RAR.
"""

_CAPTURES = {
    b"snoop\0\0\0": "snoop",
    b"GMBU": "Network Monitor",
    b"RTSS": "Network Monitor",
    b"TRSNIFF data": "Sniffer",
    b"XCP\0": "Sniffer",
    b"\x05VNF": "Visual Networks",
    b"TR\0d": "nettl",
    b"ObserverPktBuffe": "Observer",
    b"\xaa\xaa\xaa\xaa": "5Views",
    b"\x01\x10": "LANalyzer",
    b"\x01\x11": "LANalyzer",
    b"+-------": "Tektronix K12",
    b"iptrace ": "iptrace",
    b"\x7fver": "OmniPeek",
}
_PACKERS = {
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"BZh": "bzip2",
    b"PK\x03\x04": "ZIP",
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"\x04\x22\x4d\x18": "LZ4",
    b"Rar!": "RAR",
}
CAPTURE_OF, PACKED_BY = "a capture of", "packed by"


def tell_format(head: bytes) -> str:
    """What a file is that begins so, in words; "" if that is not known."""
    tool = next((name for magic, name in _CAPTURES.items() if head.startswith(magic)), "")
    packer = next((name for magic, name in _PACKERS.items() if head.startswith(magic)), "")
    return f"{CAPTURE_OF} {tool}" if tool else f"{PACKED_BY} {packer}" if packer else ""
