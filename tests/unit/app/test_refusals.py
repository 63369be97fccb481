"""A plug-in that was refused is an alarm, until it is refused no more."""

from hub.alerts.board import Board
from hub.app.refusals import announce_refusals
from hub.db.database import Database
from hub.runtime.loader import Refused, Scan
from hub.runtime.plugins import Plugins
from hub.sdk import Kind


def test_a_refused_plugin_is_an_alarm_until_it_is_mended(db: Database) -> None:
    board = Board(db)
    refused = Refused(
        kind=Kind.SOURCE, name="acme_box", reason="ImportError: no acme", distribution="rechub-acme", version="0.3.0"
    )
    announce_refusals(Plugins({Kind.SOURCE: Scan(refused=[refused])}), board)
    (alarm,) = board.list_open()
    assert alarm.code == "PLUGIN_REFUSED"
    assert "acme_box of rechub-acme" in alarm.text
    announce_refusals(Plugins({Kind.SOURCE: Scan()}), board)
    assert board.list_open() == []
    board.close()
