import io

import av
import numpy as np
import pytest

from hub.ingest import pcm, riff
from tests.doubles import audio


@pytest.mark.parametrize(("codec", "table"), [("pcm_mulaw", pcm.MU_LAW_SAMPLES), ("pcm_alaw", pcm.A_LAW_SAMPLES)])
def test_every_code_of_g711_means_what_ffmpeg_says(codec, table):
    context = av.CodecContext.create(codec, "r")
    context.sample_rate, context.layout = 8000, "mono"
    [frame] = context.decode(av.Packet(bytes(range(256))))
    assert frame.to_ndarray()[0].tolist() == table.tolist()


@pytest.mark.parametrize("law", [audio.PCM, audio.A_LAW, audio.MU_LAW])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("block_frames", [64, 1001, 1 << 16])
def test_blocks_are_the_samples_that_ffmpeg_decodes(law, channels, block_frames):
    content = audio.wav(audio.speech(0.71, channels), law)
    expected, _ = audio.decoded(content)
    assert np.array_equal(read(content, block_frames), expected)


def test_unsigned_samples_of_eight_bits_are_centred():
    content = audio.wav_of(bytes([0, 128, 255]), tag=riff.PCM)
    assert read(content).reshape(-1).tolist() == [-32768, 0, 127 << 8]


def test_half_a_frame_at_the_end_is_left_out():
    content = audio.wav_of(b"\1\0\2\0\3\0\4", tag=riff.PCM, channels=2, bits=16)
    assert read(content).tolist() == [[1, 2]]


@pytest.mark.parametrize(
    "changes", [{"channels": 0}, {"channels": 9}, {"rate_hz": 1}, {"rate_hz": 10**6}, {"block_bytes": 7}, {"bits": 24}]
)
def test_a_format_that_makes_no_sense_is_left_to_ffmpeg(changes):
    content = audio.wav_of(b"\0" * 70, **({"tag": riff.PCM, "bits": 16} | changes))
    assert pcm.name_codec(riff.read_layout(io.BytesIO(content), len(content))) == ""


def read(content, block_frames=pcm.BLOCK_FRAMES):
    file = io.BytesIO(content)
    layout = riff.read_layout(file, len(content))
    return np.concatenate(list(pcm.read_blocks(file, layout, block_frames)))
