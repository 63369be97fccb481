"""The desk: what one media file is, how it sounds to the eye, and the form in which it is stored or played.

It knows nothing of networks, stores and databases, and runs in a process of its own (`desk_process`), because the
files it opens come from strangers.
"""

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from hub.ingest import ogg, pcm, riff
from hub.ingest.decode import Decoder, NotAudio
from hub.ingest.encode import EncodeFailed, Encoder, Target, choose_target
from hub.ingest.finding import FILE_DAMAGED, FILE_EMPTY, FILE_PARSE_ERROR, Finding, MadeFile, Wanted
from hub.ingest.frames import Framer
from hub.ingest.pcm import Samples
from hub.ingest.peaks import PeakMeter
from hub.ingest.sniff import HEAD_BYTES, sniff
from hub.ingest.speech import SpeechMeter
from hub.vault.formats import extension

AUDIO_MAX_S = 24 * 3600
_PLAYED_CHANNELS_MAX = 2
PEAKS_EXTENSION = "peaks"
# What Chromium, Firefox and Safari all play, by container and FFmpeg's name of the codec, and the form that it is.
_FORMS = {
    ("wav", "pcm_u8"): "wav",
    ("wav", "pcm_s16le"): "wav",
    ("wav", "pcm_alaw"): "wav",
    ("wav", "pcm_mulaw"): "wav",
    ("ogg", "opus"): "opus",
    ("mp3", "mp3"): "mp3",
    ("flac", "flac"): "flac",
    ("adts", "aac"): "aac",
    ("mp4", "aac"): "aac",
}


def examine(path: Path, stem: Path, wanted: Wanted, on_progress: Callable[[], None]) -> Finding:
    """Look at the media file `path` and write what is made of it to `stem` with an extension each.

    on_progress: called at least once for some seconds of audio, so that a hang can be told from work.
    """
    with ExitStack() as stack:
        file = stack.enter_context(path.open("rb"))
        head = file.read(HEAD_BYTES)
        container = sniff(head)
        if not container:
            return Finding(extension=extension(""), problem=(FILE_PARSE_ERROR, _describe_unknown(head)))
        try:
            reading = _open(stack, path, file, container)
            return _Pass(reading, stem, wanted, on_progress).run()
        except NotAudio as exc:
            text = f"it looks like {container} and is not: {exc}"
            return Finding(container=container, extension=extension(container), problem=(FILE_PARSE_ERROR, text))


@dataclass(slots=True, kw_only=True)
class _Reading:
    """One file opened for one pass over its audio.

    samples: in each channel as the header has it, 0 if that is not known. flaw: what its structure lacks.
    """

    container: str
    codec: str
    sample_rate_hz: int
    channels: int
    samples: int
    blocks: Iterator[Samples]
    flaw: str
    is_sound: bool
    decoder: Decoder | None = None

    @property
    def late_flaw(self) -> str:
        """What decoding met."""
        return self.decoder.flaw if self.decoder else ""


def _open(stack: ExitStack, path: Path, file: BinaryIO, container: str) -> _Reading:
    size_bytes = file.seek(0, os.SEEK_END)
    flaw, is_sound = "", True
    if container == "ogg":
        flaw = ogg.read_layout(file, size_bytes).flaw
    elif container == "wav" and (layout := riff.read_layout(file, size_bytes)):
        flaw, is_sound = layout.flaw, layout.is_sized
        if codec := pcm.name_codec(layout):
            return _Reading(
                container=container,
                codec=codec,
                sample_rate_hz=layout.sample_rate_hz,
                channels=layout.channels,
                samples=layout.data_bytes // layout.block_bytes,
                blocks=pcm.read_blocks(file, layout),
                flaw=flaw,
                is_sound=is_sound,
            )
    decoder = stack.enter_context(Decoder(path, container))
    audio = decoder.audio
    return _Reading(
        container=container,
        codec=audio.codec,
        sample_rate_hz=audio.sample_rate_hz,
        channels=audio.channels,
        samples=round(audio.duration_s * audio.sample_rate_hz),
        blocks=decoder.read_blocks(),
        flaw=flaw,
        is_sound=is_sound,
        decoder=decoder,
    )


class _Pass:
    """One pass over the audio of one file, which feeds peaks, the search for speech and the encoder."""

    def __init__(self, reading: _Reading, stem: Path, wanted: Wanted, on_progress: Callable[[], None]) -> None:
        self._reading = reading
        self._stem = stem
        self._on_progress = on_progress
        self._folds = wanted.folds and reading.channels > _PLAYED_CHANNELS_MAX
        self._playable = reading.is_sound and not self._folds and (reading.container, reading.codec) in _FORMS
        self._target = self._choose_target(wanted)
        self._is_complete = self._is_read = True
        if wanted.form_waits and self._target and self._playable:
            self._target, self._is_complete = None, False
        self._framer = Framer(reading.sample_rate_hz, reading.channels)
        self._peaks = PeakMeter(reading.sample_rate_hz, reading.channels)
        self._speech = SpeechMeter()
        self._encoder: Encoder | None = None
        self._encode_error = ""
        self._samples = 0
        self._budget = _Budget(wanted.budget_cpu_s, reading.samples)

    def run(self) -> Finding:
        """Read all audio once."""
        reading = self._reading
        try:
            self._read()
            derived = self._finish_form()
        finally:
            if self._encoder:
                self._encoder.close()
        return Finding(
            container=reading.container,
            codec=reading.codec,
            extension=extension(reading.container, reading.codec),
            sample_rate_hz=reading.sample_rate_hz,
            channels=reading.channels,
            duration_s=(self._samples if self._is_read else reading.samples) / reading.sample_rate_hz,
            browser_playable=self._playable and self._samples > 0,
            has_speech=self._speech.decide(),
            problem=self._find_problem(),
            encode_error=self._encode_error,
            derived=derived,
            peaks=self._write_peaks() if self._samples and self._is_read else None,
            is_complete=self._is_complete,
        )

    def _read(self) -> None:
        for block in self._reading.blocks:
            self._on_progress()
            self._samples += len(block)
            self._measure(self._framer.cut(block))
            if self._target and not self._encode_error:
                self._encode(block, self._target)
            if self._budget.is_spent:
                self._is_complete = self._is_read = False
                return
            if self._samples > AUDIO_MAX_S * self._reading.sample_rate_hz:
                self._reading.flaw = f"only its first {AUDIO_MAX_S // 3600} hours were looked at"
                break
        self._measure(self._framer.finish())

    def _encode(self, block: Samples, target: Target) -> None:
        try:
            if self._encoder is None:
                self._encoder = Encoder(self._form_path(target), target, self._reading.sample_rate_hz)
            self._encoder.add(_fold(block) if self._folds else block)
        except EncodeFailed as exc:
            self._encode_error = str(exc)
        if self._budget.will_not_do(self._samples):
            self._is_complete, self._target = False, None

    def _measure(self, frames: Samples) -> None:
        if len(frames):
            self._peaks.add(frames)
            self._speech.add(frames)

    def _choose_target(self, wanted: Wanted) -> Target | None:
        """The form to make; None if the original is what is wanted, and plays."""
        reading = self._reading
        if self._playable and wanted.form in {"keep", _FORMS.get((reading.container, reading.codec))}:
            return None
        form = "opus" if wanted.form == "keep" else wanted.form
        channels = _PLAYED_CHANNELS_MAX if self._folds else reading.channels
        return choose_target(form, reading.sample_rate_hz, channels, wanted.opus_bps, wanted.opus_complexity)

    def _form_path(self, target: Target) -> Path:
        return self._stem.with_name(f"{self._stem.name}.{target.extension}")

    def _finish_form(self) -> MadeFile | None:
        if self._encoder is None or self._target is None or self._encode_error:
            return None
        try:
            self._encoder.finish()
        except EncodeFailed as exc:
            self._encode_error = str(exc)
            return None
        path = self._form_path(self._target)
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return MadeFile(
            name=path.name,
            size_bytes=path.stat().st_size,
            sha256=sha256,
            container=self._target.container,
            codec=self._target.codec.removeprefix("lib").replace("mp3lame", "mp3"),
            extension=self._target.extension,
            sample_rate_hz=self._target.sample_rate_hz,
            channels=self._target.channels,
        )

    def _write_peaks(self) -> MadeFile:
        content = self._peaks.encode(self._samples)
        path = self._stem.with_name(f"{self._stem.name}.{PEAKS_EXTENSION}")
        path.write_bytes(content)
        return MadeFile(name=path.name, size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())

    def _find_problem(self) -> tuple[str, str] | None:
        flaw = self._reading.flaw or self._reading.late_flaw
        if not self._samples:
            return FILE_EMPTY, f"it holds no audio{f': {flaw}' if flaw else ''}"
        return (FILE_DAMAGED, flaw) if flaw else None


def _fold(block: Samples) -> Samples:
    """The first channel left, all others right, clipped where they are loud together."""
    others = np.clip(block[:, 1:].sum(axis=1, dtype=np.int32), -32768, 32767)
    return np.stack([block[:, 0], others.astype(np.int16)], axis=1)


class _Budget:
    """Whether one pass fits into the processor time it was given; without a known length it always does."""

    def __init__(self, cpu_s: float | None, samples: int) -> None:
        self._cpu_s = cpu_s if samples else None
        self._samples = samples
        self._began_s = time.thread_time()

    @property
    def is_spent(self) -> bool:
        """Whether twice the budget is gone."""
        return self._cpu_s is not None and time.thread_time() - self._began_s > 2 * self._cpu_s

    def will_not_do(self, samples: int) -> bool:
        """Whether going on as for the first `samples` would exceed it."""
        if self._cpu_s is None:
            return False
        used_s = time.thread_time() - self._began_s
        return used_s > self._cpu_s / 10 and used_s / samples * self._samples > self._cpu_s


def _describe_unknown(head: bytes) -> str:
    if not head:
        return "the file is empty"
    return f"its content is of no known audio format, or encrypted: it begins with {head[:8].hex(' ')}"
