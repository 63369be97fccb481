"""The recorder's certificate and the authority of its clients, with what is wrong with a file in words.

Source: RFC 7468 (PEM), ssl.SSLContext.
"""

import os
import ssl
from pathlib import Path

from hub.sdk import SettingsError
from plugins.pbx_sip.recorder.settings import RecorderSettings

_CERTIFICATE, _KEY = b"CERTIFICATE-----", b"PRIVATE KEY-----"
_ENCRYPTED = (b"BEGIN ENCRYPTED PRIVATE KEY", b"Proc-Type: 4,ENCRYPTED")
_READ_MAX_BYTES = 10_000_000


def make_server_context(settings: RecorderSettings) -> ssl.SSLContext:
    """How clients are met that call over TLS. Raises: SettingsError where a file cannot be used."""
    _check_files(settings)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load_own(context, settings)
    if settings.tls_clients:
        _load_clients(context, settings)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def make_client_context(settings: RecorderSettings) -> ssl.SSLContext:
    """For requests of ours to clients whose connection is gone: whoever the authority vouches for, by any name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    _load_clients(context, settings)
    _load_own(context, settings)
    return context


def _check_files(settings: RecorderSettings) -> None:
    _read_holding(settings.tls_certificate, "tls_certificate", _CERTIFICATE, "certificate")
    key = _read_holding(settings.tls_key, "tls_key", _KEY, "private key")
    if any(mark in key for mark in _ENCRYPTED):  # the library would ask for the passphrase on the terminal
        hint = "Give a key without a passphrase, which only the hub's user may read: `openssl pkey -in OLD -out NEW`."
        raise SettingsError(f"The key in {settings.tls_key} is encrypted.", field="tls_key", hint=hint)
    if settings.tls_clients:
        _read_holding(settings.tls_clients, "tls_clients", _CERTIFICATE, "certificate")


def _read_holding(path: str, field: str, mark: bytes, what: str) -> bytes:
    """What a file holds. Raises: SettingsError where `mark` is not in it."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(_READ_MAX_BYTES)
    except OSError as error:
        hint = f"Give the path of a file that the hub's user (uid {os.geteuid()}) can read."
        raise SettingsError(f"{path} cannot be read: {error.strerror}.", field=field, hint=hint) from error
    if mark not in content:
        hint = (
            "Give a PEM file, which is text: `openssl x509 -inform der -in OLD -out NEW` makes one of a certificate, "
            "`openssl pkey -inform der -in OLD -out NEW` of a key."
        )
        raise SettingsError(f"{path} holds no {what} as PEM.", field=field, hint=hint)
    return content


def _load_own(context: ssl.SSLContext, settings: RecorderSettings) -> None:
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key)
    except OSError as error:
        if getattr(error, "reason", "") == "KEY_VALUES_MISMATCH":
            text = f"The key in {settings.tls_key} is not that of the certificate."
            hint = "Give the key that the certificate was made for; of a chain, the recorder's own comes first."
            raise SettingsError(text, field="tls_key", hint=hint) from error
        text = f"The certificate or its key is damaged: {_reason_of(error)}."
        raise SettingsError(text, field="tls_certificate", hint="Copy both files here again.") from error


def _load_clients(context: ssl.SSLContext, settings: RecorderSettings) -> None:
    try:
        context.load_verify_locations(settings.tls_clients)
    except OSError as error:
        text = f"{settings.tls_clients} is damaged: {_reason_of(error)}."
        raise SettingsError(text, field="tls_clients", hint="Copy the file here again.") from error


def _reason_of(error: OSError) -> str:
    return str(getattr(error, "reason", "") or error.strerror or error).replace("_", " ").lower()
