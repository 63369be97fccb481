"""Reading until all that was sent has come, with a deadline."""

import errno
import socket
import time
from collections import Counter
from contextlib import contextmanager

import numpy as np

from plugins.pbx_sip.capture.ring import PacketRing
from plugins.pbx_sip.packets.datagrams import Endpoints
from plugins.pbx_sip.packets.decoder import Decoder

DEADLINE_S = 20
SMALL = {"block_bytes": 64 << 10, "blocks": 32}


@contextmanager
def ring_on(interface, **shape):
    """A ring that is closed again; of 2 MiB unless the test wants another one."""
    ring = PacketRing(interface, **SMALL | shape)
    try:
        yield ring
    finally:
        ring.close()


def open_free_port(sockets) -> int:
    """A port that nobody had, and that is open now."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("0.0.0.0", 0))
            port = probe.getsockname()[1]
        try:
            sockets.open(port)
        except OSError as error:
            assert error.errno == errno.EADDRINUSE, error
        else:
            return port


def read_all(ring, count):
    """(time in ns, frame) of the next packets of a ring, `count` at least."""
    found = []
    end_s = time.monotonic() + DEADLINE_S
    while len(found) < count and time.monotonic() < end_s:
        block = ring.read(0.05)
        if block is not None:
            found += packets_of(block)
    return found


def drain(ring):
    """Frames that are in a ring already, until none has come for a while."""
    found = []
    while (block := ring.read(0.2)) is not None:
        found += [frame for _, frame in packets_of(block)]
    return found


def packets_of(block):
    rows = zip(block.time_ns.tolist(), block.offset.tolist(), block.length.tolist(), strict=True)
    return [(at_ns, block.buffer[start : start + size].tobytes()) for at_ns, start, size in rows]


def decode_all(ring, count):
    """(source, target, payload) of datagrams, `count` at least, as a multiset."""
    endpoints = Endpoints()
    decoder = Decoder(endpoints)
    found = Counter()
    end_s = time.monotonic() + DEADLINE_S
    while found.total() < count and time.monotonic() < end_s:
        block = ring.read(0.05)
        if block is not None:
            for datagrams in decoder.decode(block).datagrams:
                found += facts_of(datagrams, endpoints)
    return found


def listen_all(sockets, endpoints, count):
    """The same through sockets."""
    found = Counter()
    end_s = time.monotonic() + DEADLINE_S
    while found.total() < count and time.monotonic() < end_s:
        datagrams = sockets.read(0.05)
        if datagrams is not None:
            assert (np.diff(datagrams.time_ns) >= 0).all()
            found += facts_of(datagrams, endpoints)
    return found


def facts_of(datagrams, endpoints):
    ends = zip(datagrams.source.tolist(), datagrams.target.tolist(), strict=True)
    return Counter(
        (endpoints.text(source), endpoints.text(target), datagrams.payload(row))
        for row, (source, target) in enumerate(ends)
    )
