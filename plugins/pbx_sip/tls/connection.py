"""One TLS connection as it is seen on the wire: the plain bytes of both directions.

Source: RFC 5246 section 6.2.3.3, RFC 5288 section 3, RFC 7905 section 2 (TLS 1.2); RFC 8446 section 5.2 and 5.3.
"""

from collections import deque

from cryptography.exceptions import InvalidTag

from plugins.pbx_sip.tls import hellos
from plugins.pbx_sip.tls.key_log import CLIENT_TRAFFIC, MASTER, SERVER_TRAFFIC, KeyLog
from plugins.pbx_sip.tls.records import APPLICATION, CHANGE_CIPHER, HANDSHAKE, Record, RecordFramer
from plugins.pbx_sip.tls.suites import SUITES, Keys, Suite, make_keys12, make_keys13, next_keys

_TAG_BYTES = 16
_EXPLICIT_BYTES = 8
_MISSED_MAX = 64  # records; a gap in a capture is rarely wider
_HELD_BYTES_MAX = 1 << 14


class _Way:
    """One direction. keys: None until they are known and hold. number: of the next record under these keys.

    held: records that came before the keys were known.
    """

    def __init__(self) -> None:
        self.framer = RecordFramer()
        self.messages = hellos.MessageFramer()
        self.is_protected = False
        self.keys: Keys | None = None
        self.number = 0
        self.has_gap = False
        self.held: deque[Record] = deque()
        self._held_bytes = 0

    def hold(self, record: Record, *, is_counted: bool) -> None:
        """Keep a record until the keys are known; of many, the last ones.

        is_counted: it counts among those under the keys to come.
        """
        self.held.append(record)
        self._held_bytes += len(record.body)
        while self._held_bytes > _HELD_BYTES_MAX:
            self._held_bytes -= len(self.held.popleft().body)
            self.number += is_counted
            self.has_gap = True

    def release(self) -> deque[Record]:
        """What was held."""
        held, self.held, self._held_bytes = self.held, deque(), 0
        return held


class TlsConnection:
    """Is fed what client and server send, in the order captured, and gives what they said.

    Its keys may become known while it goes on: whoever writes them down has them no sooner than its ends.
    """

    def __init__(self, key_log: KeyLog) -> None:
        self._key_log = key_log
        self._client, self._server = _Way(), _Way()
        self._client_random = b""
        self._hello: hellos.ServerHello | None = None
        self._suite: Suite | None = None
        self._is_tls13 = False

    def feed(self, data: bytes, *, is_client: bool, has_gap: bool = False) -> bytes:
        """What was said in the next bytes of a direction; has_gap: some before them were not captured."""
        way = self._client if is_client else self._server
        if has_gap:
            way.framer.begin_anew()
            way.has_gap = True
        return b"".join([self._read(way, record) for record in way.framer.feed(data)])

    def _read(self, way: _Way, record: Record) -> bytes:
        if record.kind == CHANGE_CIPHER:
            way.is_protected = way.is_protected or not self._is_tls13
            return b""
        if record.kind == HANDSHAKE and not way.is_protected:
            for kind, content in way.messages.feed(record.body):
                self._note(kind, content)
            return b""
        if way.keys is None:
            self._find_keys()
        if self._suite is None or not way.is_protected:
            return b""
        if way.keys is None:
            way.hold(record, is_counted=not self._is_tls13)
            return b""
        read = self._read13 if self._is_tls13 else self._read12
        return b"".join([read(way, each) for each in (*way.release(), record)])

    def _note(self, kind: int, content: bytes) -> None:
        if kind == hellos.CLIENT_HELLO:
            self._client_random = hellos.read_client_random(content)
        elif kind == hellos.SERVER_HELLO and (hello := hellos.read_server_hello(content)) is not None:
            self._hello, self._is_tls13 = hello, hello.is_tls13
            self._suite = SUITES.get(hello.suite)
            for way in (self._client, self._server) if hello.is_tls13 else ():
                way.is_protected = True

    def _find_keys(self) -> None:
        """Make the keys of both directions as far as their secrets are known."""
        if self._hello is None:
            return
        secrets = self._key_log.secrets(self._client_random)
        if self._suite is None:
            if secrets:
                self._key_log.unread_suites.add(self._hello.suite)
        elif not self._is_tls13:
            if MASTER in secrets:
                keys = make_keys12(self._suite, secrets[MASTER], self._client_random, self._hello.random)
                self._client.keys, self._server.keys = keys
        else:
            for way, label in ((self._client, CLIENT_TRAFFIC), (self._server, SERVER_TRAFFIC)):
                if way.keys is None and label in secrets:
                    way.keys = make_keys13(self._suite, secrets[label])

    def _read12(self, way: _Way, record: Record) -> bytes:
        assert way.keys is not None
        assert self._suite is not None
        explicit = _EXPLICIT_BYTES if self._suite.has_salt else 0
        size = len(record.body) - explicit - _TAG_BYTES
        if size < 0:
            return b""
        for number in range(way.number, way.number + (_MISSED_MAX if way.has_gap else 1)):
            counted = number.to_bytes(8, "big")
            nonce = way.keys.iv + record.body[:explicit] if explicit else _mask(way.keys.iv, counted)
            head = counted + record.head[:3] + size.to_bytes(2, "big")
            plain = _open(way.keys, nonce, record.body[explicit:], head)
            if plain is not None:
                way.number, way.has_gap = number + 1, False
                return plain if record.kind == APPLICATION else b""
        way.number += 1
        return b""

    def _read13(self, way: _Way, record: Record) -> bytes:
        """Records of the handshake are under keys of its own: the first that opens is the first of the application."""
        assert way.keys is not None
        for number in range(way.number, way.number + (_MISSED_MAX if way.has_gap else 1)):
            plain = _open(way.keys, _mask(way.keys.iv, number.to_bytes(8, "big")), record.body, record.head)
            if plain is not None:
                way.number, way.has_gap = number + 1, False
                return self._take_inner(way, plain.rstrip(b"\0"))
        return b""

    def _take_inner(self, way: _Way, inner: bytes) -> bytes:
        """What a record of TLS 1.3 holds before the byte that says what it is."""
        kind, content = inner[-1:], inner[:-1]
        if kind == bytes([APPLICATION]):
            return content
        if kind == bytes([HANDSHAKE]) and content[:1] == bytes([hellos.KEY_UPDATE]) and way.keys and self._suite:
            way.keys, way.number = next_keys(self._suite, way.keys), 0
        return b""


def _mask(iv: bytes, counted: bytes) -> bytes:
    return (int.from_bytes(iv, "big") ^ int.from_bytes(counted, "big")).to_bytes(len(iv), "big")


def _open(keys: Keys, nonce: bytes, body: bytes, head: bytes) -> bytes | None:
    try:
        return keys.cipher.decrypt(nonce, body, head)
    except (InvalidTag, ValueError):
        return None
