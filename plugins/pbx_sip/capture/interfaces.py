"""What the kernel tells of a network interface.

Source: netdevice(7), packet(7); linux/if_arp.h, linux/ethtool.h.
"""

import ctypes
import fcntl
import socket
import struct
from dataclasses import dataclass
from pathlib import Path

from plugins.pbx_sip.capture.errors import NoInterface

ETHERNET = 1
RAW_IP = 101
PROMISCUOUS = 0x100

_SIOCGIFFLAGS, _SIOCGIFMTU, _SIOCGIFHWADDR, _SIOCETHTOOL = 0x8913, 0x8921, 0x8927, 0x8946
_UP = 0x1
_NAME_BYTES = 16
_REQUEST_BYTES = 40
_LINK_TYPES = {
    1: ETHERNET,
    772: ETHERNET,  # the loopback, which has a header of zeros
    519: RAW_IP,
    768: RAW_IP,  # tunnels have no header of their own
    769: RAW_IP,
    776: RAW_IP,
    65534: RAW_IP,
}
_GET_STRINGS, _GET_SET_SIZES, _GET_FEATURES = 0x1B, 0x37, 0x3A
_FEATURE_NAMES = 4
_FEATURE_NAME_BYTES = 32
_FEATURES_MAX = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """One interface, as it is now.

    index: another one when it went away and came back. link_type: LINKTYPE_ value of its packets. flags: IFF_ values.
    """

    name: str
    index: int
    link_type: int
    flags: int
    mtu_bytes: int

    @property
    def is_up(self) -> bool:
        """Whether it carries packets."""
        return bool(self.flags & _UP)


def find_interface(name: str) -> Interface:
    """The interface of this name.

    Raises: NoInterface (there is none, or it carries neither Ethernet nor IP).
    """
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as asked:
            index = socket.if_nametoindex(name)
            hardware: int = struct.unpack_from("=H", _ask(asked, _SIOCGIFHWADDR, name), _NAME_BYTES)[0]
            flags: int = struct.unpack_from("=H", _ask(asked, _SIOCGIFFLAGS, name), _NAME_BYTES)[0]
            mtu_bytes: int = struct.unpack_from("=i", _ask(asked, _SIOCGIFMTU, name), _NAME_BYTES)[0]
    except (OSError, ValueError):
        raise NoInterface(f"there is no interface {name!r}", interface_names()) from None
    if hardware not in _LINK_TYPES:
        raise NoInterface(f"{name} carries neither Ethernet nor IP (hardware type {hardware})", interface_names())
    return Interface(name=name, index=index, link_type=_LINK_TYPES[hardware], flags=flags, mtu_bytes=mtu_bytes)


def interface_names() -> list[str]:
    """All interfaces of this machine."""
    return sorted(name for _, name in socket.if_nameindex())


def find_features(name: str) -> dict[str, bool]:
    """What card and driver do to packets, by the names that `ethtool -k` derives its own from; empty if they are mute.

    Source: linux/ethtool.h (ethtool_sset_info, ethtool_gstrings, ethtool_gfeatures).
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as asked:
        try:
            sizes = _ask_driver(asked, name, struct.pack("=IIQI", _GET_SET_SIZES, 0, 1 << _FEATURE_NAMES, 0))
            count = min(struct.unpack_from("=I", sizes, 16)[0], _FEATURES_MAX)
            room = bytes(count * _FEATURE_NAME_BYTES)
            names = _ask_driver(asked, name, struct.pack("=III", _GET_STRINGS, _FEATURE_NAMES, count) + room)[12:]
            words = (count + 31) // 32
            states = _ask_driver(asked, name, struct.pack("=II", _GET_FEATURES, words) + bytes(16 * words))[8:]
        except OSError:
            return {}
    active = [word[2] for word in struct.iter_unpack("=4I", states)]
    features = {}
    for number in range(count):
        text = names[number * _FEATURE_NAME_BYTES : (number + 1) * _FEATURE_NAME_BYTES].split(b"\0")[0]
        features[text.decode("ascii", "replace")] = bool(active[number // 32] >> number % 32 & 1)
    return features


def missed_packets(name: str) -> int:
    """How many packets the card had no room for, since it was started."""
    statistics = Path("/sys/class/net") / name / "statistics"
    found = 0
    for counter in ("rx_missed_errors", "rx_fifo_errors"):
        try:
            found += int((statistics / counter).read_text(encoding="ascii"))
        except (OSError, ValueError):
            continue
    return found


def _ask(asked: socket.socket, request: int, name: str) -> bytes:
    encoded = name.encode()
    if not 0 < len(encoded) < _NAME_BYTES:
        raise ValueError(name)
    return fcntl.ioctl(asked, request, encoded.ljust(_REQUEST_BYTES, b"\0"))


def _ask_driver(asked: socket.socket, name: str, question: bytes) -> bytes:
    """The question as the driver wrote its answer into it."""
    room = ctypes.create_string_buffer(question, len(question))
    request = struct.pack(f"={_NAME_BYTES}sQ", name.encode(), ctypes.addressof(room)).ljust(_REQUEST_BYTES, b"\0")
    fcntl.ioctl(asked, _SIOCETHTOOL, request)
    return room.raw
