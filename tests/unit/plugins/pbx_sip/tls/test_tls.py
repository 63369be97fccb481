"""SIP over TLS between real ends, read with the keys that one of them wrote down."""

import io
import ssl
from contextlib import closing
from dataclasses import replace
from ipaddress import ip_address
from struct import pack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.pbx_sip.calls.dialog import Side
from plugins.pbx_sip.calls.observer import Observer
from plugins.pbx_sip.packets.files import CaptureFile
from plugins.pbx_sip.packets.tcp import StreamData
from plugins.pbx_sip.reading import Reading, advise
from plugins.pbx_sip.settings import SipCaptureSettings
from plugins.pbx_sip.tls.connection import TlsConnection
from plugins.pbx_sip.tls.key_log import KeyLog, read_key_log
from plugins.pbx_sip.tls.streams import TlsStreams
from tests.doubles.capture_file import PBX, WireCall, frames_of
from tests.doubles.tls_wire import Ends, OpenSsl, make_pem

SAID = [b"INVITE sip:b@example.com SIP/2.0\r\n", b"x" * 40_000, b"BYE\r\n"]
HEARD = [b"SIP/2.0 100 Trying\r\n", b"y" * 3_000, b"SIP/2.0 200 OK\r\n"]
V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
KINDS = [
    (V12, "ECDHE-RSA-AES128-GCM-SHA256"),
    (V12, "ECDHE-RSA-AES256-GCM-SHA384"),
    (V12, "ECDHE-RSA-CHACHA20-POLY1305"),
    (V12, "AES128-GCM-SHA256:@SECLEVEL=0"),
    (V13, ""),
]


@pytest.fixture(scope="module")
def pem(tmp_path_factory):
    return make_pem(tmp_path_factory.mktemp("pem"))


@pytest.fixture
def key_file(tmp_path):
    return tmp_path / "keys.log"


def talk(pem, key_file, version=V13, ciphers=""):
    ends = Ends(pem, key_file, version, ciphers)
    for said, heard in zip(SAID, HEARD, strict=True):
        ends.say(said, is_client=True)
        ends.say(heard, is_client=False)
    return ends.wire


def read(wire, key_log, size=1400):
    """What client and server said."""
    connection, found = TlsConnection(key_log), {True: b"", False: b""}
    for is_client, data in wire.sent:
        for start in range(0, len(data), size):
            found[is_client] += connection.feed(data[start : start + size], is_client=is_client)
    return found[True], found[False]


@pytest.mark.parametrize(("version", "ciphers"), KINDS)
@pytest.mark.parametrize("size", [1, 1400, 1 << 20])
def test_what_was_said_is_read_however_it_is_cut_into_segments(version, ciphers, size, pem, key_file):
    wire = talk(pem, key_file, version, ciphers)
    assert read(wire, read_key_log(key_file), size) == (b"".join(SAID), b"".join(HEARD))


@pytest.mark.parametrize("suite", ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"])
def test_every_suite_of_tls_13_is_read(suite, pem, key_file):
    lines = [b"REGISTER sip:pbx\n", b"OPTIONS sip:pbx\n"]
    answers = []
    with closing(OpenSsl(pem, key_file, "-rev", "-tls1_3", "-ciphersuites", suite)) as openssl:
        for line in lines:
            openssl.say(line)
            answers.append(openssl.hear())
    said, heard = read(openssl.wire, read_key_log(key_file))
    assert said == b"".join(lines)
    assert heard == b"".join(answers) != b""


def test_a_connection_whose_keys_are_renewed_is_read_on(pem, key_file):
    with closing(OpenSsl(pem, key_file, "-tls1_3")) as openssl:
        openssl.say(b"one\n")
        openssl.renew_keys()
        openssl.type(b"hello\n")
        assert openssl.hear() == b"hello\n"
        openssl.say(b"two\n")
        openssl.type(b"again\n")
        assert openssl.hear() == b"again\n"
    assert read(openssl.wire, read_key_log(key_file)) == (b"one\ntwo\n", b"hello\nagain\n")


@pytest.mark.parametrize(("version", "ciphers"), [KINDS[0], KINDS[4]])
def test_without_its_keys_a_connection_says_nothing(version, ciphers, pem, key_file):
    wire = talk(pem, key_file, version, ciphers)
    assert read(wire, KeyLog()) == (b"", b"")


@pytest.mark.parametrize(("version", "ciphers"), [KINDS[0], KINDS[2], KINDS[4]])
def test_after_a_gap_in_the_capture_it_is_read_again(version, ciphers, pem, key_file):
    ends = Ends(pem, key_file, version, ciphers)
    for number in range(10):
        ends.say(b"message %d\n" % number, is_client=True)
    connection, found = TlsConnection(read_key_log(key_file)), b""
    said = [data for is_client, data in ends.wire.sent if is_client][-10:]
    for is_client, data in ends.wire.sent:
        if data in said[3:6]:
            continue
        found += connection.feed(data, is_client=is_client, has_gap=data is said[6]) if is_client or data else b""
    assert found == b"".join(b"message %d\n" % number for number in range(10) if number not in {3, 4, 5})


def segments(wire, client, server, began_ns):
    """Ethernet frames with the TCP segments of a connection."""
    numbers, frames = {True: 1000, False: 5000}, []

    def add(is_client, flags, data=b""):
        (host, port), (target, target_port) = (client, server) if is_client else (server, client)
        tcp = pack(">HHIIBBHHH", port, target_port, numbers[is_client], 0, 0x50, flags, 8192, 0, 0) + data
        ip = pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0)
        addresses = ip_address(host).packed + ip_address(target).packed
        frames.append((began_ns + len(frames) * 1000, bytes(12) + b"\x08\0" + ip + addresses + tcp))
        numbers[is_client] += len(data) + (flags & 2 > 0)

    add(True, 2)
    add(False, 18)
    for is_client, data in wire.sent:
        for start in range(0, len(data), 1300):
            add(is_client, 24, data[start : start + 1300])
    return frames


def capture_under_tls(pem, key_file, version, ciphers=""):
    """A capture of a call whose signalling is encrypted."""
    call = WireCall(call_id="secret@pbx", said=b"\x20" * 1600, heard=b"\x30" * 1600)
    ends, media = Ends(pem, key_file, version, ciphers), []
    for at_ns, frame in frames_of(call):
        if b"SIP/2.0" in frame:
            ends.say(frame[42:], is_client=ip_address(frame[26:30]) != ip_address(PBX))
        else:
            media.append((at_ns, frame))
    frames = segments(ends.wire, (call.caller_host, 40_000), (PBX, 5061), call.began_ns) + media
    records = b"".join(
        pack("<IIII", at_ns // 10**9, at_ns % 10**9, len(frame), len(frame)) + frame for at_ns, frame in sorted(frames)
    )
    return CaptureFile(io.BytesIO(pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1) + records))


def test_a_call_whose_signalling_is_encrypted_is_known_by_its_parties(pem, key_file):
    content = capture_under_tls(pem, key_file, V13)
    observer = Observer(key_log=read_key_log(key_file))
    for block in content:
        observer.add(block)
    [found] = observer.take()
    assert found.dialog.call_id == "secret@pbx"
    assert {lane.side: set(lane.sound) for lane in found.lanes} == {Side.CALLER: {0x20}, Side.CALLED: {0x30}}


@pytest.mark.parametrize(
    ("ciphers", "knows_keys", "note"),
    [
        ("ECDHE-RSA-AES128-SHA256", True, "SIP over TLS in it has a cipher suite that is not read (0xC027)."),
        ("ECDHE-RSA-AES128-SHA256", False, ""),
        ("ECDHE-RSA-AES128-GCM-SHA256", True, ""),
    ],
)
def test_a_capture_says_what_is_not_read_though_its_keys_are_known(ciphers, knows_keys, note, pem, key_file, tmp_path):
    content = capture_under_tls(pem, key_file, V12, ciphers)
    reading = Reading(SipCaptureSettings(folder=tmp_path, tls_key_log=key_file if knows_keys else None))
    for calls in reading.steps(content):
        assert all(calls)
    assert reading.note == note
    assert not note or "AES-GCM" in advise(note)


def test_keys_may_become_known_at_any_time_before_the_connection(pem, key_file):
    wire, log = talk(pem, key_file), KeyLog()
    log.learn(key_file.read_text())
    assert read(wire, log)[0] == b"".join(SAID)


@pytest.mark.parametrize(("version", "ciphers"), KINDS)
@pytest.mark.parametrize("late", [2, 3, 4, 5, 6, 7])
def test_keys_that_become_known_while_a_connection_goes_on_read_it_from_its_beginning(
    version, ciphers, late, pem, key_file
):
    ends = Ends(pem, key_file, version, ciphers)
    for number in range(6):
        ends.say(b"said %d\n" % number, is_client=True)
        ends.say(b"heard %d\n" % number, is_client=False)
    log, found = KeyLog(), {True: b"", False: b""}
    connection = TlsConnection(log)
    for number, (is_client, data) in enumerate(ends.wire.sent):
        if number == late:
            log.learn(key_file.read_text())
        found[is_client] += connection.feed(data, is_client=is_client)
    assert found[True] == b"".join(b"said %d\n" % number for number in range(6))
    assert found[False] == b"".join(b"heard %d\n" % number for number in range(6))


@pytest.mark.parametrize(("version", "ciphers"), [KINDS[0], KINDS[2], KINDS[4]])
def test_what_waits_for_keys_is_bounded_and_the_rest_is_read_once_they_are_known(version, ciphers, pem, key_file):
    ends = Ends(pem, key_file, version, ciphers)
    for number in range(40):
        ends.say(b"%04d" % number * 250, is_client=True)
    log, found = KeyLog(), b""
    connection = TlsConnection(log)
    for is_client, data in ends.wire.sent:
        found += connection.feed(data, is_client=is_client) if is_client else b""
        connection.feed(b"" if is_client else data, is_client=False)
    assert found == b""
    ends.wire.sent.clear()
    ends.say(b"at last", is_client=True)
    log.learn(key_file.read_text())
    [(_, data)] = ends.wire.sent
    read = connection.feed(data, is_client=True)
    assert read.endswith(b"0039" * 250 + b"at last")
    assert len(read) < 20_000


def test_a_key_log_is_read_whatever_else_stands_in_it(pem, key_file):
    wire = talk(pem, key_file, *KINDS[1])
    key_file.write_text(
        "# a comment\n\nCLIENT_RANDOM zz 00\nCLIENT_RANDOM 00\nRSA 00 11\n\xff\n" + key_file.read_text()
    )
    assert read(wire, read_key_log(key_file))[0] == b"".join(SAID)


def test_other_streams_pass_as_they_are():
    streams = TlsStreams(KeyLog())
    data = StreamData(connection=1, source=2, target=3, time_ns=4, data=b"INVITE sip:a@b SIP/2.0\r\n")
    assert streams.open(data) is data


def test_a_connection_that_is_over_is_forgotten():
    streams = TlsStreams(KeyLog())
    hello = StreamData(connection=1, source=2, target=3, time_ns=4, data=b"\x16\x03\x01\x00\x01\x01")
    streams.open(hello)
    streams.open(replace(hello, data=b"", is_last=True))
    assert len(streams._spoken) == 1
    streams.open(replace(hello, source=3, target=2, data=b"", is_last=True))
    assert len(streams._spoken) == 0


@settings(max_examples=150, deadline=None)
@given(pieces=st.lists(st.tuples(st.booleans(), st.booleans(), st.binary(max_size=200)), max_size=20), seed=st.binary())
def test_no_bytes_are_too_odd(pieces, seed):
    connection = TlsConnection(KeyLog(seed.decode("latin-1")))
    for is_client, has_gap, data in pieces:
        assert connection.feed(b"\x16\x03\x03" + data, is_client=is_client, has_gap=has_gap) == b""


@settings(max_examples=60, deadline=None)
@given(
    changes=st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), min_size=1, max_size=5),
    kind=st.sampled_from([0, 2, 4]),
)
def test_damage_is_never_taken_for_what_was_said(changes, kind, pem, tmp_path_factory):
    key_file = tmp_path_factory.mktemp("keys") / "keys.log"
    wire = talk(pem, key_file, *KINDS[kind])
    stream = bytearray(b"".join(data for is_client, data in wire.sent if is_client))
    for place, value in changes:
        stream[place % len(stream)] = value
    connection, said = TlsConnection(read_key_log(key_file)), b""
    server = b"".join(data for is_client, data in wire.sent if not is_client)
    hello = bytes(stream[: 5 + int.from_bytes(stream[3:5], "big")])
    said += connection.feed(hello, is_client=True)
    connection.feed(server, is_client=False)
    said += connection.feed(bytes(stream[len(hello) :]), is_client=True)
    rest = iter(b"".join(SAID))
    assert all(byte in rest for byte in said)  # the same in its order, with pieces left out
