"""Recording sessions of two parties, each on a line with a label of its own."""

from plugins.pbx_sip.calls.numbers import NumberPlan
from plugins.pbx_sip.drafts.draft import make_draft
from tests.doubles import audio
from tests.unit.plugins.pbx_sip.siprec.forking import Fork, observe, tones_of

ADA, BEN, EVA = ("p1", "2001", "1"), ("p2", "+43111", "2"), ("p3", "2009", "4")


def metadata(*people, mode="complete"):
    """Each with a number and the label of the one stream that it sends."""
    told = "".join(
        f'<participant participant_id="{one}"><nameID aor="sip:{number}@x"/></participant>'
        f'<participantsessionassoc participant_id="{one}" session_id="c"/>'
        f'<participantstreamassoc participant_id="{one}"><send>s{label}</send></participantstreamassoc>'
        for one, number, label in people
    )
    told += "".join(
        f'<stream stream_id="s{label}" session_id="c"><label>{label}</label></stream>'
        for label in sorted(label for _, _, label in people)
    )
    return f'<recording xmlns="urn:ietf:params:xml:ns:recording:1"><datamode>{mode}</datamode><session session_id="c"/>{told}</recording>'


def session(**more):
    options = {
        "metadata": metadata(ADA, BEN),
        "tones_hz": (400, 900),
        "labels": ("1", "2"),
        "contact": "<sip:sbc@192.0.2.20>;+sip.src",
    }
    return Fork(call_id="s", length_s=6.0, **options | more)


def record(folder, *frames):
    """The draft of the only call in these frames, and what is heard of each party before and behind its half."""
    [call] = observe(folder / "seen.pcap", *frames)
    draft = make_draft(call, NumberPlan(), folder / "call.wav", "test")
    samples, _ = audio.decoded((folder / "call.wav").read_bytes())
    first, second = tones_of(samples, 0.2, 2.7), tones_of(samples, 3.3, 5.7)
    return draft, {each.number: (first[each.channel], second[each.channel]) for each in draft.parties}
