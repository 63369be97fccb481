"""What children print."""

import asyncio

from hub.runtime.output import LINE_LIMIT, Drain


def printed(*parts):
    lines = []

    async def read():
        reader = asyncio.StreamReader()
        for part in parts:
            reader.feed_data(part)
        reader.feed_eof()
        drain = Drain("stderr", lambda _stream, text: lines.append(text))
        await drain.read(reader)
        return drain

    return lines, asyncio.run(read())


def test_lines_are_passed_on_whole():
    lines, drain = printed(b"one\ntw", b"o\nlast without an end")
    assert lines == ["one", "two", "last without an end"]
    assert list(drain.tail) == lines


def test_a_flood_is_cut_and_the_cut_is_told():
    lines, drain = printed(b"x\n" * 5000)
    assert len(lines) < 300
    assert "lines were dropped here" in lines[-1]
    assert len(drain.tail) == 20


def test_an_endless_line_takes_no_more_memory_than_a_long_one():
    lines, _ = printed(*[b"y" * 100_000] * 20)
    assert [len(line) for line in lines] == [LINE_LIMIT]


def test_bytes_that_are_no_text_are_shown_as_well_as_can_be():
    assert printed(b"\xff\xfe caf\xc3\xa9\n")[0] == ["\ufffd\ufffd café"]
