"""The kernel's own judgement of packets by a classic BPF program, without a network."""

import socket

from plugins.pbx_sip.capture.programs import attach


def passed(program, *packets: bytes) -> list[bool]:
    """Which of the packets a socket with this program gets."""
    sender, taker = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with sender, taker:
        attach(taker, program)
        taker.setblocking(False)
        found = []
        for packet in packets:
            sender.send(packet)
            try:
                found.append(taker.recv(65536) == packet)
            except BlockingIOError:
                found.append(False)
        return found
