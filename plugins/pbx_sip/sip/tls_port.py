"""A port at which connections are secured before anything is said, and that tells with whom that came to nothing.

Source: RFC 3261 section 26.3.1; RFC 8446 section 6 (alerts).
"""

import asyncio
import socket
import ssl
from collections.abc import Callable

_BACKLOG = 1024
_AT_ONCE_MAX = 2000
_HANDSHAKE_S = 10.0
_PAUSE_S = 0.5
_WORDS = {
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "it shows no certificate",
    "CERTIFICATE_VERIFY_FAILED": "its certificate is not accepted",
    "HTTP_REQUEST": "it speaks HTTP instead of TLS",
    "WRONG_VERSION_NUMBER": "it does not speak TLS",
    "UNSUPPORTED_PROTOCOL": "it speaks only versions of TLS that are too old",
    "NO_SHARED_CIPHER": "it has no cipher in common with the recorder",
    "TLSV1_ALERT_UNKNOWN_CA": "it does not accept the recorder's certificate, whose authority it does not know",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "it does not accept the recorder's certificate",
    "SSLV3_ALERT_BAD_CERTIFICATE": "it does not accept the recorder's certificate",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "it does not accept the recorder's certificate, which has expired",
}


class TlsPort:
    """Accepts connections on an address. Make it inside a running loop."""

    def __init__(
        self,
        host: str,
        port: int,
        tls: ssl.SSLContext,
        make_protocol: Callable[[], asyncio.Protocol],
        on_failure: Callable[[str, str], None],
    ) -> None:
        """on_failure: told of the host and the reason where TLS could not be agreed on. Raises: OSError."""
        self._tls = tls
        self._make_protocol = make_protocol
        self._on_failure = on_failure
        self._greeting: set[asyncio.Task[None]] = set()
        self._listener = _listen(host, port)
        self.host, self.port = str(self._listener.getsockname()[0]), int(self._listener.getsockname()[1])
        self._accepting = asyncio.get_running_loop().create_task(self._accept())

    def close(self) -> None:
        """Accept no more; connections that are secured by now live on."""
        for task in (self._accepting, *self._greeting):
            task.cancel()
        self._listener.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, address = await loop.sock_accept(self._listener)
            except OSError:  # no file numbers are left; or it is gone again
                await asyncio.sleep(_PAUSE_S)
                continue
            if len(self._greeting) >= _AT_ONCE_MAX:
                connection.close()
                continue
            task = loop.create_task(self._greet(connection, address[0]))
            self._greeting.add(task)
            task.add_done_callback(self._greeting.discard)

    async def _greet(self, connection: socket.socket, host: str) -> None:
        """Agree on TLS; whoever says nothing, or goes, is not told of: port scanners and health checks do that."""
        try:
            connection.setblocking(False)
            await asyncio.get_running_loop().connect_accepted_socket(
                self._make_protocol, connection, ssl=self._tls, ssl_handshake_timeout=_HANDSHAKE_S
            )
        except ssl.SSLEOFError:
            pass
        except ssl.SSLError as error:
            self._on_failure(host, describe_failure(error))
        except OSError:
            pass
        except asyncio.CancelledError:
            connection.close()
            raise


def describe_failure(error: ssl.SSLError) -> str:
    """Why TLS could not be agreed on, in words."""
    reason = error.reason or ""
    words = _WORDS.get(reason, f"TLS could not be agreed on ({reason.lower().replace('_', ' ') or 'unknown reason'})")
    if isinstance(error, ssl.SSLCertVerificationError):
        words = f"{words}: {error.verify_message}"
    return words


def _listen(host: str, port: int) -> socket.socket:
    """Raises: OSError."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if listener.family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener
