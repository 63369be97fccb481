"""What listeners would think of a coding and of what is lost of it."""

import pytest

from plugins.pbx_sip.rtp.opinion import estimate_mos
from plugins.pbx_sip.sdp.codecs import DECODABLE


@pytest.mark.parametrize(
    ("coding", "lost_share", "mos"),
    [
        ("PCMU", 0.0, 4.41),
        ("PCMU", 0.05, 3.92),
        ("G729", 0.0, 4.10),
        ("GSM", 0.0, 3.74),
        ("G726-40", 0.0, 4.37),
        ("G726-32", 0.0, 4.24),
        ("G726-24", 0.0, 3.51),
        ("G726-16", 0.0, 2.22),
        ("AAL2-G726-16", 0.0, 2.22),
    ],
)
def test_opinion_follows_the_e_model(coding, lost_share, mos):
    assert estimate_mos(coding, lost_share) == pytest.approx(mos, abs=0.05)


def test_opinion_falls_with_loss():
    opinions = [estimate_mos("PCMA", percent / 100) for percent in range(0, 60, 5)]
    assert opinions == sorted(opinions, reverse=True)


def test_every_coding_that_can_be_heard_has_an_opinion_but_those_that_nobody_rated():
    assert {coding for coding in DECODABLE if estimate_mos(coding, 0.0) is None} == {"ILBC", "SPEEX"}
