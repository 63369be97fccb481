"""The messages of RFC 4475 (torture tests) that matter to a user agent, and those of RFC 5118 (IPv6)."""

from plugins.pbx_sip.sip.headers import expand_name

_SDP = (
    b"v=0\r\no=mhandley 29739 7272939 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
    b"m=audio 49217 RTP/AVP 0 12\r\nm=video 3227 RTP/AVP 31\r\na=rtpmap:31 LPC\r\n"
)
_VIA = "Via: SIP/2.0/UDP host5.example.com;branch=z9hG4bKkdjuw"


def _lines(*lines: str) -> bytes:
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def _request(method: str, uri: str, *lines: str, has_from: bool = True, has_to: bool = True) -> bytes:
    """A request that is valid but for what the lines say; they stand in for lines of their own name."""
    given = {expand_name(line.partition(":")[0].strip()) for line in lines}
    usual = [
        ("to", "To: sip:user@example.com", has_to),
        ("from", "From: sip:caller@example.net;tag=341518", has_from),
        ("max-forwards", "Max-Forwards: 70", True),
        ("call-id", "Call-ID: torture.0ha0isndaksdj", True),
        ("cseq", f"CSeq: 8 {method}", True),
        ("via", _VIA, True),
    ]
    own = [line for name, line, wanted in usual if wanted and name not in given]
    return _lines(f"{method} {uri} SIP/2.0", *own, *lines)


def _invite(*lines: str, uri: str = "sip:user@example.com") -> bytes:
    """An INVITE with a body of the right length."""
    contact = "Contact: <sip:caller@host5.example.net>"
    own = [] if any(line.lower().startswith(("contact", "m:")) for line in lines) else [contact]
    sized = any(line.lower().startswith(("content-length", "l:")) for line in lines)
    length = [] if sized else [f"Content-Length: {len(_SDP)}"]
    return _request("INVITE", uri, *own, *lines, "Content-Type: application/sdp", *length) + _SDP


WSINV = (
    "INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0\r\n"
    "TO :\r\n sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n\r\n"
    'from   : "J Rosenberg \\\\\\""       <sip:jdrosen@example.com>\r\n  ;\r\n  tag = 98asjd8\r\n'
    "MaX-fOrWaRdS: 0068\r\n"
    "Call-ID: wsinv.ndaksdj@192.0.2.1\r\n"
    f"Content-Length   : {len(_SDP)}\r\n"
    "cseq: 0009\r\n  INVITE\r\n"
    "Via  : SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=390skdjuw\r\n"
    "s :\r\n"
    "NewFangledHeader:   newfangled value\r\n continued newfangled value\r\n"
    "UnknownHeaderWithUnusualValue: ;;,,;;,;\r\n"
    "Content-Type: application/sdp\r\n"
    "Route:\r\n <sip:services.example.com;lr;unknownwith=value;unknown-no-value>\r\n"
    "v:  SIP  / 2.0  / TCP     spindle.example.com   ;\r\n  branch  =   z9hG4bK9ikj8  ,\r\n"
    " SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n z9hG4bK30239\r\n"
    'm:"Quoted string \\"\\"" <sip:jdrosen@example.com> ; newparam =\r\n      newvalue ;\r\n  secondparam ; q = 0.33\r\n'
    "\r\n"
).encode() + _SDP

_ODD_METHOD = "!interesting-Method0123456789_*+`.%indeed'~"
INTMETH = _request(
    _ODD_METHOD,
    "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com",
    'To: "BEL:\\\a NUL:\\\0 DEL:\\\x7f" <sip:1_unusual.URI~(to-be!sure)&isn\'t+it$/crazy?,/;;*@example.com>',
    "From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>;fromParam''~+*_!.-%="
    '"\u0440\u0430\u0431\u043e\u0442\u0430\u044e\u0449\u0438\u0439";tag=_token~1\'+`*%!-.',
    "Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{",
    "Max-Forwards: 255",
    "extensionHeader-!.%*+_`'~:\u5927\u505c\u96fb",
)
ESC01 = _invite(
    "To: sip:%75se%72@example.com",
    "From: <sip:I%20have%20spaces@example.net>;tag=938",
    "Contact:",
    "  <sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31>",
    uri="sip:sips%3Auser%40example.com@example.net",
)
ESCNULL = _request(
    "REGISTER",
    "sip:example.com",
    "To: sip:null-%00-null@example.com",
    "Contact: <sip:%00@host5.example.com>",
    "Contact: <sip:%00%00@host5.example.com>",
)
ESC02 = _request(
    "RE%47IST%45R",
    "sip:registrar.example.com",
    'To: "%Z%45" <sip:resource@example.com>',
    "Contact: <sip:alias1@host1.example.com>",
    "C%6Fntact: <sip:alias2@host2.example.com>",
    "Contact: <sip:alias3@host3.example.com>",
)
LWSDISP = _request("OPTIONS", "sip:user@example.com", "From: caller<sip:caller@example.com>;tag=323")
LONGREQ = _invite(
    f'To: "I have a user name of {"extreme" * 10} proportion"<sip:user@example.com:6000;'
    f"unknownparam1=very{'long' * 20}value;longparam{'name' * 25}=shortvalue;very{'long' * 25}ParameterNameWithNoValue>",
    f"F: sip:{'amazinglylongcallername' * 5}@example.net;tag=12{'982' * 50}424;unknownheaderparam{'name' * 20}"
    f"=unknowheaderparam{'value' * 15};unknownValueless{'paramname' * 10}",
    f"Unknown-{'Long' * 20}-Name: unknown-{'long' * 20}-value; unknown-{'long' * 20}-parameter-name = x",
    *(
        f"{name}: SIP/2.0/TCP sip{number}.example.com"
        for number, name in enumerate(("v", "V", "ViA", "VIA", "via", "viA", "vIA", "V ", "v  ", "Via "))
    ),
    f"Via: SIP/2.0/TCP host.example.com;received=192.0.2.5;branch=very{'long' * 50}branchvalue",
)
DBLREQ = _request("REGISTER", "sip:example.com", "Content-Length: 0") + _invite()
SEMIURI = _request("OPTIONS", "sip:user;par=u%40example.net@example.com", "Accept: application/sdp,", "\tmessage/sip")
TRANSPORTS = _request(
    "OPTIONS",
    "sip:user@example.com",
    *(
        f"Via: SIP/2.0/{name} t{number}.example.com;branch=z9hG4bK{number}"
        for number, name in enumerate(("UDP", "SCTP", "TLS", "UNKNOWN", "TCP"), 1)
    ),
)
_MULTIPART = (
    b"--7a9cbec02ceef655\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\n\r\nHello\r\n"
    b"--7a9cbec02ceef655\r\nContent-Type: application/octet-stream\r\n\r\n\0\r\n\r\n\xff\x80\r\n--7a9cbec02ceef655--"
)
MPART01 = (
    _request(
        "MESSAGE",
        "sip:kumiko@example.org",
        "Content-Type: multipart/mixed;boundary=7a9cbec02ceef655",
        f"Content-Length: {len(_MULTIPART)}",
    )
    + _MULTIPART
)
ZEROMF = _request("OPTIONS", "sip:user@example.com", "Max-Forwards: 0")
UNKSM2 = _request(
    "REGISTER", "sip:example.com", "To: isbn:2983792873", "From: <http://www.example.com>;tag=3234233",
    "Contact: <name:John_Smith>",
)  # fmt: skip
CPARAM01 = _request("REGISTER", "sip:example.com", "Contact: sip:+19725552222@gw1.example.net;unknownparam")
CPARAM02 = _request("REGISTER", "sip:example.com", "Contact: <sip:+19725552222@gw1.example.net;unknownparam>")
REGESCRT = _request("REGISTER", "sip:example.com", "M: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>", "L:0")
REGAUT01 = _request("REGISTER", "sip:example.com", "Authorization: NoOneKnowsThisScheme opaque-data=here")
INV2543 = (
    _lines(
        "INVITE sip:UserB@example.com SIP/2.0",
        "Via: SIP/2.0/UDP iftgw.example.com",
        "From: <sip:+13035551111@ift.client.example.net;user=phone>",
        "Record-Route: <sip:UserB@example.com;maddr=ss1.example.com>",
        "To: sip:+16505552222@ss1.example.net;user=phone",
        "Call-ID: inv2543.1717@ift.client.example.com",
        "CSeq: 56 INVITE",
        "Content-Type: application/sdp",
    )
    + _SDP
)
_UNKNOWN = b'<audio>\r\n <pcmu port="443"/>\r\n</audio>\r\n'
INVUT = (
    _request(
        "INVITE",
        "sip:user@example.com",
        "Contact: <sip:caller@host5.example.net>",
        "Content-Type: application/unknownformat",
        f"Content-Length: {len(_UNKNOWN)}",
    )
    + _UNKNOWN
)
VALID = {
    "wsinv": WSINV,
    "intmeth": INTMETH,
    "esc01": ESC01,
    "escnull": ESCNULL,
    "esc02": ESC02,
    "lwsdisp": LWSDISP,
    "longreq": LONGREQ,
    "dblreq": DBLREQ,
    "semiuri": SEMIURI,
    "transports": TRANSPORTS,
    "mpart01": MPART01,
    "zeromf": ZEROMF,
    "unksm2": UNKSM2,
    "cparam01": CPARAM01,
    "cparam02": CPARAM02,
    "regescrt": REGESCRT,
    "regaut01": REGAUT01,
    "inv2543": INV2543,
    "badbranch": _request("OPTIONS", "sip:user@example.com", "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK"),
    "invut": INVUT,
    "sdp01": _invite("Accept: text/nobodyKnowsThis"),
}
FORGIVEN = {
    "baddate": _invite("Date: Fri, 01 Jan 2010 16:00:00 EST"),
    "lwsstart": _invite().replace(b"INVITE sip:user@example.com SIP", b"INVITE  sip:user@example.com  SIP", 1),
    "trws": _request("OPTIONS", "sip:remote-target@example.com").replace(b"SIP/2.0\r\n", b"SIP/2.0  \r\n", 1),
    "badaspec": _request("OPTIONS", "sip:user@example.org", 'To: "Watson, Thomas" < sip:t.watson@example.org >'),
    "baddn": _request("OPTIONS", "sip:t.watson@example.org", "From: Bell, Alexander <sip:a.g.bell@example.com>;tag=43"),
}
INVALID = {
    "badinv01": (
        400,
        _invite("Via: SIP/2.0/UDP 192.0.2.15;;,;,,", 'Contact: "Joe" <sip:joe@example.org>;;;;'),
    ),
    "clerr": (400, _invite("Content-Length: 9999")),
    "ncl": (400, _invite("Content-Length: -999")),
    "scalar02": (
        400,
        _request(
            "REGISTER", "sip:example.com", "CSeq: 36893488147419103232 REGISTER", "Max-Forwards: 300",
            f"Expires: 1{'0' * 100}", "Contact: <sip:user@host129.example.com>", "  ;expires=280297596632815",
        ),
    ),
    "quotbal": (400, _invite('To: "Mr. J. User <sip:j.user@example.com>')),
    "ltgtruri": (400, _invite(uri="<sip:user@example.com>")),
    "lwsruri": (400, _invite(uri="sip:user@example.com; lr")),
    "escruri": (400, _invite(uri="sip:user@example.com?Route=%3Csip:example.com%3E")),
    "regbadct": (
        400,
        _request("REGISTER", "sip:example.com", "Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E"),
    ),
    "badvers": (505, _request("OPTIONS", "sip:t.watson@example.org").replace(b"SIP/2.0", b"SIP/7.0")),
    "mismatch01": (400, _request("OPTIONS", "sip:user@example.com", "CSeq: 8 INVITE")),
    "mismatch02": (400, _request("NEWMETHOD", "sip:user@example.com", "CSeq: 8 INVITE")),
    "insuf": (400, _request("INVITE", "sip:user@example.com", "Max-Forwards: 70", has_from=False, has_to=False)),
    "unkscm": (416, _request("OPTIONS", "nobodyKnowsThisScheme:totallyopaquecontent")),
    "novelsc": (416, _request("OPTIONS", "soap.beep://192.0.2.103:3002")),
    "bext01": (
        420,
        _request(
            "OPTIONS", "sip:user@example.com", "Require: nothingSupportsThis, nothingSupportsThisEither",
            "Proxy-Require: noProxiesSupportThis, norDoAnyProxiesSupportThis",
        ),
    ),
    "multi01": (
        400,
        _invite(
            "CSeq: 5 INVITE", "Call-ID: multi01.98asdh@192.0.2.1", "CSeq: 59 INVITE",
            "Call-ID: multi01.98asdh@192.0.2.2", "To: sip:user@example.com", "To: sip:other@example.net",
        ),
    ),
    "mcl01": (
        400,
        _request("OPTIONS", "sip:user@example.com", "Content-Length: 13", "Content-Length: 5") + b"There's no way",
    ),
}  # fmt: skip


def _response(line: str, *lines: str) -> bytes:
    usual = (
        "Call-ID: torture.asndj203insdf99223ndf",
        "From: <sip:user@example.com>;tag=39ansfi3",
        "To: <sip:user@example.edu>;tag=902jndnke3",
        "Via: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398ndaoe",
    )
    return _lines(line, *lines, *usual)


UNREASON = _response(
    "SIP/2.0 200 = 2**3 * 5**2 \u043d\u043e \u0441\u0442\u043e \u0434\u0435\u0432\u044f\u043d\u043e\u0441\u0442\u043e "
    "\u0434\u0435\u0432\u044f\u0442\u044c - \u043f\u0440\u043e\u0441\u0442\u043e\u0435",
    "CSeq: 35 INVITE",
)
NOREASON = _response("SIP/2.0 100 ", "CSeq: 35 INVITE")
DROPPED = {
    "bigcode": _response("SIP/2.0 4294967301 better not break the receiver", "CSeq: 353494 INVITE"),
    "scalarlg": _response("SIP/2.0 503 Service Unavailable", "CSeq: 9292394834772304023312 OPTIONS"),
    "bcast": _response("SIP/2.0 200 OK", "CSeq: 35 INVITE", "Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23"),
}

IPV6_VALID = {
    "4.1": _request("REGISTER", "sip:[2001:db8::10]", "Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111"),
    "4.3": _request("REGISTER", "sip:[2001:db8::10:5070]", "Contact: <sip:caller@[2001:db8::1]>"),
    "4.4": _request("REGISTER", "sip:[2001:db8::10]:5070", "Contact: <sip:caller@[2001:db8::1]:5071>"),
    "4.5a": _request(
        "BYE", "sip:[2001:db8::10]",
        "Via: SIP/2.0/UDP [2001:db8::9:1]:6050;received=[2001:db8::9:255];branch=z9hG4bKas3-111",
    ),
    "4.5b": _request(
        "OPTIONS", "sip:[2001:db8::10]",
        "Via: SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKas3",
    ),
    "4.7": _invite("Via: SIP/2.0/UDP [2001:db8:aaaa:bbbb:cccc:dddd:eeee:1];branch=z9hG4bK1", uri="sip:user@[2001:db8::20]"),
    "4.10": _invite("Contact: <sip:user@[::ffff:192.0.2.10]:19823>", uri="sip:user@[2001:db8::10]"),
}  # fmt: skip
IPV6_INVALID = _request("REGISTER", "sip:2001:db8::10", "Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111")
