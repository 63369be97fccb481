"""Media that comes to calls from hosts that are no part of them: the alarm names who sends it."""

from plugins.pbx_sip.engine.incidents import LASTS_S
from plugins.pbx_sip.recorder.strangers import Strangers


def told(strangers: Strangers, **packets: int) -> str:
    """What is told of packets by the last number of the address they came from."""
    alarm = strangers.note({f"192.0.2.{host[1:]}>20000": count for host, count in packets.items()})
    return "" if alarm is None else alarm.text


def test_one_who_sends_is_named_with_the_port() -> None:
    text = "192.0.2.9 sent media to port 20000 of a call without being part of it (50 packets)."
    assert told(Strangers(), h9=50) == text


def test_the_few_who_send_most_are_named_and_how_many_more_there_are() -> None:
    strangers = Strangers()
    assert told(strangers, h1=5, h2=9) == (
        "192.0.2.2, 192.0.2.1 sent media to calls without being part of them (14 packets)."
    )
    assert told(strangers, h3=7, h4=1, h5=2, h1=5) == (
        "192.0.2.1, 192.0.2.2, 192.0.2.3 and 2 more sent media to calls without being part of them (29 packets)."
    )


def test_who_has_not_sent_for_as_long_as_the_alarm_lasts_is_not_named_any_more() -> None:
    now_s = [0.0]
    strangers = Strangers(lambda: now_s[0])
    told(strangers, h1=5)
    assert strangers.note({}) is None
    now_s[0] = LASTS_S + 1
    assert told(strangers, h2=1).startswith("192.0.2.2 sent media to port 20000")
