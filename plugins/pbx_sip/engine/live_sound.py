"""A call that goes on, as sound for whoever listens: what the workers pass on, decoded a moment later."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from plugins.pbx_sip.calls.dialog import Dialog, Listening, Side
from plugins.pbx_sip.calls.ends import sort_ends
from plugins.pbx_sip.calls.voices import Voice, codecs_of, keys_of
from plugins.pbx_sip.engine.live_voice import LiveVoice
from plugins.pbx_sip.media.g711 import Samples
from plugins.pbx_sip.packets.datagrams import Datagrams
from plugins.pbx_sip.rtp.packets import RtpPackets, read_rtp
from plugins.pbx_sip.rtp.srtp import SrtpKey, SrtpOpener

RATE_HZ = 8000
BLOCK_SAMPLES = 160
_BLOCK_S = BLOCK_SAMPLES / RATE_HZ
_DELAY_SAMPLES = RATE_HZ * 3 // 10  # as long packets may take, the flush of the line with them
_WAITING_MAX = 50
_ROOM_SAMPLES = RATE_HZ * 4


@dataclass(slots=True)
class _Ear:
    """One channel: the next seconds of sound. taken: how many samples were; offset: from the sender's clock to that."""

    sound: Samples = field(default_factory=lambda: np.zeros(_ROOM_SAMPLES, np.int16))
    taken: int = 0
    offset: int | None = None

    def put(self, samples: Samples, at: int) -> None:
        """Place samples at a moment of their sender's clock, which the first of them ties to ours."""
        place = -1 if self.offset is None else at + self.offset - self.taken
        if not 0 <= place < RATE_HZ:
            place = _DELAY_SAMPLES
            self.offset = place + self.taken - at
        self.sound[place : place + len(samples)] = samples[: _ROOM_SAMPLES - place]

    def take(self, count: int) -> Samples:
        """The next samples, which are then gone."""
        taken = self.sound[:count].copy()
        self.sound[:-count] = self.sound[count:]
        self.sound[-count:] = 0
        self.taken += count
        return taken


class Listener:
    """One who listens to a call; gets what is passed on of it by `put`."""

    def __init__(self, dialogs: Callable[[], Sequence[Dialog]]) -> None:
        """dialogs: those in which the call comes by now, one for each of its ends if there are several."""
        self._dialogs = dialogs
        self._arrived: asyncio.Queue[Datagrams] = asyncio.Queue(_WAITING_MAX)
        self._ears = (_Ear(), _Ear())
        self._openers: dict[tuple[SrtpKey, ...], SrtpOpener] = {}
        self._voices: dict[tuple[str, Side, int], LiveVoice] = {}
        self._clock = 0
        self.is_over = False

    def put(self, datagrams: Datagrams) -> None:
        """What was captured just now; a listener who cannot keep up misses some."""
        if not self._arrived.full():
            self._arrived.put_nowait(datagrams)

    async def blocks(self) -> AsyncIterator[bytes]:
        """PCM of 16 bits, stereo, 20 ms each, in true time, until the call is over."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        while not self.is_over:
            await asyncio.sleep(max(began_s + self._clock * _BLOCK_S - loop.time(), 0.0))
            while not self._arrived.empty():
                self._take_in(self._arrived.get_nowait())
            self._clock += 1
            stereo = np.stack([ear.take(BLOCK_SAMPLES) for ear in self._ears], axis=1)
            yield stereo.astype("<i2").tobytes()

    def _take_in(self, datagrams: Datagrams) -> None:
        arrived, is_rtp = read_rtp(datagrams.buffer, datagrams.time_ns, datagrams.offset, datagrams.length)
        targets = datagrams.target[is_rtp]
        for place, dialog in enumerate(sort_ends(self._dialogs())):
            asked = {each.endpoint: each for each in reversed(dialog.listenings) if each.media.kind == "audio"}
            for target in asked.keys() & set(np.unique(targets).tolist()):
                packets = self._open(dialog, asked[target], arrived.take(targets == target))
                ear = self._ears[min(place + _channel(dialog, asked[target]), 1)]
                self._hear(dialog, asked[target], packets, ear)

    def _open(self, dialog: Dialog, listening: Listening, packets: RtpPackets) -> RtpPackets:
        """The packets decrypted, where whoever sends them encrypts."""
        both = [each for each in dialog.listenings if each.section == listening.section]
        if any(each.media.is_dtls for each in both):
            return packets.take(np.empty(0, np.intp))
        is_secure = both[-1].media.is_secure
        may_be = any(each.media.is_secure for each in both)
        if not may_be and not all(any(each.media.crypto for each in both if each.side is side) for side in Side):
            return packets
        keys = tuple(keys_of(each for each in both if each.side is not listening.side))
        if keys not in self._openers:
            self._openers[keys] = SrtpOpener(keys)
        opened, _ = self._openers[keys].decrypt(packets)
        return opened if is_secure or len(opened) else packets

    def _hear(self, dialog: Dialog, listening: Listening, packets: RtpPackets, ear: _Ear) -> None:
        side, section = listening.side.other, listening.section
        lines = [each for each in dialog.listenings if each.section == section and each.media.kind == "audio"]
        codecs = codecs_of(*([each for each in lines if each.side is one] for one in (side.other, side)))
        live = self._voices.setdefault((dialog.call_id, side, section), LiveVoice(RATE_HZ))
        for at, sound in live.decode(Voice(side=side, section=section, packets=packets, codecs=tuple(codecs))):
            ear.put(sound, at)


def _channel(dialog: Dialog, listening: Listening) -> int:
    """The caller's voice is on the left; of a recording session the first stream is."""
    if dialog.session is not None:
        return listening.section
    return 0 if listening.side is Side.CALLED else 1
