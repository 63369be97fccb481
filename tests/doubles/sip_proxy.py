"""A telephone system by others: Kamailio passes calls on between telephones, rtpengine their media."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.doubles.network import LAN_ADDRESS, NetworkPair
from tests.doubles.supervision import wait_until

_MEDIA_CONTROL = "127.0.0.1:2223"
_HIDES_IDS = """
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
        if (!lookup("location")) {{ sl_send_reply("404", "Not Found"); exit; }}
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


@contextmanager
def proxy(pair: NetworkPair, folder: Path, port: int = 5060, *, hides_ids: bool = False) -> Iterator[tuple[str, int]]:
    """Where telephones register, where the recorder is. hides_ids: each hop of a call has a Call-ID of its own."""
    config = folder / f"kamailio-{port}.cfg"
    more = _HIDES_IDS if hides_ids else ""
    config.write_text(_CONFIG.format(address=LAN_ADDRESS, port=port, media=_MEDIA_CONTROL, more=more))
    run = folder / f"kamailio-{port}"
    run.mkdir()
    command = ["kamailio", "-f", str(config), "-DD", "-E", "-e", "-m", "16", "-M", "4", "-Y", str(run), "-w", str(run)]
    with _running(pair, command, run / "log", f"{LAN_ADDRESS}:{port} "):
        yield LAN_ADDRESS, port


@contextmanager
def media_relay(pair: NetworkPair, folder: Path) -> Iterator[None]:
    """All media goes to it, and from it to whoever it is for."""
    command = ["rtpengine", "--table=-1", f"--interface={LAN_ADDRESS}", f"--listen-ng={_MEDIA_CONTROL}"]
    command += ["--foreground", "--log-stderr", "--log-level=4", "--num-threads=2", "--port-min=30000", "--port-max=30998"]
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
