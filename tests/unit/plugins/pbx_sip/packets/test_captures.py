"""What the real captures promise in their manifest is found in them."""

import re
from collections import Counter
from pathlib import Path

import pytest

from plugins.pbx_sip.packets.datagrams import Endpoints
from plugins.pbx_sip.packets.decoder import Counters, Decoder
from plugins.pbx_sip.packets.files import open_capture
from plugins.pbx_sip.packets.tcp import TcpStreams
from tests.doubles.shared_data import shared

START_LINE = re.compile(rb"(?:SIP/2\.0 (\d{3}) |([A-Z]+) [^\r\n ]+ SIP/2\.0\r?\n)")
LENGTH = re.compile(rb"^(?:Content-Length|l)\s*:\s*(\d+)", re.IGNORECASE | re.MULTILINE)
DERIVED = ["enc_vlan.pcap", "enc_erspan2.pcap", "enc_vxlan.pcap", "enc_gre_ip.pcap"]
# TShark calls what comes after the switch to T.38 no RTP any more; 27 packets of that stream came later.
AFTER_THE_SWITCH = {"fax_t38_reinvite_multi_hop.pcap": {132: 27}}


class Contents:
    """Packets, SIP messages by method or status, RTP packets by stream, and all payloads of a capture."""

    def __init__(self, path: Path) -> None:
        self.messages: Counter[str] = Counter()
        self.rtp: Counter[tuple[int, int, bytes]] = Counter()
        self.payloads: list[tuple[str, str, bytes]] = []
        self.counters = Counters()
        endpoints = Endpoints()
        decoder, streams, texts = Decoder(endpoints), TcpStreams(), {}
        with open_capture(path) as capture:
            for block in capture:
                decoded = decoder.decode(block)
                self.counters.add(decoded.counters)
                for datagrams in decoded.datagrams:
                    for row in range(len(datagrams)):
                        ends = int(datagrams.source[row]), int(datagrams.target[row])
                        payload = datagrams.payload(row)
                        self.payloads.append((endpoints.text(ends[0]), endpoints.text(ends[1]), payload))
                        self.read(ends, payload)
                for data in (data for segment in decoded.segments for data in streams.add(segment)):
                    name = data.connection, data.source
                    texts[name] = texts.get(name, b"") + data.data
        self.note = capture.note
        for text in texts.values():
            self.read_stream(text)

    def read(self, ends: tuple[int, int], payload: bytes) -> None:
        line = START_LINE.match(payload.lstrip(b"\r\n"))
        if line:
            self.messages[(line[1] or line[2]).decode()] += 1
        elif len(payload) >= 12 and payload[0] >> 6 == 2 and not 200 <= payload[1] <= 207:
            self.rtp[(*ends, payload[8:12])] += 1

    def read_stream(self, text: bytes) -> None:
        while (line := START_LINE.match(text := text.lstrip(b"\r\n"))) and b"\r\n\r\n" in text:
            self.messages[(line[1] or line[2]).decode()] += 1
            head, text = text.split(b"\r\n\r\n", 1)
            length = LENGTH.search(head)
            text = text[int(length[1]) if length else 0 :]


def rows() -> dict[str, list[str]]:
    text = shared("pcaps/MANIFEST.md").read_text(encoding="utf-8")
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| ")]
    return {row[0]: row for row in cells if "." in row[0]}


def test_every_capture_holds_the_packets_messages_and_streams_of_its_manifest() -> None:
    manifest = rows()
    assert {path.name for path in shared("pcaps").iterdir()} - {"MANIFEST.md"} == set(manifest)
    wrong = []
    for name, (_, _, packets, messages, streams, *_) in manifest.items():
        found = Contents(shared(f"pcaps/{name}"))
        wanted = {word.rpartition("x")[0]: int(word.rpartition("x")[2]) for word in messages.split()}
        later = AFTER_THE_SWITCH.get(name, {})
        sizes = [int(stream.split(":")[-2]) for stream in streams.split(";") if stream]
        counts = Counter(size + later.get(size, 0) for size in sizes)
        if found.counters.packets != int(packets) or found.note:
            wrong.append(f"{name}: {found.counters.packets} packets instead of {packets}")
        if any(found.messages[method] != count for method, count in wanted.items()):
            wrong.append(f"{name}: {found.messages} instead of {messages}")
        if counts - Counter(found.rtp.values()):
            wrong.append(f"{name}: {sorted(found.rtp.values())} instead of {streams}")
    assert wrong == []


@pytest.mark.parametrize("name", DERIVED)
def test_a_tunnel_holds_what_was_put_into_it(name: str) -> None:
    inside = Contents(shared(f"pcaps/{name}"))
    assert inside.payloads == Contents(shared("pcaps/sip_rtp_g711_u_then_a.pcap")).payloads
    assert not inside.counters.not_understood
