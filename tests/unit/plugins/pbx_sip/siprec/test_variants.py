"""INVITEs as telephone systems and border controllers write them, beyond those of the shared collection.

Each is read from the wire as the recorder reads it; what is not of the point is left out of it.
"""

import re
from base64 import b64encode
from dataclasses import dataclass, field

import pytest

from plugins.pbx_sip.calls.numbers import NumberPlan
from plugins.pbx_sip.calls.outline import describe_outline
from plugins.pbx_sip.calls.signalling import Signalling
from plugins.pbx_sip.packets.datagrams import Endpoints
from plugins.pbx_sip.sip.message import read_message
from plugins.pbx_sip.sip.responses import build_response
from plugins.pbx_sip.siprec.facts import CallFacts

S = 1_000_000_000
AT = 1_790_000_000 * S
ONE_LINE, TWO_LINES = ("",), ("", "")


@dataclass(frozen=True, kw_only=True)
class Invite:
    """What an INVITE says; lines: the label of each audio line; sdp, body: instead of what is made of them."""

    sender: str = "<sip:sbc.example.net>"
    target: str = "<sip:srs@192.0.2.90>"
    contact: str = "<sip:192.0.2.20:5060;transport=tcp>"
    headers: str = ""
    lines: tuple[str, ...] = ("1", "2")
    media: str = ""
    metadata: str | bytes = ""
    parts: str = "--b\r\nContent-Type: application/sdp\r\n\r\n{sdp}\r\n--b\r\nContent-Type: application/rs-metadata+xml\r\n\r\n{metadata}\r\n--b--\r\n"
    kind: str = "multipart/mixed;boundary=b"
    is_late: bool = False

    @property
    def sdp(self) -> str:
        said = self.media or "".join(
            f"m=audio {4000 + 2 * place} RTP/AVP 0\r\na=sendonly\r\n" + (f"a=label:{label}\r\n" if label else "")
            for place, label in enumerate(self.lines)
        )
        return f"v=0\r\no=- 1 1 IN IP4 192.0.2.20\r\ns=-\r\nc=IN IP4 192.0.2.20\r\nt=0 0\r\n{said}"

    def message(self, method: str = "INVITE", tag: str = "") -> bytes:
        sdp = "" if self.is_late and method == "INVITE" else self.sdp
        kind, body = "application/sdp", sdp.encode()
        if self.metadata and method == "INVITE":
            said = self.metadata if isinstance(self.metadata, bytes) else self.metadata.encode()
            kind, body = self.kind, self.parts.replace("{sdp}", sdp).encode().replace(b"{metadata}", said)
        head = (
            f"{method} sip:srs@192.0.2.90 SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.20;branch=z9hG4bK1\r\nFrom: {self.sender}"
            f"{'' if 'tag=' in self.sender else ';tag=c'}\r\nTo: {self.target}{tag}\r\nCall-ID: v1\r\nCSeq: 1 {method}\r\n"
            f"Contact: {self.contact}\r\n{self.headers}"
        )
        if body:
            head += f"Content-Type: {kind}\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode("utf-8", "surrogateescape") + body


def dialog_of(invite: Invite):
    """The dialog that an INVITE begins, when it is answered and acknowledged."""
    wire = Signalling(Endpoints())
    request = read_message(invite.message())
    answer = build_response(request, 200, tag="r", headers=[("Contact", "<sip:srs@192.0.2.90>;+sip.srs")])
    messages = [request, answer]
    if invite.is_late:
        messages.append(read_message(invite.message("ACK", ";tag=r")))
    for place, message in enumerate(messages):
        wire.add(message, AT + place)
    [dialog] = wire.dialogs.values()
    return dialog


def facts_of(invite: Invite) -> CallFacts:
    return dialog_of(invite).session.describe()


def heard(facts: CallFacts) -> list[tuple[str, str]]:
    """The number of each party, and its lines."""
    return [(party.number, " ".join(party.labels)) for party in facts.parties]


def recording(*people: tuple[str, str, str], extra: str = "", streams: str = "", root: str = "") -> str:
    """Metadata by RFC 7865; people: (id, aor, stream ids that are sent)."""
    streams = (
        streams or '<stream stream_id="s1"><label>1</label></stream><stream stream_id="s2"><label>2</label></stream>'
    )
    named = "".join(
        f'<participant participant_id="{one}"><nameID aor="{aor}"/></participant>' for one, aor, _ in people
    )
    links = "".join(
        f'<participantstreamassoc participant_id="{one}">{"".join(f"<send>{each}</send>" for each in sent.split())}</participantstreamassoc>'
        for one, _, sent in people
    )
    root = root or 'recording xmlns="urn:ietf:params:xml:ns:recording:1"'
    return f'<?xml version="1.0" encoding="UTF-8"?><{root}><datamode>complete</datamode><session session_id="cs"/>{named}{streams}{links}{extra}</{root.split()[0]}>'


TWO = recording(("p1", "sip:201@x", "s1"), ("p2", "sip:+4366412345@x", "s2"))
BOTH = [("201", "1"), ("+4366412345", "2")]


@dataclass(frozen=True)
class Variant:
    invite: Invite
    heard: list[tuple[str, str]]
    mixed: bool = False
    names: dict[str, str] = field(default_factory=dict)


VARIANTS = {
    "CUCM, URI dialling: an address of the far end that is no number": Variant(
        Invite(
            sender='"Agent" <sip:2000@ucm1.example.net;x-nearend;x-refci=44;x-nearenddevice=SEP1;x-farendaddr=alice@example.com>',
            lines=ONE_LINE,
            is_late=True,
        ),
        [("2000", "#0"), ("alice", "")],
        names={"2000": "Agent"},
    ),
    "CUCM, plus signs escaped and parameters in capitals": Variant(
        Invite(
            sender="<sip:%2B43150001@[2001:db8::1];x-farend;X-RefCI=45;X-NearEndDevice=SEP1;x-farendaddr=%2B4366412345>",
            lines=ONE_LINE,
        ),
        [("+43150001", ""), ("+4366412345", "#0")],
    ),
    "CUCM, a From header without angle brackets": Variant(
        Invite(sender="sip:2000@ucm1;x-nearend;x-refci=46;x-nearendaddr=2000;x-farendaddr=1000;tag=9", lines=ONE_LINE),
        [("2000", "#0"), ("1000", "")],
    ),
    "CUBE, network recording whose video lines stand first": Variant(
        Invite(
            headers=(
                'X-Cisco-Recording-Participant: <sip:708090@192.0.2.5>;media-index="0 2"\r\n'
                'X-Cisco-Recording-Participant: <sip:10000@192.0.2.6>;media-index="1 3"\r\n'
            ),
            media=(
                "m=video 5000 RTP/AVP 97\r\nm=video 5002 RTP/AVP 97\r\n"
                "m=audio 4000 RTP/AVP 0\r\nm=audio 4002 RTP/AVP 0\r\n"
            ),
        ),
        [("708090", "#2"), ("10000", "#3")],
    ),
    "CUBE, network recording without any index": Variant(
        Invite(
            headers="X-Cisco-Recording-Participant: sip:708090@192.0.2.5\r\nX-Cisco-Recording-Participant: tel:+43-1-10000\r\n",
            lines=TWO_LINES,
        ),
        [("708090", "#0"), ("+43110000", "#1")],
    ),
    "CUBE, network recording of both on one line": Variant(
        Invite(
            headers=(
                'X-Cisco-Recording-Participant: sip:708090@192.0.2.5;media-index="0"\r\n'
                'X-Cisco-Recording-Participant: sip:10000@192.0.2.6;media-index="0"\r\n'
            ),
            lines=ONE_LINE,
        ),
        [("708090", "#0"), ("10000", "#0")],
        mixed=True,
    ),
    "CUBE, network recording of a caller who is not known": Variant(
        Invite(
            headers=(
                'X-Cisco-Recording-Participant: "anonymous" <sip:anonymous@anonymous.invalid>;media-index="0"\r\n'
                'X-Cisco-Recording-Participant: sip:10000@192.0.2.6;media-index="1"\r\n'
            ),
            lines=TWO_LINES,
        ),
        [("", "#0"), ("10000", "#1")],
    ),
    "FreeSWITCH, a copy of a call with compact and folded header fields": Variant(
        Invite(
            sender='"Anna\r\n Österreicher" <sip:201@pbx.example>',
            target="<sip:+4366412345@192.0.2.90>",
            lines=TWO_LINES,
        ),
        [("201", "#0"), ("+4366412345", "#1")],
        names={"201": "Anna Österreicher"},
    ),
    "Asterisk, who is called stands in P-Called-Party-ID": Variant(
        Invite(
            sender='"Anna" <sip:201@pbx>',
            target="<sip:recorder@192.0.2.90>",
            headers="P-Called-Party-ID: <sip:305@pbx>\r\nX-Asterisk-Channel: SIP/201-1\r\n",
            lines=TWO_LINES,
        ),
        [("201", "#0"), ("305", "#1")],
        names={"201": "Anna"},
    ),
    "Ribbon C20, a call diverted to the recorder after others": Variant(
        Invite(
            sender="<sip:+4366412345@c20;user=phone>",
            target="<sip:999@192.0.2.90>",
            headers=(
                "History-Info: <sip:+4315000@c20?Reason=SIP%3Bcause%3D302>;index=1, <sip:305@c20>;index=1.1\r\n"
                "History-Info: <sip:999@192.0.2.90>;index=1.2\r\nP-Asserted-Identity: <tel:+4366412345>\r\n"
            ),
            lines=ONE_LINE,
        ),
        [("+4366412345", "#0"), ("305", "#0")],
        mixed=True,
    ),
    "Mitel, both parties by Remote-Party-ID and From of the gateway": Variant(
        Invite(
            sender="<sip:192.0.2.20>",
            target="<sip:192.0.2.90>",
            headers=(
                'Remote-Party-ID: "Anna" <sip:201@mbg>;party=calling;screen=yes\r\n'
                'Remote-Party-ID: "Bob" <sip:305@mbg>;party=called;screen=no\r\n'
            ),
            lines=TWO_LINES,
        ),
        [("201", "#0"), ("305", "#1")],
        names={"201": "Anna", "305": "Bob"},
    ),
    "A media server that labels its lines by direction and has no metadata": Variant(
        Invite(sender="<sip:+4366412345@ms>", target="<sip:305@192.0.2.90>", lines=("outbound", "inbound")),
        [("+4366412345", "inbound"), ("305", "outbound")],
    ),
    "A switch that withholds the caller and forks one of its lines as rejected": Variant(
        Invite(
            sender='"Anonymous" <sip:anonymous@anonymous.invalid>',
            target="<sip:305@192.0.2.90>",
            media="m=audio 4000 RTP/AVP 0\r\nm=audio 0 RTP/AVP 0\r\n",
        ),
        [("305", "#0")],
        mixed=False,
    ),
    "A SIPREC client without metadata: its own name is no party, nor is ours": Variant(
        Invite(sender="<sip:sbc@192.0.2.20>", headers="Require: siprec\r\n"),
        [("", "1"), ("", "2")],
    ),
    "A SIPREC client that offers its lines in the ACK": Variant(
        Invite(
            contact="<sip:sbc@192.0.2.20>;+sip.src",
            metadata=TWO,
            is_late=True,
            parts="{metadata}",
            kind="application/rs-metadata+xml",
        ),
        BOTH,
    ),
    "A SIPREC client that gives both lines one label: they stay two": Variant(
        Invite(
            lines=("1", "1"),
            metadata=recording(
                ("p1", "sip:201@x", "s1"),
                ("p2", "sip:+4366412345@x", "s2"),
                streams='<stream stream_id="s1"><label>1</label></stream><stream stream_id="s2"><label>1</label></stream>',
            ),
        ),
        [("201", "1"), ("+4366412345", "1"), ("", "#1")],
    ),
    "A SIPREC client whose feature tag stands inside the address": Variant(
        Invite(sender="<sip:201@x>", contact="<sip:sbc@192.0.2.20;+sip.src>", lines=ONE_LINE),
        [("201", "#0")],
    ),
    "AudioCodes before Teams: addresses with ports, capitals and parameters": Variant(
        Invite(
            contact="<sip:sbc@192.0.2.20;src>",
            metadata=recording(
                ("p1", "SIP:+43150001@sip.pstnhub.microsoft.com:5061;user=phone;x-m=%3A8%3Aorgid", "s1"),
                ("p2", "sip:+4366412345;npdi@192.0.2.20:5060;user=phone", "s2"),
            ),
        ),
        [("+43150001", "1"), ("+4366412345", "2")],
    ),
    "Sonus: both participants unknown, and From and To of the call beside them": Variant(
        Invite(
            metadata=recording(
                ("p1", "sip:unknown@10.1.1.1", "s2"),
                ("p2", "sip:unknown@10.1.1.1", "s1"),
                extra=(
                    "<extensiondata><callData xmlns='urn:son'><fromhdr>\"Max\" &lt;sip:+4319000@c.at&gt;;tag=1</fromhdr>"
                    "<tohdr>&lt;sip:3003@pbx&gt;</tohdr></callData></extensiondata>"
                ),
            ),
        ),
        [("+4319000", "2"), ("3003", "1")],
        names={"+4319000": "Max"},
    ),
    "Oracle: a conference of three, each on a line of its own": Variant(
        Invite(
            lines=("16777227", "16777228", "16777229"),
            metadata=recording(
                ("a", "sip:201@x", "t3"),
                ("b", "sip:202@x", "t1"),
                ("c", "sip:203@x", "t2"),
                streams="".join(
                    f'<stream id="t{place}" session="cs"><label>{16777226 + place}</label></stream>'
                    for place in (1, 2, 3)
                ),
                root="recording xmlns='urn:ietf:params:xml:ns:recording'",
            ),
        ),
        [("201", "16777229"), ("202", "16777227"), ("203", "16777228")],
    ),
    "Kamailio: metadata as text/xml without disposition, in front of the description": Variant(
        Invite(
            metadata=TWO,
            parts="--b\r\nContent-Type: text/xml\r\n\r\n{metadata}\r\n--b\r\nContent-Type: application/sdp\r\n\r\n{sdp}\r\n--b--\r\n",
        ),
        BOTH,
    ),
    "An SBC that writes its metadata in UTF-16": Variant(
        Invite(metadata=TWO.replace("UTF-8", "UTF-16").encode("utf-16")),
        BOTH,
    ),
    "An SBC that puts names into CDATA and blanks around labels": Variant(
        Invite(
            metadata=TWO.replace(
                '<nameID aor="sip:201@x"/>', '<nameID aor=" sip:201@x "><name><![CDATA[Anna <b>]]></name></nameID>'
            ).replace("<label>1</label>", "<label>\n 1 </label>"),
        ),
        BOTH,
        names={"201": "Anna <b>"},
    ),
    "An SBC that makes its metadata fit for mail": Variant(
        Invite(
            metadata=b64encode(TWO.encode()),
            parts=(
                "--b\r\nContent-Type: application/sdp\r\n\r\n{sdp}\r\n--b\r\nContent-Type: application/rs-metadata+xml\r\n"
                "Content-Transfer-Encoding: base64\r\n\r\n{metadata}\r\n--b--\r\n"
            ),
        ),
        BOTH,
    ),
    "Twilio: metadata with parameters of the application alone": Variant(
        Invite(
            sender="<sip:+4366412345@twilio>",
            lines=("inbound", "outbound"),
            metadata=(
                '<recording xmlns="urn:ietf:params:xml:ns:recording:1"><datamode>complete</datamode><extensiondata>'
                "<Parameter><name>CallSid</name><value>CA1</value></Parameter></extensiondata></recording>"
            ),
        ),
        [("+4366412345", "inbound"), ("", "outbound")],
    ),
    "A cloud SBC whose metadata is cut off": Variant(
        Invite(sender="<sip:201@x>", contact="<sip:sbc@192.0.2.20>;+sip.src", metadata=TWO[:200]),
        [("201", "1"), ("", "2")],
    ),
}


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_parties_and_their_lines_are_right(variant: Variant) -> None:
    facts = facts_of(variant.invite)
    assert heard(facts) == variant.heard
    assert facts.mixed is variant.mixed
    assert {party.number: party.name for party in facts.parties if party.name} == variant.names


def test_a_bridge_tells_rules_the_numbers_of_both_ends_and_never_that_of_the_recorder() -> None:
    invite = VARIANTS["CUCM, a From header without angle brackets"].invite
    outline = describe_outline(dialog_of(invite), NumberPlan())
    assert (outline.caller, outline.called, outline.numbers) == ("", "", ("2000", "1000"))
    assert outline.owner is not None
    assert outline.owner.id == "2000"


def test_a_retry_with_a_digest_is_the_same_fork() -> None:
    invite = Invite(sender='"Anna" <sip:201@pbx>', target="<sip:305@192.0.2.90>", lines=TWO_LINES)
    wire = Signalling(Endpoints())
    first = read_message(invite.message())
    wire.add(first, AT)
    wire.add(build_response(first, 401, tag="r"), AT + 1)
    second = read_message(re.sub(rb"CSeq: 1", b"CSeq: 2", invite.message()))
    wire.add(second, AT + 2)
    wire.add(build_response(second, 200, tag="r2", headers=[("Contact", "<sip:srs@192.0.2.90>;+sip.srs")]), AT + 3)
    [dialog] = wire.dialogs.values()
    assert heard(dialog.session.describe()) == [("201", "#0"), ("305", "#1")]


def test_what_our_own_requests_say_is_nothing_of_the_parties() -> None:
    """A recorder that asks for a pause has its own name in From, and so has the answer to that."""
    invite = Invite(sender='"Anna" <sip:201@pbx>', target="<sip:305@192.0.2.90>", lines=TWO_LINES)
    wire = Signalling(Endpoints())
    first = read_message(invite.message())
    wire.add(first, AT)
    wire.add(build_response(first, 200, tag="r", headers=[("Contact", "<sip:srs@192.0.2.90>;+sip.srs")]), AT + 1)
    ours = Invite(sender="<sip:305@192.0.2.90>;tag=r", target='"Anna" <sip:201@pbx>', lines=TWO_LINES).message(
        tag=";tag=c"
    )
    wire.add(read_message(ours), AT + 2)
    wire.add(
        build_response(
            read_message(ours), 200, headers=[("Content-Type", "application/sdp")], body=invite.sdp.encode()
        ),
        AT + 3,
    )
    [dialog] = wire.dialogs.values()
    assert heard(dialog.session.describe()) == [("201", "#0"), ("305", "#1")]
