from dataclasses import dataclass, field

from plugins.ipoffice.folder import Look
from plugins.ipoffice.settle import SettleRules, Settling

DAY = 1_800_000_000.0


@dataclass
class Table:
    """A folder of one file, looked at once a second by a clock that a test moves."""

    rules: SettleRules = field(default_factory=SettleRules)
    now_s: float = 100.0
    size: int = 1000
    written_s: float = 100.0
    whole: bool | None = True
    ready_s: float | None = None

    def __post_init__(self) -> None:
        self.settling = Settling(self.rules)

    @property
    def look(self) -> Look:
        return Look(self.size, int((DAY + self.written_s) * 1e9), 1)

    def write(self, count: int = 100) -> None:
        self.size += count
        self.written_s = self.now_s

    def found(self) -> None:
        self.settling.found("a.wav", self.look, self.now_s)

    def opened(self) -> None:
        self.settling.opened("a.wav", self.look, self.now_s)

    def closed(self) -> None:
        self.settling.closed("a.wav", self.look, self.now_s)

    def pass_s(self, seconds: float, step_s: float = 0.5, *, growing: bool = False) -> bool:
        """Let time pass; whether the file was found finished."""
        end_s = self.now_s + seconds
        while True:
            for candidate in self.settling.due(self.now_s, 10):
                if self.settling.judge(candidate, self.look, self.now_s, DAY + self.now_s, lambda: self.whole):
                    self.ready_s = self.now_s
                    return True
            if self.now_s >= end_s:
                return False
            self.now_s += step_s
            if growing:
                self.write()


def test_a_whole_file_is_finished_when_its_writer_closes_it() -> None:
    table = Table()
    table.opened()
    assert not table.pass_s(1.0)
    table.closed()
    assert table.pass_s(0)


def test_a_whole_file_that_nobody_announced_waits_for_its_age() -> None:
    table = Table()
    table.found()
    assert table.pass_s(10)
    assert table.ready_s is not None
    assert 105 <= table.ready_s <= 107


def test_a_closed_file_that_is_not_whole_waits_for_its_age() -> None:
    table = Table(whole=False)
    table.closed()
    assert table.pass_s(10)
    assert table.ready_s is not None
    assert 105 <= table.ready_s <= 107


def test_a_file_that_grows_for_a_minute_is_left_alone_until_it_stops() -> None:
    table = Table(whole=False)
    table.found()
    assert not table.pass_s(60, growing=True)
    table.whole = True
    assert table.pass_s(10)
    assert table.ready_s is not None
    assert table.ready_s >= 165


def test_an_old_file_needs_two_looks_and_no_more() -> None:
    table = Table(written_s=-3600)
    table.found()
    assert table.pass_s(5)
    assert table.ready_s is not None
    assert table.ready_s <= 102


def test_where_the_clock_is_not_trusted_an_old_time_counts_for_nothing() -> None:
    table = Table(SettleRules(trust_mtime=False), written_s=-3600)
    table.found()
    assert not table.pass_s(4)
    assert table.pass_s(3)


def test_a_clock_ahead_of_ours_does_not_hold_a_file_for_ever() -> None:
    table = Table(written_s=9_000)
    table.found()
    assert table.pass_s(7)


def test_a_writer_that_pauses_is_waited_for_while_its_file_is_not_whole() -> None:
    table = Table(whole=False)
    table.opened()
    assert not table.pass_s(60)
    table.closed()
    assert table.pass_s(7)


def test_a_writer_that_never_closes_is_not_waited_for_for_ever() -> None:
    table = Table(SettleRules(writer_wait_s=30), whole=False)
    table.opened()
    assert table.pass_s(40)


def test_a_writer_that_keeps_a_whole_file_open_is_not_waited_for() -> None:
    table = Table()
    table.opened()
    assert table.pass_s(7)


def test_an_upload_that_broke_off_waits_for_its_sender() -> None:
    rules = SettleRules(cut_off_wait_s=100, trust_mtime=False)
    broken = Table(rules, whole=False)
    broken.found()
    assert not broken.pass_s(95)
    assert broken.pass_s(10)
    whole = Table(rules)
    whole.found()
    assert whole.pass_s(7)
    unknown = Table(rules, whole=None)
    unknown.closed()
    assert unknown.pass_s(7)


def test_a_change_after_the_close_begins_anew() -> None:
    table = Table(whole=False)
    table.closed()
    assert not table.pass_s(4)
    table.write()
    assert not table.pass_s(4)
    assert table.pass_s(3)


def test_forgetting_writers_leaves_only_age_to_judge() -> None:
    table = Table(whole=False)
    table.opened()
    table.settling.forget_writers()
    assert table.pass_s(7)
