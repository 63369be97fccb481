"""Samples as a recording of Voicemail Pro: encoded, with its metadata where the call says, put in place at once."""

import io
import os
import struct
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import cast
from xml.sax.saxutils import escape

import av
import numpy as np

from plugins.ipoffice.demo.calls import DemoCall

# name: (encoder, rate in Hz, WAVE format tag, bits a sample as the header says)
WAVE_FORMS = {
    "ulaw": ("pcm_mulaw", 8000, 0x0007, 8),
    "alaw": ("pcm_alaw", 8000, 0x0006, 8),
    "pcm": ("pcm_s16le", 8000, 0x0001, 16),
    "g722": ("g722", 16_000, 0x028F, 4),
}
OPUS_RATE_HZ = 16_000
OPUS_BIT_RATE_BPS = 16_000
INFO_NAMES = {"agent": b"IART", "started_at": b"ICRD"}


def save_call(folder: Path, call: DemoCall, samples: np.ndarray, rate_hz: int, now: datetime) -> Path:
    """Write a recording under another name and rename it, with the time at which the call ended.

    samples: float64, shape (n,), 16-bit range. now: aware.
    """
    ended_at = _end(call, now)
    started_at = ended_at - timedelta(seconds=len(samples) / rate_hz)
    facts = {"started_at": started_at.isoformat(timespec="seconds"), **call.facts}
    stem = f"{started_at:%Y%m%d%H%M%S}_{facts['callid']}"
    if call.told_by == "filename":
        stem = f"{started_at:%Y%m%d%H%M%S}_{facts['caller']}_{facts['called']}_{facts['callid']}"
    if call.told_by == "sidecar":
        _put(folder / f"{stem}.xml", _xml(facts), ended_at)
    if call.form == "opus":
        return _put(folder / f"{stem}.opus", _opus(samples, rate_hz, facts), ended_at)
    chunks = _chunks(facts, call.told_by)
    return _put(folder / f"{stem}.wav", _wave(samples, rate_hz, call.form, chunks), ended_at)


def _end(call: DemoCall, now: datetime) -> datetime:
    if not call.clock:
        return now - timedelta(minutes=call.minutes_ago)
    hour, minute = (int(part) for part in call.clock.split(":"))
    day = now.astimezone() - timedelta(days=call.days_ago)
    return day.replace(hour=hour, minute=minute, second=17).astimezone(now.tzinfo)


def _put(path: Path, data: bytes, ended_at: datetime) -> Path:
    part = path.with_name(path.name + ".tmp")
    part.write_bytes(data)
    os.utime(part, (ended_at.timestamp(), ended_at.timestamp()))
    return part.rename(path)


def _chunks(facts: dict[str, str], told_by: str) -> bytes:
    """Metadata chunks of a WAV file, as text in a LIST/INFO or as XML in a chunk of its own."""
    if told_by == "xml":
        return _chunk(b"CALL", _xml(facts))
    if told_by == "info":
        rest = "; ".join(f"{name}={value}" for name, value in facts.items() if name not in INFO_NAMES)
        named = b"".join(
            _chunk(tag, facts[name].encode() + b"\0") for name, tag in INFO_NAMES.items() if facts.get(name)
        )
        return _chunk(b"LIST", b"INFO" + named + _chunk(b"ICMT", rest.encode() + b"\0"))
    return b""


def _xml(facts: dict[str, str]) -> bytes:
    members = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in facts.items())
    return f'<?xml version="1.0" encoding="UTF-8"?><recording>{members}</recording>'.encode()


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) & 1)


def _wave(samples: np.ndarray, rate_hz: int, form: str, metadata: bytes) -> bytes:
    encoder, target_hz, tag, bits = WAVE_FORMS[form]
    data = _encode(_resampled(samples, rate_hz, target_hz), target_hz, encoder)
    bytes_per_s = target_hz * bits // 8
    head = struct.pack("<HHIIHHH", tag, 1, target_hz, bytes_per_s, max(1, bits // 8), bits, 0)
    body = b"WAVE" + _chunk(b"fmt ", head) + metadata + _chunk(b"data", data)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _encode(samples: np.ndarray, rate_hz: int, encoder: str) -> bytes:
    if encoder == "pcm_s16le":
        return samples.tobytes()
    codec = cast("av.AudioCodecContext", av.CodecContext.create(encoder, "w"))
    codec.sample_rate, codec.format, codec.layout = rate_hz, "s16", "mono"
    packets = [bytes(packet) for frame in _frames(samples, rate_hz) for packet in codec.encode(frame)]
    return b"".join(packets + [bytes(packet) for packet in codec.encode(None)])


def _opus(samples: np.ndarray, rate_hz: int, facts: dict[str, str]) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="ogg") as output:
        output.metadata.update({name.upper(): value for name, value in facts.items()})
        stream = output.add_stream("libopus", rate=OPUS_RATE_HZ, layout="mono", options={"application": "voip"})
        stream.bit_rate = OPUS_BIT_RATE_BPS
        for frame in _frames(_resampled(samples, rate_hz, OPUS_RATE_HZ), OPUS_RATE_HZ):
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


def _frames(samples: np.ndarray, rate_hz: int) -> list[av.AudioFrame]:
    """Frames of 20 ms; samples: int16, shape (n,)."""
    step = rate_hz // 50
    frames = []
    for start in range(0, len(samples), step):
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis, start : start + step], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = rate_hz, start, Fraction(1, rate_hz)
        frames.append(frame)
    return frames


def _resampled(samples: np.ndarray, rate_hz: int, target_hz: int) -> np.ndarray:
    """Samples at another rate, without what that rate cannot carry; int16, shape (n,)."""
    source = av.AudioFrame.from_ndarray(samples.astype(np.float32)[np.newaxis, :] / 32768, format="flt", layout="mono")
    source.sample_rate = rate_hz
    resampler = av.AudioResampler(format="s16", layout="mono", rate=target_hz)
    frames = [*resampler.resample(source), *resampler.resample(None)]
    return np.concatenate([frame.to_ndarray()[0] for frame in frames])
