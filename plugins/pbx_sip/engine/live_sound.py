"""A call that goes on, as sound for whoever listens: what the workers pass on, decoded a moment later."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from plugins.pbx_sip.calls.dialog import Dialog, Listening, Side
from plugins.pbx_sip.calls.ends import sort_ends
from plugins.pbx_sip.calls.voices import keys_of
from plugins.pbx_sip.media.coding import Coding, find_coding
from plugins.pbx_sip.media.g711 import Samples
from plugins.pbx_sip.media.lanes import resample
from plugins.pbx_sip.packets.datagrams import Datagrams
from plugins.pbx_sip.rtp.packets import RtpPackets, read_rtp
from plugins.pbx_sip.rtp.srtp import SrtpKey, SrtpOpener
from plugins.pbx_sip.sdp.codecs import STATIC_CODECS, Codec

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
            codecs = _codecs_of(dialog)
            asked = {each.endpoint: each for each in reversed(dialog.listenings)}
            for target in asked.keys() & set(np.unique(targets).tolist()):
                packets = self._open(dialog, asked[target], arrived.take(targets == target))
                ear = self._ears[min(place + _channel(dialog, asked[target]), 1)]
                for row in range(len(packets)):
                    codec = codecs.get(int(packets.payload_type[row]))
                    coding = codec and not codec.is_auxiliary and find_coding(codec.name, codec.clock_rate_hz, {})
                    if coding:
                        self._hear(packets, row, ear, coding)

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

    def _hear(self, packets: RtpPackets, row: int, ear: _Ear, coding: Coding) -> None:
        pieces = coding.decode([packets.payload(row)])
        sound = resample(pieces[0], coding.rate_hz, RATE_HZ) if pieces else np.zeros(0, np.int16)
        at = int(packets.timestamp[row]) * RATE_HZ // coding.clock_hz
        ear.put(sound, at)


def _channel(dialog: Dialog, listening: Listening) -> int:
    """The caller's voice is on the left; of a recording session the first stream is."""
    if dialog.session is not None:
        return listening.section
    return 0 if listening.side is Side.CALLED else 1


def _codecs_of(dialog: Dialog) -> Mapping[int, Codec]:
    known: dict[int, Codec] = dict(STATIC_CODECS)
    for listening in dialog.listenings:
        known |= {codec.payload_type: codec for codec in listening.media.codecs}
    return known
