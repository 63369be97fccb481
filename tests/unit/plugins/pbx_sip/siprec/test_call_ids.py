"""By what the legs of a call that a recording client tells of are known as one."""

from datetime import UTC, datetime

import pytest

from plugins.pbx_sip.siprec.session import RecordingSession

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
NIL, LOCAL, REMOTE = "0" * 32, "ab30317f1a784dc48ff824d0d3715d86", "47755a9de7794ba387653f2099600ef2"
UCID = "<extensiondata><ucid>00FA080001183F5093914D;encoding=hex</ucid></extensiondata>"
TRACKING = "<extensiondata><extTrackingID>t-1</extTrackingID></extensiondata>"
GROUP = '<group group_id="Z3JvdXA="/>'


def told(session_ids="", extension="", group=""):
    ids = "".join(f"<sipSessionID>{each}</sipSessionID>" for each in session_ids.split())
    session = RecordingSession()
    reference = "<group-ref>Z3JvdXA=</group-ref>" if group else ""
    text = f'<recording>{group}<session session_id="c2Vz">{reference}{ids}{extension}</session></recording>'
    session.update(text.encode(), received_at=NOW)
    facts = session.describe()
    return facts.call_id, facts.provenance.get("call_id", "")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ((f"{LOCAL};remote={REMOTE}", TRACKING, GROUP), ("t-1", "vendor")),
        ((f"{LOCAL};remote={REMOTE}", UCID, GROUP), (LOCAL, "sipSessionID")),
        ((f"{NIL};remote={REMOTE} {LOCAL};remote={NIL}", "", GROUP), (LOCAL, "sipSessionID")),
        ((f"{NIL};remote={REMOTE}", UCID, GROUP), ("00001062071351848269", "ucid")),
        (("", "", GROUP), ("Z3JvdXA=", "group")),
        (("", "", ""), ("", "")),
    ],
    ids=["tracking id", "session id", "not the one of nobody", "ucid", "group of sessions", "nothing"],
)
def test_legs_share_what_the_client_says_most_surely(said, expected):
    assert told(*said) == expected
