"""TCP streams of which those under TLS are given as what was said in them."""

from dataclasses import replace

from plugins.pbx_sip.packets.tcp import StreamData
from plugins.pbx_sip.tls.connection import TlsConnection
from plugins.pbx_sip.tls.key_log import KeyLog
from plugins.pbx_sip.tls.records import is_tls

_CONNECTIONS_MAX = 16_384


class _Spoken:
    """A connection under TLS, and who began it."""

    def __init__(self, key_log: KeyLog, client: int) -> None:
        self.connection = TlsConnection(key_log)
        self.client = client
        self.closed: set[int] = set()


class TlsStreams:
    """Remembers the connections that began with TLS."""

    def __init__(self, key_log: KeyLog) -> None:
        self._key_log = key_log
        self._spoken: dict[int, _Spoken] = {}

    def open(self, data: StreamData) -> StreamData:
        """The same data; of a connection under TLS, what was said in it."""
        spoken = self._spoken.get(data.connection)
        if spoken is None:
            if not is_tls(data.data):
                return data
            if len(self._spoken) >= _CONNECTIONS_MAX:
                del self._spoken[next(iter(self._spoken))]
            spoken = self._spoken[data.connection] = _Spoken(self._key_log, data.source)
        if data.is_last:
            spoken.closed.add(data.source)
        if len(spoken.closed) == 2:
            del self._spoken[data.connection]
        plain = spoken.connection.feed(data.data, is_client=data.source == spoken.client, has_gap=bool(data.lost_bytes))
        return replace(data, data=plain)
