"""A telephone system by others: Kamailio passes calls on between telephones, rtpengine their media."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.doubles.network import LAN_ADDRESS, NetworkPair
from tests.doubles.supervision import wait_until

_MEDIA_CONTROL = "127.0.0.1:2223"
_HIDING_IDS = """
loadmodule "topoh.so"
modparam("topoh", "mask_key", "a test")
modparam("topoh", "mask_callid", 1)
"""
_CONFIG = """#!KAMAILIO
children=2
tcp_children=2
auto_aliases=no
listen=udp:{address}:{port}
listen=tcp:{address}:{port}
loadmodule "kex.so"
loadmodule "tm.so"
loadmodule "tmx.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "rtpengine.so"
modparam("rtpengine", "rtpengine_sock", "udp:{media}")
modparam("usrloc", "db_mode", 0)
{more}
request_route {{
    if (is_method("REGISTER")) {{ save("location"); exit; }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
    if (has_totag()) {{
        if (!loose_route()) {{ if (is_method("ACK") && t_check_trans()) t_relay(); exit; }}
    }} else {{
        {route}
        record_route();
    }}
    if (is_method("BYE") || has_body("application/sdp")) rtpengine_manage("replace-origin");
    t_on_reply("ANSWER");
    t_relay();
}}
onreply_route[ANSWER] {{
    if (has_body("application/sdp")) rtpengine_manage("replace-origin");
}}
"""
_TO_TELEPHONES = 'if (!lookup("location")) { sl_send_reply("404", "Not Found"); exit; }'


@contextmanager
def registrar(pair: NetworkPair, folder: Path) -> Iterator[str]:
    """Where telephones register, where the recorder is: its host and port."""
    with _proxy(pair, folder, 5060, route=_TO_TELEPHONES) as place:
        yield place


@contextmanager
def border(pair: NetworkPair, folder: Path, registrar: str) -> Iterator[str]:
    """A proxy before the registrar that gives calls another Call-ID on their way to it: its host and port."""
    with _proxy(pair, folder, 5070, route=f'$du = "sip:{registrar}";', more=_HIDING_IDS) as place:
        yield place


@contextmanager
def _proxy(pair: NetworkPair, folder: Path, port: int, *, route: str, more: str = "") -> Iterator[str]:
    config, run = folder / f"kamailio-{port}.cfg", folder / f"kamailio-{port}"
    run.mkdir()
    config.write_text(_CONFIG.format(address=LAN_ADDRESS, port=port, media=_MEDIA_CONTROL, route=route, more=more))
    command = ["kamailio", "-f", str(config), "-DD", "-E", "-m", "16", "-M", "4", "-Y", str(run), "-w", str(run)]
    place = f"{LAN_ADDRESS}:{port}"
    with _running(pair, command, run / "log", f"{place} "):
        yield place


@contextmanager
def media_relay(pair: NetworkPair, folder: Path) -> Iterator[None]:
    """All media goes to it, and from it to whoever it is for."""
    command = ["rtpengine", "--table=-1", f"--interface={LAN_ADDRESS}", f"--listen-ng={_MEDIA_CONTROL}"]
    command += [
        "--foreground",
        "--log-stderr",
        "--log-level=4",
        "--num-threads=2",
        "--port-min=30000",
        "--port-max=30998",
    ]
    with _running(pair, command, folder / "rtpengine.log", f"{_MEDIA_CONTROL} "):
        yield


@contextmanager
def _running(pair: NetworkPair, command: list[str], log: Path, socket: str) -> Iterator[None]:
    """A server where the recorder is, once it has its UDP socket."""
    ask = pair.lan_command("ss", "--numeric", "--listening", "--udp", "--no-header")
    with (
        log.open("wb") as said,
        subprocess.Popen(pair.lan_command(*command), stdin=subprocess.DEVNULL, stdout=said, stderr=said) as process,
    ):

        def listens() -> bool:
            assert process.poll() is None, log.read_text(errors="replace")[-3000:]
            return socket in subprocess.run(ask, capture_output=True, text=True, check=True).stdout

        try:
            wait_until(listens)
            yield
        finally:
            process.terminate()
