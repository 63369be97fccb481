"""An answer waits until media can come to the ports that it names, and not for long."""

import asyncio

from plugins.pbx_sip.recorder.openings import Openings


def test_what_needs_ports_waits_until_every_worker_has_opened_all_of_them() -> None:
    async def act() -> None:
        openings, done = Openings(), asyncio.Event()
        for port in (4000, 4001):
            openings.ask(port, range(2))
        openings.when_open([4000, 4001], done.set)
        for port, worker in ((4000, 0), (4000, 1), (4001, 1)):
            openings.note(port, worker)
            assert not done.is_set()
        openings.note(4001, 0)
        assert done.is_set()

    asyncio.run(act())


def test_nothing_waits_for_ports_that_are_open_or_closed_again() -> None:
    async def act() -> None:
        openings, done = Openings(), asyncio.Event()
        openings.when_open([4000], done.set)
        assert done.is_set()
        closed = asyncio.Event()
        openings.ask(4000, range(1))
        openings.when_open([4000], closed.set)
        openings.forget(4000)
        assert closed.is_set()

    asyncio.run(act())


def test_a_worker_that_does_not_answer_holds_nothing_up_for_long() -> None:
    async def act() -> None:
        openings, done = Openings(), asyncio.Event()
        openings.ask(4000, range(1))
        openings.when_open([4000], done.set)
        assert not done.is_set()
        async with asyncio.timeout(10):
            await done.wait()
        done.clear()
        openings.note(4000, 0)
        assert not done.is_set()

    asyncio.run(act())
