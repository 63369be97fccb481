"""TLS connections between real ends, and the bytes that went over the wire in each direction."""

import datetime as dt
import socket
import ssl
import subprocess
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID


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


def talk_to_openssl(
    pem: Path, key_log: Path, options: Sequence[str], lines: Sequence[bytes]
) -> tuple[Wire, list[bytes]]:
    """Send lines to `openssl s_server -rev`, which says each of them backwards.

    Returns: what went over the wire, and its answers.
    """
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    command = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", str(pem), "-key", str(pem), "-rev"]
    server = subprocess.Popen(
        [*command, *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    wire, answers = Wire(), []
    try:
        assert server.stdout is not None
        while b"ACCEPT" not in (line := server.stdout.readline()):
            assert line, "openssl s_server ended"
        with socket.create_connection(("127.0.0.1", port), 10) as link:
            into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
            end = client_context(key_log).wrap_bio(into, out)

            def run(act):  # type: ignore[no-untyped-def]
                while True:
                    try:
                        done = act()
                    except ssl.SSLWantReadError:
                        done = None
                    if data := out.read():
                        wire.sent.append((True, data))
                        link.sendall(data)
                    if done is not None:
                        return done
                    data = link.recv(1 << 16)
                    assert data, "openssl closed the connection"
                    wire.sent.append((False, data))
                    into.write(data)

            run(lambda: end.do_handshake() or True)
            for line in lines:
                run(lambda line=line: end.write(line))
                answer = b""
                while not answer.endswith(b"\n"):
                    answer += run(end.read)
                answers.append(answer)
    finally:
        server.kill()
        server.communicate()
    return wire, answers
