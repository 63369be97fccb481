"""Endpoints as columns that any process understands: source, target, source_port, target_port."""

import numpy as np
import numpy.typing as npt

from plugins.pbx_sip.journal.layout import Table
from plugins.pbx_sip.packets.datagrams import IPV6, NO_KEY, Endpoints

_Keys = npt.NDArray[np.uint64]
_ADDRESS = np.dtype("V16")
_MAPPED = 0xFFFF  # the third of the four words of an IPv4 address that is mapped into IPv6


def write_ends(table: Table, source: _Keys, target: _Keys, endpoints: Endpoints) -> None:
    """Put the endpoints of flows, given by their keys, into the columns of a table."""
    for name, keys in (("source", source), ("target", target)):
        table[name] = _pack(keys, endpoints)
        table[f"{name}_port"] = keys & np.uint64(0xFFFF)


def read_ends(table: Table, endpoints: Endpoints) -> tuple[_Keys, _Keys]:
    """The keys of the endpoints in a table, sources and targets; NO_KEY where no more addresses are remembered."""
    source, target = (_unpack(table[name], table[f"{name}_port"], endpoints) for name in ("source", "target"))
    return source, target


def _pack(keys: _Keys, endpoints: Endpoints) -> Table:
    words = np.zeros((len(keys), 4), ">u4")
    words[:, 2] = _MAPPED
    words[:, 3] = keys >> np.uint64(16) & np.uint64(0xFFFFFFFF)
    rows = np.flatnonzero(keys >= IPV6)
    if len(rows):
        known, numbers = np.unique(keys[rows] >> np.uint64(16) << np.uint64(16), return_inverse=True)
        packed = b"".join(endpoints.address(key).packed for key in known.tolist())
        words[rows] = np.frombuffer(packed, ">u4").reshape(-1, 4)[numbers]
    return words.view(_ADDRESS)[:, 0]


def _unpack(addresses: Table, ports: npt.NDArray[np.uint16], endpoints: Endpoints) -> _Keys:
    words = np.frombuffer(addresses.tobytes(), ">u4").reshape(-1, 4)
    keys: _Keys = words[:, 3].astype(np.uint64) << np.uint64(16)
    is_ipv6 = (words[:, 0] != 0) | (words[:, 1] != 0) | (words[:, 2] != _MAPPED)
    if is_ipv6.any():
        keys[is_ipv6] = endpoints.keys(words[is_ipv6].view(_ADDRESS)[:, 0])
    has_key = keys != NO_KEY
    keys[has_key] |= ports[has_key]
    return keys
