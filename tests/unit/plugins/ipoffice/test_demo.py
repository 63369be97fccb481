import asyncio
import shutil
from pathlib import Path

import pytest

from hub.sdk import Direction, OwnerKind
from plugins.ipoffice.demo import speech
from plugins.ipoffice.demo.calls import CALLS
from plugins.ipoffice.plugin import IPOffice
from plugins.ipoffice.settings import IPOfficeSettings
from tests.doubles import audio
from tests.doubles.source_context import SourceContext, running, until


def test_the_demonstration_shows_every_kind_of_call_within_a_minute(tmp_path: Path) -> None:
    if shutil.which("espeak-ng") is None:
        raise AssertionError("espeak-ng is missing: apt-get install --no-install-recommends espeak-ng")
    folder = tmp_path / "demo"
    folder.mkdir()
    ctx = SourceContext(tmp_path)
    settings = IPOfficeSettings.model_validate(IPOffice.demo_settings(folder))

    async def play() -> list[str]:
        async with running(IPOffice(settings, ctx)):
            lines = await asyncio.to_thread(lambda: list(IPOffice.play_demo(folder)))
            await until(lambda: len(ctx.taken) == len(CALLS), 60)
            return lines

    lines = asyncio.run(play())
    assert len(lines) == len(CALLS)
    drafts = [draft for draft, _, _ in ctx.taken]
    assert {draft.direction for draft in drafts} == set(Direction) - {Direction.UNKNOWN}
    assert {draft.owner.kind for draft in drafts if draft.owner} == set(OwnerKind)
    assert max(len(draft.parties) for draft in drafts) == 3
    assert min(len(draft.parties) for draft in drafts) == 2
    assert all(draft.call_id and not draft.problem for draft in drafts)
    assert len({draft.started_at.date() for draft in drafts}) > 2
    for _, data, _ in ctx.taken:
        samples, rate_hz = audio.decoded(data)
        assert len(samples) > 10 * rate_hz
        assert abs(samples).max() > 3000
    assert sorted(path.name for path in folder.iterdir()) == [".recording-hub"]


def test_without_a_voice_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech, "PROGRAM", "no-such-voice")
    with pytest.raises(speech.NoSpeech, match="apt-get install --no-install-recommends espeak-ng"):
        next(IPOffice.play_demo(tmp_path))
