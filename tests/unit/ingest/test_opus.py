import io

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.ingest.encode import Encoder, choose_target
from hub.ingest.opus import FRAME_MS, OpusCoder, delimit
from tests.doubles import audio

FRAME = 8 * FRAME_MS


def stored(path, samples, rate_hz=8000, bps=13_300, block=7001):
    encoder = Encoder(path, choose_target("opus", rate_hz, samples.shape[1], bps, 1), rate_hz)
    for start in range(0, len(samples), block):
        encoder.add(samples[start : start + block])
    encoder.finish()
    return path.read_bytes()


def heard(content, decoder):
    """What a decoder says, shape (n, channels), at 48 kHz and at full scale 1."""
    with av.open(io.BytesIO(content)) as file:
        stream = file.streams.audio[0]
        context = av.CodecContext.create(decoder, "r")
        context.extradata = stream.codec_context.extradata
        context.sample_rate, context.layout = 48_000, stream.layout
        pieces = []
        for packet in file.demux(stream):
            for frame in context.decode(packet if packet.size else None):
                sound = frame.to_ndarray()
                sound = sound.T if frame.format.is_planar else sound.reshape(-1, stream.channels)
                pieces.append(sound / (32768 if sound.dtype == np.int16 else 1))
        return np.concatenate(pieces)


def closeness(said, made):
    """Their correlation where they fit best."""
    size = 2 * max(len(said), len(made))
    found = np.fft.irfft(np.fft.rfft(said, size).conj() * np.fft.rfft(made, size), size)
    return float(np.abs(found).max() / (np.linalg.norm(said) * np.linalg.norm(made)))


@pytest.mark.parametrize("decoder", ["opus", "libopus"])
@pytest.mark.parametrize(("rate_hz", "bps"), [(8000, 8_000), (8000, 13_300), (16_000, 24_000), (48_000, 64_000)])
def test_every_decoder_hears_each_party_on_its_own_channel(tmp_path, decoder, rate_hz, bps):
    step = rate_hz // 8000
    lanes = np.stack([np.repeat(audio.speech(6, seed=seed)[:, 0], step) for seed in (1, 2)], axis=1)
    made = heard(stored(tmp_path / "a.opus", lanes, rate_hz, bps), decoder)[:: 48_000 // rate_hz]
    kept = [[closeness(said, lane) for lane in made.T] for said in lanes.T.astype(float)]
    assert min(kept[0][0], kept[1][1]) > 0.8
    assert max(kept[0][1], kept[1][0]) < 0.15


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("length", [FRAME - 1, FRAME, FRAME + 1, 8000, 12_345])
def test_what_is_stored_is_exactly_as_long_as_what_was_said(tmp_path, channels, length):
    content = stored(tmp_path / "a.opus", audio.noise(2, 3000)[:length].repeat(channels, axis=1))
    made, rate_hz = audio.decoded(content)
    assert len(made) == length * rate_hz // 8000


def test_silence_is_coded_once(tmp_path):
    spoken = audio.speech(3)
    pause = np.zeros((8000 * 600, 1), np.int16)
    coder = OpusCoder(8000, 1, 13_300, 1)
    packets = coder.code(np.concatenate([spoken, pause])) + coder.finish()
    assert len(packets) == -(-603_000 // FRAME_MS) + 1
    assert len(set(packets[52:])) <= 3
    assert max(map(len, packets[54:])) < 20


@pytest.mark.parametrize(("ends_before_ms", "is_said_later"), [(30, False), (11, False), (5, True), (0, True)])
def test_only_a_sound_that_lasts_to_the_end_of_its_packet_needs_the_next_one(ends_before_ms, is_said_later):
    word = audio.speech(1, seed=1)[: 2 * FRAME - 8 * ends_before_ms]
    word[-8:] = 3000
    sound = np.concatenate([np.zeros((FRAME, 1), np.int16), word, np.zeros((8 * FRAME - len(word), 1), np.int16)])
    silence, *said = OpusCoder(8000, 1, 13_300, 0).code(sound)
    assert [packet != silence for packet in said] == [True, True, is_said_later, *[False] * 5]


def test_a_voice_on_a_line_that_hums_is_never_taken_for_silence(tmp_path):
    humming = (20 * np.sin(2 * np.pi * 50 * np.arange(80_000) / 8000)).astype(np.int16)[:, None]
    coder = OpusCoder(8000, 1, 13_300, 1)
    assert len(set(coder.code(humming))) > 20


@pytest.mark.parametrize("decoder", ["opus", "libopus"])
def test_every_word_after_a_silence_is_whole(tmp_path, decoder):
    word = audio.speech(0.7)[:, 0]
    lane = np.zeros(60 * 8000, np.int16)
    starts = [1000, 61_111, 200_003, 333_333]
    for start in starts:
        lane[start : start + len(word)] = word
    made = heard(stored(tmp_path / "a.opus", lane[:, None]), decoder)[::6, 0]
    for start in starts:
        assert closeness(word.astype(float), made[start : start + len(word) + 200]) > 0.9
    between = made[100_000:190_000]
    assert np.abs(between).max() < 0.003


@given(
    blocks=st.lists(st.integers(0, 3000), max_size=12),
    channels=st.sampled_from([1, 2]),
    loud=st.lists(st.booleans(), min_size=1, max_size=12),
)
def test_however_the_sound_comes_in_pieces_the_packets_are_the_same(blocks, channels, loud):
    sound = np.concatenate([audio.noise(0.2, 2000 if each else 2) for each in loud]).repeat(channels, axis=1)
    whole, pieces = (OpusCoder(8000, channels, channels * 13_300, 0) for _ in range(2))
    expected = whole.code(sound) + whole.finish()
    made, at = [], 0
    for length in blocks:
        made += pieces.code(sound[at : at + length])
        at += length
    assert made + pieces.code(sound[at:]) + pieces.finish() == expected


@pytest.mark.parametrize(
    ("packet", "delimited"),
    [
        (b"\x08" + b"a" * 10, b"\x08\x0a" + b"a" * 10),
        (b"\x08" + b"a" * 300, b"\x08" + bytes([252, 12]) + b"a" * 300),
        (b"\x09" + b"a" * 5 + b"b" * 5, b"\x09\x05" + b"a" * 5 + b"b" * 5),
        (b"\x0a\x03" + b"aaa" + b"bbbb", b"\x0a\x03\x04" + b"aaa" + b"bbbb"),
        (b"\x0b\x03" + b"ab" * 3, b"\x0b\x03\x02" + b"ab" * 3),
        (b"\x0b\x83\x01\x02" + b"abbccc", b"\x0b\x83\x01\x02\x03" + b"abbccc"),
        (b"\x0b\xc2\x02\x01" + b"abb" + b"\0\0", b"\x0b\xc2\x02\x01\x02" + b"abb" + b"\0\0"),
    ],
    ids=["one", "one long", "two alike", "two", "many alike", "many", "padded"],
)
def test_a_packet_that_is_not_the_last_says_where_it_ends(packet, delimited):
    assert delimit(packet) == delimited
