"""TLS connections between real ends, and the bytes that went over the wire in each direction."""

import datetime as dt
import socket
import ssl
import subprocess
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

T = TypeVar("T")


@dataclass
class Wire:
    """What was sent, in order: (by the client, bytes)."""

    sent: list[tuple[bool, bytes]] = field(default_factory=list)


def make_pem(folder: Path) -> Path:
    """A key of RSA and its certificate, in one file."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pbx.example.com")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = folder / "pbx.pem"
    private = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(*private))
    return pem


class Ends:
    """A client and a server of OpenSSL in this process; the client writes its keys down."""

    def __init__(self, pem: Path, key_log: Path, version: ssl.TLSVersion, ciphers: str = "") -> None:
        self.wire = Wire()
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(pem)
        server.minimum_version = server.maximum_version = version
        if ciphers:
            server.set_ciphers(ciphers)
        client = client_context(key_log)
        if ciphers:
            client.set_ciphers(ciphers)
        self._to_server, self._to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._from_client, self._from_server = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._client = client.wrap_bio(self._to_client, self._from_client)
        self._server = server.wrap_bio(self._to_server, self._from_server, server_side=True)
        for _ in range(4):
            for end in (self._client, self._server):
                with suppress(ssl.SSLWantReadError):
                    end.do_handshake()
                self._carry()

    def say(self, content: bytes, *, is_client: bool) -> None:
        """One side says something, and the other hears it."""
        speaker, hearer = (self._client, self._server) if is_client else (self._server, self._client)
        speaker.write(content)
        self._carry()
        heard = b""
        while len(heard) < len(content):
            heard += hearer.read()
        assert heard == content

    def _carry(self) -> None:
        for is_client, out, into in (
            (True, self._from_client, self._to_server),
            (False, self._from_server, self._to_client),
        ):
            if data := out.read():
                self.wire.sent.append((is_client, data))
                into.write(data)


def client_context(key_log: Path) -> ssl.SSLContext:
    """A client that trusts everybody and writes its keys down."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    client.keylog_filename = str(key_log)
    return client


class OpenSsl:
    """`openssl s_server` and a client of it whose bytes on the wire are kept; options: of the server."""

    def __init__(self, pem: Path, key_log: Path, *options: str) -> None:
        self.wire = Wire()
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            port = free.getsockname()[1]
        server = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", str(pem), "-key", str(pem), *options]
        command = ["stdbuf", "--output=L", *server]  # it does not say at once what it did when it was typed to
        self._server = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self._await(b"ACCEPT")
        self._link = socket.create_connection(("127.0.0.1", port), 10)
        self._into, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._end = client_context(key_log).wrap_bio(self._into, self._out)
        self._run(self._shake_hands)

    def say(self, line: bytes) -> None:
        """The client says a line."""
        self._run(lambda: self._end.write(line))

    def hear(self) -> bytes:
        """The next line that the client hears."""
        heard = b""
        while not heard.endswith(b"\n"):
            heard += self._run(self._end.read)
        return heard

    def type(self, line: bytes) -> None:
        """Type a line into the server: what it says."""
        assert self._server.stdin is not None
        self._server.stdin.write(line)
        self._server.stdin.flush()

    def renew_keys(self) -> None:
        """Let the server take new keys, and ask the client for the same."""
        self.type(b"K\n")
        self._await(b"SSL_do_handshake")

    def close(self) -> None:
        """End both."""
        self._link.close()
        self._server.kill()
        self._server.communicate()

    def _await(self, text: bytes) -> None:
        assert self._server.stdout is not None
        while text not in (line := self._server.stdout.readline()):
            assert line, "openssl s_server ended"

    def _shake_hands(self) -> bool:
        self._end.do_handshake()
        return True

    def _run(self, act: Callable[[], T]) -> T:
        while True:
            done: T | None = None
            with suppress(ssl.SSLWantReadError):
                done = act()
            if data := self._out.read():
                self.wire.sent.append((True, data))
                self._link.sendall(data)
            if done is not None:
                return done
            data = self._link.recv(1 << 16)
            assert data, "openssl closed the connection"
            self.wire.sent.append((False, data))
            self._into.write(data)
