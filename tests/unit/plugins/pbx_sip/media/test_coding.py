"""Sound of every coding that can be decoded, from payloads as they travel."""

import io

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.pbx_sip.media import amr, g711
from plugins.pbx_sip.media.coding import find_coding
from plugins.pbx_sip.media.lanes import resample
from tests.doubles import audio

RATE_HZ = 8000
SPEECH = audio.speech(2)[:, 0]


def encoded(codec, samples, rate_hz, container, **options):
    """The bare frames that FFmpeg makes."""
    content = io.BytesIO()
    with av.open(content, "w", format=container) as opened:
        stream = opened.add_stream(codec, rate=rate_hz, options=options)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = rate_hz
        return [bytes(packet) for given in (frame, None) for packet in stream.encode(given)]


def likeness(one, other, most_late=300):
    """The best correlation over small delays: coders look ahead."""
    length = min(len(one), len(other)) - most_late
    one, other = one.astype(float), other.astype(float)
    return max(np.corrcoef(one[late : late + length], other[:length])[0, 1] for late in range(most_late))


def decoded(name, payloads, clock_hz=RATE_HZ, **parameters):
    coding = find_coding(name, clock_hz, parameters)
    pieces = coding.decode(payloads)
    assert len(pieces) == len(payloads)
    return coding, pieces


@pytest.mark.parametrize(("name", "law"), [("PCMU", audio.MU_LAW), ("PCMA", audio.A_LAW)])
def test_g711_is_what_was_said(name, law):
    octets = audio.companded(SPEECH.reshape(-1, 1), law)
    _, pieces = decoded(name, [octets[:160], octets[160:400]])
    assert [len(piece) for piece in pieces] == [160, 240]
    assert likeness(np.concatenate(decoded(name, [octets])[1]), SPEECH, 4) > 0.99


def test_g711_goes_there_and_back_unchanged():
    every = np.arange(256, dtype=np.uint8)
    assert (g711.compress_a(g711.A_LAW[every]) == every).all()
    assert (g711.MU_LAW[g711.compress_mu(g711.MU_LAW[every])] == g711.MU_LAW[every]).all()


def test_g722_has_two_samples_for_each_tick_of_its_clock():
    wide = resample(SPEECH, 8000, 16000)
    octets = b"".join(encoded("g722", wide, 16000, "g722"))
    coding, pieces = decoded("G722", [octets[start : start + 160] for start in range(0, len(octets), 160)])
    assert (coding.clock_hz, coding.rate_hz) == (8000, 16000)
    assert len(pieces[0]) == 320
    assert likeness(np.concatenate(pieces), wide) > 0.95


@pytest.mark.parametrize("bits", [2, 3, 4, 5])
def test_g726_is_read_at_every_rate(bits):
    octets = b"".join(encoded("g726le", SPEECH, RATE_HZ, "g726le", code_size=str(bits)))
    size = bits * 20
    _, pieces = decoded(f"G726-{bits * 8}", [octets[start : start + size] for start in range(0, len(octets), size)])
    assert len(pieces[0]) == 160
    assert likeness(np.concatenate(pieces), SPEECH) > 0.8


def test_opus_comes_at_sixteen_kilohertz():
    packets = encoded("libopus", SPEECH, RATE_HZ, "ogg", application="voip")
    coding, pieces = decoded("opus", packets, 48000)
    assert coding.rate_hz == 16000
    assert likeness(np.concatenate(pieces)[::2], SPEECH) > 0.9


@pytest.mark.parametrize("octet_aligned", [True, False])
def test_amr_is_read_in_both_of_its_formats(octet_aligned):
    frames = encoded("libopencore_amrnb", SPEECH, RATE_HZ, "amr")
    payloads = [_aligned(frame) if octet_aligned else _packed(frame) for frame in frames]
    assert amr.read_frames(payloads[0], is_wide=False, octet_aligned=octet_aligned) == [frames[0]]
    _, pieces = decoded("AMR", payloads, **({"octet-align": "1"} if octet_aligned else {}))
    assert len(pieces[0]) == 160
    assert likeness(np.concatenate(pieces), SPEECH) > 0.8


def _aligned(frame):
    return b"\xf0" + frame


def _packed(frame):
    """Source: RFC 4867 section 4.3."""
    bits = {4: 95, 12: 103, 20: 118, 28: 134, 36: 148, 44: 159, 52: 204, 60: 244}[frame[0] & 0x7C]
    content = int.from_bytes(frame[1:], "big") >> (len(frame) - 1) * 8 - bits
    total = 4 + 6 + bits
    whole = (15 << 6 | (frame[0] & 0x7C) >> 2) << bits | content
    return (whole << -total % 8).to_bytes(-(-total // 8), "big")


def test_comfort_noise_at_the_end_of_g729_is_no_sound():
    _, pieces = decoded("G729", [bytes(20), bytes(12), bytes(2)])
    assert [len(piece) for piece in pieces] == [160, 80, 0]


def test_linear_sound_stands_with_the_first_octet_high():
    _, pieces = decoded("L16", [SPEECH.astype(">i2").tobytes() + b"\x01"])
    assert (pieces[0] == SPEECH).all()


def test_a_coding_that_nobody_knows_is_none():
    assert find_coding("EVS", 16000, {}) is None


@pytest.mark.parametrize(
    ("name", "clock_hz"),
    [("PCMU", 8000), ("L16", 8000), ("G722", 8000), ("G729", 8000), ("GSM", 8000), ("ILBC", 8000), ("G726-32", 8000),
     ("opus", 48000), ("SPEEX", 8000), ("SPEEX", 16000), ("AMR", 8000), ("AMR-WB", 16000)],
)  # fmt: skip
@settings(max_examples=12, deadline=None)
@given(payloads=st.lists(st.binary(max_size=80), max_size=4))
def test_no_payload_breaks_a_decoder(name, clock_hz, payloads):
    _, pieces = decoded(name, payloads, clock_hz)
    assert all(piece.dtype == np.int16 for piece in pieces)


@pytest.mark.parametrize("bits", [2, 3, 4, 5])
def test_g726_is_heard_alike_whichever_way_its_samples_are_packed(bits):
    codes = np.random.default_rng(bits).integers(0, 1 << bits, 800)
    packed = []
    for order in ("little", "big"):
        places = np.arange(bits) if order == "little" else np.arange(bits)[::-1]
        packed.append(np.packbits(codes[:, None] >> places & 1, bitorder=order).tobytes())
    lowest, highest = (find_coding(f"{name}G726-{bits * 8}", 8000, {}) for name in ("", "AAL2-"))
    [one], [other] = lowest.decode([packed[0]]), highest.decode([packed[1]])
    assert len(one) == 800
    assert (one == other).all()
