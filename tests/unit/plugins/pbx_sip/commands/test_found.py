"""Who a call is listed under, as far as it is known who called."""

import pytest

from hub.sdk import Party, RecordingDraft, Role
from plugins.pbx_sip.calls.dialog import Dialog
from plugins.pbx_sip.calls.recorded import RecordedCall
from plugins.pbx_sip.commands import found
from plugins.pbx_sip.sip.address import parse_address
from tests.doubles.rtp_stream import BEGAN_NS

ANA, BEN = Party(number="5101"), Party(number="", name="Ben")
CALLED = Party(number="305", role=Role.CALLED)


@pytest.fixture
def call():
    dialog = Dialog(call_id="c1", caller=parse_address("<sip:201@pbx>"), called=parse_address("<sip:305@pbx>"))
    return RecordedCall(dialog=dialog, hops=(dialog,), began_ns=BEGAN_NS, rate_hz=8000, law="", lanes=())


@pytest.mark.parametrize(
    ("parties", "shown"),
    [
        ((ANA, BEN), ["5101", "Ben"]),
        ((ANA, BEN, Party(number="5103")), ["5101", "Ben, 5103"]),
        ((ANA, CALLED), ["5101", "305"]),
        ((Party(number="201", role=Role.CALLER), ANA), ["201", "5101"]),
        ((CALLED, Party(number="201", role=Role.CALLER)), ["201", "305"]),
    ],
)
def test_participants_are_listed_where_it_is_not_known_who_called(call, tmp_path, parties, shown):
    draft = RecordingDraft(origin_id="c1", started_at=call.started_at, media=(), parties=parties)
    row = found.row(call, draft)
    columns = [row[place : place + 18].strip() for place in (21, 41)]
    assert columns == shown
    (tmp_path / "call.wav").touch()
    kept = found.keep(tmp_path, call, draft, tmp_path / "call.wav")
    assert all(name.replace(", ", "__") in kept.name for name in shown)


def test_nobody_is_called_the_caller_who_may_be_none(call):
    draft = RecordingDraft(origin_id="c1", started_at=call.started_at, media=(), parties=(ANA, BEN))
    facts = found.describe(call, draft)
    assert (facts["caller"], facts["called"], facts["participants"]) == ("", "", ["5101", "Ben"])
