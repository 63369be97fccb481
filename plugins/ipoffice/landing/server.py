"""The SFTP server: each sending server signs in and sees only its own folder, which has a door of its own."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncssh

from hub.sdk import PluginContext
from plugins.ipoffice.landing.doorkeeper import Doorkeeper, Visit
from plugins.ipoffice.landing.folder import LandingFolder
from plugins.ipoffice.landing.hostkey import fingerprint, load_host_keys
from plugins.ipoffice.landing.jail import Jail
from plugins.ipoffice.landing.senders import SendingServer
from plugins.ipoffice.status import Statuses

PART = "SFTP server"
SIGN_IN_S = 30
KEEPALIVE_S = 30
BACKOFF_MAX_S = 60.0


class LandingServer:
    """Takes uploads until cancelled; while its port is in use it waits for it."""

    def __init__(
        self,
        ctx: PluginContext,
        address: tuple[str, int],
        senders: Mapping[str, SendingServer],
        folders: Mapping[str, LandingFolder],
        statuses: Statuses,
    ) -> None:
        self._ctx = ctx
        self._address = address
        self._folders = folders
        self._statuses = statuses
        self._keeper = Doorkeeper(senders, ctx.log)
        self.port = 0

    async def run(self) -> None:
        """Serve until cancelled."""
        backoff_s = 1.0
        while True:
            try:
                keys = await asyncio.to_thread(load_host_keys, key_folder(self._ctx.scratch))
                await self._serve(keys)
            except OSError as error:
                self._statuses.down(
                    PART,
                    f"The SFTP server cannot listen on {self._address[0]} port {self._address[1]}: "
                    f"{error.strerror or error}.",
                    f"Free the port (ss -ltnp sport = :{self._address[1]} shows who has it), or choose another one.",
                )
            await asyncio.sleep(backoff_s)
            backoff_s = min(BACKOFF_MAX_S, backoff_s * 2)

    async def _serve(self, keys: list[asyncssh.SSHKey]) -> None:
        server = await asyncssh.create_server(
            lambda: Visit(self._keeper, self._signed_in),
            *self._address,
            config=None,
            server_host_keys=keys,
            sftp_factory=self._open_jail,
            sftp_version=3,
            allow_scp=False,
            agent_forwarding=False,
            x11_forwarding=False,
            gss_host=None,
            line_editor=False,
            # Compressed data from strangers is a way to fill the memory.
            compression_algs=None,
            login_timeout=SIGN_IN_S,
            keepalive_interval=KEEPALIVE_S,
            reuse_address=True,
        )
        try:
            self.port = server.sockets[0].getsockname()[1]
            self._statuses.ok(PART, f"The SFTP server listens on port {self.port} (host key {fingerprint(keys)}).")
            await asyncio.Event().wait()
        finally:
            server.close()
            self._keeper.close_all()

    def _open_jail(self, channel: Any) -> Jail:
        return Jail(channel, self._folders[channel.get_extra_info("username")])

    def _signed_in(self, login: str, address: str) -> None:
        self._ctx.log.info("sftp.signed_in", login=login, address=address)


def key_folder(scratch: Path) -> Path:
    """Where the host keys are kept."""
    return scratch / "keys"


def landing_folder(scratch: Path, login: str) -> Path:
    """Where the uploads of one sender land."""
    return scratch / "landing" / login
