"""Endpoints as they go from process to process, whose own keys mean nothing to each other."""

from collections.abc import Iterable

import numpy as np

from plugins.pbx_sip.engine.frames import Frame
from plugins.pbx_sip.packets.datagrams import Datagrams, Endpoints


def write_places(endpoints: Endpoints, keys: Iterable[int]) -> list[str]:
    """Each endpoint as hexadecimal digits: its address of 4 or 16 bytes, then its port of 2."""
    return [endpoints.address(key).packed.hex() + f"{endpoints.port(key):04x}" for key in keys]


def read_places(endpoints: Endpoints, places: Iterable[str]) -> list[int]:
    """The keys that endpoints have here. Raises: ValueError."""
    return [endpoints.key(bytes.fromhex(place[:-4]), int(place[-4:], 16)) for place in places]


def read_datagrams(frame: Frame, endpoints: Endpoints) -> Datagrams:
    """Datagrams that a worker passed on."""
    facts = frame.facts
    length = np.array(facts["length"], np.int32)
    return Datagrams(
        buffer=np.frombuffer(frame.body, np.uint8),
        time_ns=np.array(facts["time_ns"], np.int64),
        source=np.array(read_places(endpoints, facts["source"]), np.uint64),
        target=np.array(read_places(endpoints, facts["target"]), np.uint64),
        offset=np.cumsum(length, dtype=np.int64) - length,
        length=length,
    )
