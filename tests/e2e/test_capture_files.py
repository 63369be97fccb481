"""A capture of a telephone system on its way to a listener, through a hub as people start it."""

from pathlib import Path

import numpy as np

from plugins.pbx_sip.media import g711
from tests.doubles import audio
from tests.doubles.capture_file import WireCall, write_capture
from tests.doubles.hub import Hub, until

SAID = g711.compress_mu(audio.speech(3, seed=1)[:, 0]).tobytes()
HEARD = g711.compress_mu(audio.speech(3, seed=2)[:, 0]).tobytes()


def test_calls_in_a_capture_are_listed_and_heard_each_party_on_its_side(tmp_path: Path) -> None:
    folder = tmp_path / "captures"
    folder.mkdir()
    with Hub(tmp_path / "data") as hub, hub.administrator() as admin:
        settings = {"folder": str(folder), "settle_age_s": 0.2}
        answer = admin.api.post("/devices", json={"plugin": "pbx_sip", "name": "Branch", "settings": settings})
        assert answer.status_code == 201, answer.text
        ours = WireCall(call_id="one@pbx", said=SAID, heard=HEARD)
        theirs = WireCall(call_id="two@pbx", caller="+41449876543", called="305", port=30000, said=SAID, heard=HEARD)
        write_capture(folder / "morning.pcap", ours, theirs)

        def rows() -> list[dict[str, object]]:
            found: list[dict[str, object]] = admin.api.get("/recordings").json()["items"]
            return found if len(found) == 2 else []

        by_call = {row["call_id"]: row for row in until(rows, 60, "both calls")}
        assert (by_call["one@pbx"]["direction"], by_call["two@pbx"]["direction"]) == ("outgoing", "incoming")
        samples, rate_hz = audio.decoded(admin.api.get(f"/recordings/{by_call['one@pbx']['id']}/original").content)
        assert rate_hz == 8000
        for channel, octets in enumerate((SAID, HEARD)):
            assert (samples[:, channel] == g711.MU_LAW[np.frombuffer(octets, np.uint8)]).all()
        [found] = admin.api.get("/recordings", params={"text": "305"}).json()["items"]
        assert found["call_id"] == "two@pbx"
