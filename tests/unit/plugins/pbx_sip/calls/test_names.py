"""Which of the dialogs that share a Call-ID a message belongs to: it may be kept on every hop of a call."""

import pytest

from plugins.pbx_sip.calls.dialog import Side
from plugins.pbx_sip.calls.signalling import Signalling
from plugins.pbx_sip.packets.datagrams import Endpoints
from tests.doubles.sip_text import request, response, sdp

S = 1_000_000_000
PHONE, PBX, OTHER = "192.0.2.1", "192.0.2.5", "192.0.2.9"


class Wire:
    """Signalling, which hears messages half a second apart."""

    def __init__(self):
        self.endpoints = Endpoints()
        self.signalling = Signalling(self.endpoints)
        self.at_ns = 1000 * S

    def hear(self, *messages):
        for message in messages:
            self.at_ns += S // 2
            self.signalling.add(message, self.at_ns)
        return self

    @property
    def hops(self):
        """Where the sides of each dialog listen, by its name."""
        return {
            name: [f"{each.side} {self.endpoints.text(each.endpoint)}" for each in dialog.listenings]
            for name, dialog in self.signalling.dialogs.items()
        }

    @property
    def ended_by(self):
        return [dialog.ended_by for dialog in self.signalling.dialogs.values()]


def via(host, number=1):
    return f"{host}:5060;branch=z9hG4bK{host}-{number}"


def invite(sender=PHONE, media=(PHONE, 4000), **more):
    return request("INVITE", **{"via": via(sender), "body": sdp(*media) if media else ""} | more)


def answer(sender=PHONE, media=(PBX, 5000), status="200 OK", **more):
    return response(status, **{"via": via(sender), "body": sdp(*media) if media else ""} | more)


def behind(**more):
    """The other hop: the PBX calls the other telephone and gets its answer."""
    return [invite(PBX, (PBX, 5002), **more), answer(PBX, (OTHER, 6000), **more)]


FRONT_HOP = ["caller 192.0.2.1:4000", "called 192.0.2.5:5000"]
BACK_HOP = ["caller 192.0.2.5:5002", "called 192.0.2.9:6000"]
KEPT = [{}, {"tag": "d"}, {"caller_tag": "c", "tag": "d"}]


def through(more):
    """A call on both hops, as their messages are seen."""
    asked = {key: value for key, value in more.items() if key != "tag"}
    return [invite(), invite(PBX, (PBX, 5002), **asked), behind(**more)[1], answer()]


@pytest.mark.parametrize("more", KEPT)
def test_what_a_pbx_asks_for_under_the_same_call_id_is_another_hop(more):
    wire = Wire().hear(*through(more))
    assert wire.hops == {"c1": FRONT_HOP, "c1;hop=2": BACK_HOP}


@pytest.mark.parametrize("more", KEPT)
@pytest.mark.parametrize("by", Side)
def test_whoever_hangs_up_ends_every_hop(more, by):
    ends = {"tag": "b"} | more
    hangs_up = {"by_called": "yes"} if by is Side.CALLED else {}
    senders = (OTHER, PBX) if by is Side.CALLED else (PHONE, PBX)
    tags = (ends, {"tag": "b"}) if by is Side.CALLED else ({"tag": "b"}, ends)
    byes = [
        request("BYE", number="7", via=via(sender, 2), **each, **hangs_up)
        for sender, each in zip(senders, tags, strict=True)
    ]
    assert Wire().hear(*through(more), *byes).ended_by == [by, by]


def test_what_is_asked_for_anew_is_asked_for_on_its_own_hop_though_the_tags_are_the_same():
    wire = Wire().hear(*through({}))
    for sender, media, refreshed in ((OTHER, (OTHER, 6000), (PBX, 5002)), (PBX, (PBX, 5000), (PHONE, 4000))):
        again = {"number": "5", "via": via(sender, 3), "by_called": "yes", "tag": "b"}
        wire.hear(request("INVITE", body=sdp(*media), **again), response("200 OK", body=sdp(*refreshed), **again))
    assert wire.hops == {"c1": FRONT_HOP, "c1;hop=2": BACK_HOP}


def test_what_a_proxy_passes_on_as_it_is_is_one_dialog():
    wire = Wire().hear(
        invite(), invite(PBX), answer(PBX, (OTHER, 6000)), answer(PHONE, (OTHER, 6000)),
        request("BYE", tag="b", number="2", via=via(OTHER, 2), by_called="yes"),
    )  # fmt: skip
    assert wire.hops == {"c1": ["caller 192.0.2.1:4000", "called 192.0.2.9:6000"]}
    assert wire.ended_by == [Side.CALLED]


@pytest.mark.parametrize("more", [{"caller_tag": "c"}, {}])
def test_an_invite_that_is_tried_again_after_a_refusal_is_of_the_same_dialog(more):
    refused = answer(media=None, status="407 Proxy Authentication Required")
    again = {"number": "2", "via": via(PHONE, 2)} | more
    wire = Wire().hear(
        invite(), refused, invite(media=(PHONE, 4002), **again), response("200 OK", body=sdp(PBX, 5000), **again)
    )
    assert wire.hops == {"c1": ["caller 192.0.2.1:4000", "caller 192.0.2.1:4002", "called 192.0.2.5:5000"]}


def test_a_hop_of_a_call_that_was_tried_again_is_another_one():
    refused = answer(media=None, status="407 Proxy Authentication Required")
    again = {"number": "2", "via": via(PHONE, 2)}
    wire = Wire().hear(invite(), refused, invite(**again), *behind(), response("200 OK", body=sdp(PBX, 5000), **again))
    assert wire.hops == {"c1": FRONT_HOP, "c1;hop=2": BACK_HOP}


def test_the_next_call_with_the_same_call_id_is_another_one():
    bye = request("BYE", tag="b", number="2", via=via(PHONE, 2))
    again = {"caller_tag": "c", "tag": "d", "via": via(PHONE, 3)}
    wire = Wire().hear(invite(), answer(), bye, invite(**again | {"tag": ""}), answer(**again))
    assert wire.hops == {"c1": FRONT_HOP, "c1;hop=2": FRONT_HOP}


def test_hops_of_which_neither_invite_was_seen_are_known_by_their_tags():
    wire = Wire().hear(
        invite(tag="b"), invite(PBX, (PBX, 5002), caller_tag="c", tag="d"),
        answer(PBX, (OTHER, 6000), caller_tag="c", tag="d"), answer(),
    )  # fmt: skip
    assert wire.hops == {"c1": FRONT_HOP, "c1;hop=2": BACK_HOP}


def test_what_is_offered_in_the_answer_is_offered_on_its_own_hop():
    wire = Wire().hear(
        invite(media=None), invite(PBX, None), answer(PBX, (OTHER, 6000)), answer(),
        request("ACK", tag="b", via=via(PHONE, 2), body=sdp(PHONE, 4000)),
        request("ACK", tag="b", via=via(PBX, 2), body=sdp(PBX, 5002)),
    )  # fmt: skip
    assert wire.hops == {"c1": FRONT_HOP[::-1], "c1;hop=2": BACK_HOP[::-1]}


def test_a_call_that_rings_at_several_places_is_one_dialog():
    wire = Wire().hear(invite(), answer(status="183 Session Progress", tag="x"), answer(media=(OTHER, 6000), tag="y"))
    assert wire.hops == {"c1": [*FRONT_HOP, "called 192.0.2.9:6000"]}


def test_an_invite_that_its_ack_has_overtaken_begins_no_dialog_beside_it():
    wire = Wire().hear(request("ACK", tag="b", via=via(PHONE, 2)), invite(), answer(), *behind())
    assert wire.hops == {"c1": FRONT_HOP, "c1;hop=2": BACK_HOP}


def test_telephones_without_tags_and_via_have_one_dialog():
    bare = {"caller_tag": "", "tag": ""}
    wire = Wire().hear(invite(**bare), answer(**bare), request("BYE", number="2", **bare))
    assert (list(wire.hops), wire.ended_by) == (["c1"], [Side.CALLER])


def test_a_transfer_is_known_by_the_call_id_whichever_hop_tells_of_it():
    wire = Wire().hear(*through({}))
    for sender in (PHONE, PBX):
        wire.hear(request("REFER", tag="b", number="3", via=via(sender, 3), headers="Refer-To: <sip:307@pbx>"))
    wire.hear(request("INVITE", "c2", caller="305", called="307", body=sdp(OTHER, 6002)))
    assert {dialog.interaction for dialog in wire.signalling.dialogs.values()} == {"", "c1"}


def test_a_call_id_has_no_more_dialogs_than_a_call_has_hops():
    invites = [invite(PBX, (PBX, 5000 + 2 * number), caller_tag=f"t{number}") for number in range(100)]
    assert len(Wire().hear(*invites).hops) == 16
