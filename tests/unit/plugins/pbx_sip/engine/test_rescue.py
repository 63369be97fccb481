"""A call that cannot be put together is kept as a capture, which can be imported later."""

from pathlib import Path

import numpy as np

from plugins.pbx_sip.calls.numbers import NumberPlan
from plugins.pbx_sip.calls.observer import Observer
from plugins.pbx_sip.engine.job import Job
from plugins.pbx_sip.engine.rescue import write_rescue
from plugins.pbx_sip.journal.journal import Journal
from plugins.pbx_sip.packets.datagrams import Datagrams, Endpoints
from plugins.pbx_sip.packets.files import open_capture
from plugins.pbx_sip.sip.message import write_message
from tests.doubles.rtp_stream import BEGAN_NS, Sender, cut
from tests.doubles.sip_text import request, response, sdp
from tests.doubles.talk import tone

S = 1_000_000_000


def test_a_rescued_call_can_be_imported_with_all_that_was_said(tmp_path: Path) -> None:
    endpoints = Endpoints()
    journal = Journal(tmp_path / "journal", endpoints, bytes(32))
    sent = Sender().send(cut(tone(440, 2.0))).sent
    length = np.array([len(packet) for _, packet in sent], np.int32)
    ends = [endpoints.key(bytes([192, 0, 2, last]), port) for last, port in ((1, 4000), (2, 5000))]
    journal.append(
        [
            Datagrams(
                buffer=np.frombuffer(b"".join(packet for _, packet in sent), np.uint8),
                time_ns=np.array([at_ns for at_ns, _ in sent], np.int64) + BEGAN_NS + S,
                source=np.full(len(sent), ends[0], np.uint64),
                target=np.full(len(sent), ends[1], np.uint64),
                offset=np.cumsum(length, dtype=np.int64) - length,
                length=length,
            )
        ]
    )
    units = tuple(tuple(unit.place) for unit in journal.find(ends, 0, 1 << 62))
    journal.close()
    messages = [
        (BEGAN_NS, request("INVITE", body=sdp("192.0.2.1", 4000))),
        (BEGAN_NS + S, response("200 OK", body=sdp("192.0.2.2", 5000))),
        (BEGAN_NS + 4 * S, request("BYE", tag="b")),
    ]
    job = Job(
        messages=tuple((at_ns, "c1", write_message(message)) for at_ns, message in messages),
        units={str(tmp_path / "journal"): units},
        claims=(),
        decided={},
        plan=NumberPlan(),
        headers=(),
        folder=tmp_path,
        name="call",
        origin="Test",
    )
    write_rescue(job, tmp_path / "rescued.pcap")
    observer = Observer()
    with open_capture(tmp_path / "rescued.pcap") as capture:
        for block in capture:
            observer.add(block)
    [call] = observer.take()
    assert call.dialog.call_id == "c1"
    assert [len(lane.sound) for lane in call.lanes] == [16_000]
