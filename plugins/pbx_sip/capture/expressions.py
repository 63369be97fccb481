"""Filter expressions as tcpdump has them, compiled by libpcap where it is installed.

Source: pcap-filter(7), pcap_compile(3pcap), pcap_open_dead(3pcap).
"""

import ctypes
import re
from collections.abc import Iterable

from plugins.pbx_sip.capture.errors import BadExpression, NoCompiler
from plugins.pbx_sip.capture.programs import INSTRUCTIONS_MAX, Instruction, Program

_LIBRARIES = ("libpcap.so.0.8", "libpcap.so.1")  # Debian's name and that of others
_SNAPLEN_BYTES = 262_144
_ANY_NETMASK = 0xFFFFFFFF
_TEXT_MAX = 4096
_EXAMPLE = 'Write it as tcpdump has it, such as "net 10.20.0.0/16 and (udp or tcp)".'
_REJECTS_ALL = "rejects all packets"
_LINK_TYPE_NUMBERS = {101: 12}  # DLT_RAW of Linux is not its LINKTYPE_


class _CompiledProgram(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint), ("instructions", ctypes.c_void_p))


class _CompiledInstruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_ushort),
        ("if_true", ctypes.c_ubyte),
        ("if_false", ctypes.c_ubyte),
        ("value", ctypes.c_uint32),
    )


def compile_expression(text: str, link_type: int) -> Program:
    """The program of an expression such as "udp portrange 10000-20000 or port 5060"; an empty one passes all.

    link_type: LINKTYPE_ value of the packets that it is to judge.
    Raises: BadExpression (with what libpcap says of it; it asks for a VLAN); NoCompiler.
    """
    if len(text) > _TEXT_MAX or "\0" in text:
        raise BadExpression("the filter expression is too long or holds a zero")
    if re.search(r"\bvlan\b", text):
        raise BadExpression(
            "the kernel takes VLAN tags off before a filter sees them",
            hint="Leave vlan out, packets of every VLAN pass; for one alone, capture on an interface of that VLAN.",
        )
    library = _load()
    handle = library.pcap_open_dead(_LINK_TYPE_NUMBERS.get(link_type, link_type), _SNAPLEN_BYTES)
    if not handle:
        raise BadExpression("libpcap has no memory left")
    compiled = _CompiledProgram()
    try:
        if library.pcap_compile(handle, ctypes.byref(compiled), text.encode(), 1, _ANY_NETMASK):
            raise BadExpression(library.pcap_geterr(handle).decode(errors="replace").strip(), hint=_EXAMPLE)
        program = _copy(compiled)
        library.pcap_freecode(ctypes.byref(compiled))
    finally:
        library.pcap_close(handle)
    return program


def check_media_passes(text: str, link_type: int, sip_ports: Iterable[str]) -> None:
    """See that an expression lets more pass than signalling: media, or a tunnel in which it may be.

    libpcap itself finds out, as it refuses what can never hold. Raises: BadExpression; NoCompiler.
    """
    if not text:
        return
    compile_expression(text, link_type)
    signalling = " or ".join(f"port {port}" for port in sip_ports)
    try:
        compile_expression(f"({text}) and not tcp and not sctp and not ({signalling})", link_type)
    except BadExpression as error:
        if _REJECTS_ALL in str(error):
            hint = "Add the ports of the media, such as: or udp portrange 10000-65535; or leave the filter empty."
            raise BadExpression("the filter lets signalling pass and no media", hint=hint) from None


def _copy(compiled: _CompiledProgram) -> Program:
    if not compiled.instructions or compiled.length > INSTRUCTIONS_MAX:
        raise BadExpression("the filter expression is too long for the kernel")
    found = (_CompiledInstruction * compiled.length).from_address(compiled.instructions)
    return tuple(Instruction(each.code, each.if_true, each.if_false, each.value) for each in found)


def _open_library() -> ctypes.CDLL:
    for name in _LIBRARIES:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    hint = "Install the system's package of libpcap (Debian: libpcap0.8), or leave the filter empty."
    raise NoCompiler("filter expressions need libpcap, which is not installed", hint=hint)


def _load() -> ctypes.CDLL:
    library = _open_library()
    library.pcap_open_dead.argtypes = (ctypes.c_int, ctypes.c_int)
    library.pcap_open_dead.restype = ctypes.c_void_p
    library.pcap_compile.argtypes = (
        ctypes.c_void_p,
        ctypes.POINTER(_CompiledProgram),
        ctypes.c_char_p,
        ctypes.c_int,
        ctypes.c_uint32,
    )
    library.pcap_freecode.argtypes = (ctypes.POINTER(_CompiledProgram),)
    library.pcap_freecode.restype = None
    library.pcap_geterr.argtypes = (ctypes.c_void_p,)
    library.pcap_geterr.restype = ctypes.c_char_p
    library.pcap_close.argtypes = (ctypes.c_void_p,)
    library.pcap_close.restype = None
    return library
