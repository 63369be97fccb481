import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.ingest.frames import Framer, frame_samples
from hub.ingest.peaks import PeakMeter
from hub.vault.peaks import COARSE, FINE, FIT, FIT_POINTS_MAX, HEADER_BYTES, LEVELS, find_level
from tests.doubles import audio


def peaks_of(samples, rate_hz=8000, block=5000):
    framer, meter = Framer(rate_hz, samples.shape[1]), PeakMeter(rate_hz, samples.shape[1])
    for start in range(0, len(samples), block):
        meter.add(framer.cut(samples[start : start + block]))
    meter.add(framer.finish())
    return meter.encode(len(samples))


def points_of(content, level, channels=1):
    found = find_level(content[:HEADER_BYTES], level)
    data = content[found.offset : found.offset + found.size_bytes]
    return np.frombuffer(data, np.int8).reshape(-1, channels, 2), found


def test_each_channel_has_its_own_peaks():
    samples = np.zeros((8000, 2), np.int16)
    samples[4000, 0], samples[4001, 1] = 32767, -32768
    points, _ = points_of(peaks_of(samples), FINE, 2)
    assert points[:, 0, 1].max() == 127
    assert points[:, 0, 0].min() == 0
    assert points[:, 1, 0].min() == -128
    assert points[:, 1, 1].max() == 0


def test_a_long_recording_fits_into_a_page_and_can_be_zoomed():
    samples = audio.speech(90)
    content = peaks_of(samples)
    fit, about_fit = points_of(content, FIT)
    assert len(fit) <= FIT_POINTS_MAX
    assert about_fit.samples_per_point * len(fit) >= len(samples)
    assert len(points_of(content, COARSE)[0]) == 900
    assert len(points_of(content, FINE)[0]) == 2250


def test_levels_agree_with_one_another():
    content = peaks_of(audio.speech(10))
    assert {points_of(content, level)[0].max() for level in range(LEVELS)} == {points_of(content, FINE)[0].max()}


def test_a_level_alone_is_a_peaks_object_too():
    content = peaks_of(audio.speech(3, channels=2))
    points, found = points_of(content, FINE, 2)
    alone = found.wrap(content[found.offset : found.offset + found.size_bytes])
    only = find_level(alone, 0)
    assert (only.points, only.samples_per_point) == (found.points, found.samples_per_point)
    assert alone[only.offset :] == points.tobytes()


def test_an_empty_recording_has_empty_levels():
    content = peaks_of(np.zeros((0, 1), np.int16))
    assert [points_of(content, level)[1].points for level in range(LEVELS)] == [0, 0, 0]


@pytest.mark.parametrize("rate_hz", [8000, 11025, 16000, 44100, 48000])
def test_a_point_says_how_many_samples_it_stands_for(rate_hz):
    samples = np.zeros((rate_hz * 2, 1), np.int16)
    _, found = points_of(peaks_of(samples, rate_hz), FINE)
    assert found.samples_per_point == 2 * frame_samples(rate_hz)
    assert found.points == -(-len(samples) // found.samples_per_point)


@given(st.lists(st.integers(1, 1500), max_size=12), st.integers(1, 3))
def test_blocks_of_any_length_give_the_same_frames(lengths, channels):
    samples = np.arange(sum(lengths) * channels, dtype=np.int64).astype(np.int16).reshape(-1, channels)
    framer, at, frames = Framer(8000, channels), 0, []
    for length in lengths:
        frames.append(framer.cut(samples[at : at + length]))
        at += length
    frames.append(framer.finish())
    joined = np.concatenate(frames).reshape(-1, channels)
    assert np.array_equal(joined[: len(samples)], samples)
    assert len(joined) - len(samples) < frame_samples(8000)


@given(st.binary(max_size=HEADER_BYTES))
def test_what_is_no_peaks_object_is_refused(head):
    with pytest.raises(ValueError, match="no "):
        find_level(head if not head.startswith(b"RHPK") else b"", FIT)


@given(st.binary(min_size=16, max_size=64), st.integers(0, 5))
def test_a_damaged_header_is_survived(rest, level):
    try:
        found = find_level(b"RHPK\x01" + rest, level)
    except (ValueError, struct.error):
        return
    assert found.points >= 0
