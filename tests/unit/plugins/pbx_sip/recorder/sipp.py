"""SIPp, another SIP stack, as a recording client: begins calls, changes them by INVITE and UPDATE, and hangs up."""

import asyncio
from pathlib import Path

_HEAD = """{method} sip:srs@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport
From: "SBC" <sip:sbc@[local_ip]:[local_port]>;tag=[pid]-[call_number]
To: <sip:srs@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: {number} {method}
Contact: <sip:sbc@[local_ip]:[local_port];transport=[transport]>;+sip.src
Max-Forwards: 70
"""
_SDP = """v=0
o=- {version} {version} IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[local_ip_type] [local_ip]
t=0 0
m=audio 6000 RTP/AVP 8 101
a=rtpmap:101 telephone-event/8000
a=label:1
a={direction}
m=audio 6002 RTP/AVP 8 101
a=rtpmap:101 telephone-event/8000
a=label:2
a={direction}
"""
_METADATA = """<?xml version="1.0" encoding="UTF-8"?>
<recording xmlns="urn:ietf:params:xml:ns:recording:1"><datamode>{mode}</datamode></recording>
"""
_BOTH = f"""Content-Type: multipart/mixed;boundary=here
Require: siprec
Supported: timer, siprec
Allow: INVITE, UPDATE, BYE
Session-Expires: 1800;refresher=uac
Content-Length: [len]

--here
Content-Type: application/sdp

{_SDP}
--here
Content-Type: application/rs-metadata+xml
Content-Disposition: recording-session

{_METADATA}
--here--
"""
_EMPTY = "Content-Length: 0\n\n"
_CHECKS = {
    "line 1": r"m=audio 4[0-9]+ RTP/AVP 8 101(.|\n)*a=label:1(.|\n)*a={answer}",
    "line 2": r"m=audio 4[0-9]+ RTP/AVP 8 101(.|\n)*m=audio 4[0-9]+ RTP/AVP 8 101(.|\n)*a=label:2(.|\n)*a={answer}",
}


def _send(method: str, number: int, rest: str, **more: str) -> str:
    text = (
        _HEAD.format(method=method, number=number) + rest.format(**more)
        if more
        else _HEAD.format(method=method, number=number) + rest
    )
    repeated = "" if method == "ACK" else ' retrans="500"'
    return f"<send{repeated}><![CDATA[\n{text}\n]]></send>\n"


def _receive(answer: str = "") -> str:
    checks = "".join(
        f'<ereg regexp="{pattern.format(answer=answer)}" search_in="body" check_it="true" assign_to="{place}"/>'
        for place, pattern in enumerate(_CHECKS.values(), 1)
    )
    action = f"<action>{checks}</action>" if answer else ""
    return f'<recv response="100" optional="true"/><recv response="200" rtd="true">{action}</recv>\n'


def write_scenario(folder: Path) -> Path:
    """A session that is begun, held, resumed, updated by metadata, pinged and ended."""
    steps = []
    offers = [
        ("complete", "sendonly", "recvonly"),
        ("partial", "inactive", "inactive"),
        ("partial", "sendonly", "recvonly"),
    ]
    for number, (mode, direction, answer) in enumerate(offers, 1):
        more = {"mode": mode, "direction": direction, "version": str(number)}
        steps += [_send("INVITE", number, _BOTH, **more), _receive(answer), _send("ACK", number, _EMPTY)]
    bare = f"Content-Type: application/rs-metadata+xml\nContent-Length: [len]\n\n{_METADATA}"
    steps += [_send("UPDATE", 4, bare, mode="partial"), _receive(), _send("OPTIONS", 5, _EMPTY), _receive()]
    steps += [_send("BYE", 6, _EMPTY), _receive()]
    used = '<Reference variables="1,2"/>'
    path = folder / "session.xml"
    path.write_text(
        f'<?xml version="1.0" encoding="ISO-8859-1"?>\n<scenario name="SIPREC">\n{"".join(steps)}{used}</scenario>\n'
    )
    return path


async def call_by_sipp(folder: Path, port: int, mode: str, host: str, calls: int, calls_per_s: int) -> None:
    """Make calls over UDP ("u1"), one TCP connection ("t1") or one for each call ("tn"). Raises: AssertionError."""
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    process = await asyncio.create_subprocess_exec(
        "sipp", target, "-sf", str(write_scenario(folder)), "-i", f"[{host}]" if ":" in host else host, "-t", mode,
        "-m", str(calls), "-r", str(calls_per_s), "-l", str(calls), "-max_socket", str(calls + 10), "-nostdin", "-trace_err", "-timeout", "60s", "-timeout_error",
        cwd=folder, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        env={"TERM": "xterm", "PATH": "/usr/bin:/bin:/usr/local/bin"},
    )  # fmt: skip
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, _read_errors(folder) or output.decode(errors="replace")[-3000:]


def _read_errors(folder: Path) -> str:
    return "".join(path.read_text(errors="replace")[:4000] for path in folder.glob("*_errors.log"))
