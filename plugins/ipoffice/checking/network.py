"""The test of ports and other machines: can be listened on, can be reached, let the hub in."""

import asyncio
import errno
import os
import socket
import struct

import asyncssh

from hub.sdk import RetryLater, SettingsError
from plugins.ipoffice.checking.findings import Findings
from plugins.ipoffice.fetch.remote import WrongHostKey, connected, list_files
from plugins.ipoffice.folder import NamePatterns
from plugins.ipoffice.settings import IPOfficeSettings
from plugins.ipoffice.sftp import make_remote

CONNECT_S = 4.0


def check_port(field: str, place: tuple[str, int], what: str, running: frozenset[int], findings: Findings) -> None:
    """Whether `place` can be listened on; the running device itself may have it.

    Raises: SettingsError naming `field`.
    """
    host, port = place
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror as error:
        raise SettingsError(f"{host} is no address of this machine: {error.strerror}.", field=field) from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE and running:
            findings.lines.append(f"The running device listens on port {port} for {what}.")
            return
        name = f"{field.partition('_')[0]}_port" if error.errno in {errno.EADDRINUSE, errno.EACCES} else field
        hint = f"ss -ltnp sport = :{port} shows who has it." if error.errno == errno.EADDRINUSE else ""
        if error.errno == errno.EACCES:
            hint = "Ports below 1024 are reserved; choose a higher one."
        text = f"{host} port {port} cannot be listened on: {error.strerror}."
        raise SettingsError(text, field=name, hint=hint) from None
    findings.lines.append(f"Port {port} is free for {what}.")


def check_pbx(settings: IPOfficeSettings, running: frozenset[int], findings: Findings) -> None:
    """Whether the PBX takes a connection for call details.

    Raises: SettingsError, RetryLater.
    """
    host, port = settings.smdr_host, settings.smdr_port
    if running:
        findings.lines.append("The running device says whether call details arrive.")
        return
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            # The PBX sends what it has buffered as soon as somebody connects: take in as little of it as possible.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            probe.settimeout(CONNECT_S)
            probe.connect(address)
    except socket.gaierror as error:
        raise SettingsError(f"{host} is not known: {error.strerror}.", field="smdr_host") from None
    except OSError as error:
        raise RetryLater(
            f"{host} port {port} cannot be reached: {error.strerror or 'no answer'}.",
            hint="Look in Manager under System, SMDR: output on, address 0.0.0.0, this port; and at firewalls.",
        ) from None
    findings.lines.append(f"{host} takes connections for call details.")


def check_fetch(settings: IPOfficeSettings, findings: Findings) -> None:
    """Sign in to the remote server and look into its folder.

    Raises: SettingsError, AuthError, RetryLater.
    """
    asyncio.run(_check_fetch(settings, findings))


async def _check_fetch(settings: IPOfficeSettings, findings: Findings) -> None:
    folder = settings.fetch_folder.rstrip("/")
    try:
        async with connected(make_remote(settings)) as sftp:
            patterns = NamePatterns(settings.include, settings.exclude)
            if not await sftp.isdir(os.fsencode(folder or "/")):
                raise SettingsError(f"{settings.fetch_host} has no folder {folder}.", field="fetch_folder")
            found = await list_files(sftp, folder, patterns, recursive=settings.recursive)
    except WrongHostKey as wrong:
        raise SettingsError(
            f"{settings.fetch_host} shows the host key {wrong.offered}.",
            field="fetch_host_key",
            hint="Compare it on the server (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub); if it is the same, "
            "enter it here.",
        ) from None
    except ValueError as error:
        raise SettingsError(str(error), field="fetch_key") from None
    except asyncssh.SFTPError as error:
        raise SettingsError(
            f"{folder} on {settings.fetch_host} cannot be listed: {error.reason}.",
            field="fetch_folder",
            hint=f"Let {settings.fetch_login} read the folder.",
        ) from None
    findings.lines.append(
        f"{settings.fetch_host} lets {settings.fetch_login} in; recordings in {folder}: {len(found)}."
    )
    findings.numbers["remote_files"] = float(len(found))
