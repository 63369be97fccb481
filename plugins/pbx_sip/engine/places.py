"""Endpoints as they go from process to process, whose own keys mean nothing to each other."""

from collections.abc import Iterable

from plugins.pbx_sip.packets.datagrams import Endpoints


def write_places(endpoints: Endpoints, keys: Iterable[int]) -> list[str]:
    """Each endpoint as hexadecimal digits: its address of 4 or 16 bytes, then its port of 2."""
    return [endpoints.address(key).packed.hex() + f"{endpoints.port(key):04x}" for key in keys]


def read_places(endpoints: Endpoints, places: Iterable[str]) -> list[int]:
    """The keys that endpoints have here. Raises: ValueError."""
    return [endpoints.key(bytes.fromhex(place[:-4]), int(place[-4:], 16)) for place in places]
