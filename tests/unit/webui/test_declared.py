from pathlib import Path

import pytest

from webui.declared import find_declared


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        (
            'setting("Folder", "Where it is.", labels={"a": "First"}, unit="s")',
            ["Folder", "Where it is.", "First", "s"],
        ),
        ('raise InvalidEntry(f"Use at most {_MOST} characters.", field="name")', ["Use at most {most} characters."]),
        ('raise RetryLater(f"{host} port {port}", hint="Look at the network.")', ["Look at the network."]),
        ('hint = "Mend it."\nraise BadRecording("It is broken", hint=hint)', ["It is broken", "Mend it."]),
        ('AlarmCode(code="X", text="{a} is gone.", hint="Look.")', ["{a} is gone.", "Look."]),
        ('ok(part, "It is watched." if watch else "It is polled.")', ["It is watched.", "It is polled."]),
        ('raise SettingsError(f"{a.name} and {b.name} are the same.")', ["{name} and {name1} are the same."]),
        ('why, text = 1, "It is over."\n_tell_absence(call, why, text)', ["It is over."]),
        ('_WORDS = {"a": "It is a fax."}\nTimelineEvent(text=_WORDS[kind])', ["It is a fax."]),
        ('def _say(self):\n    return "It is away."\nAlarm(text=self._say())', ["It is away."]),
        ('replace(health, summary=f"{host} is there.")', ["{host} is there."]),
        ('self.way = "ordinary sockets"', ["ordinary sockets"]),
        ('raise KeyError("for programs")', []),
    ],
)
def test_what_pages_show_is_found(tmp_path: Path, source: str, texts: list[str]) -> None:
    path = tmp_path / "plugin.py"
    path.write_text(source)
    assert [text for _, text in find_declared(path)] == texts


def test_errors_of_validators_are_sentences(tmp_path: Path) -> None:
    path = tmp_path / "settings.py"
    path.write_text('raise ValueError("give a folder")')
    assert [text for _, text in find_declared(path)] == ["Give a folder."]
    assert list(find_declared(path.rename(tmp_path / "reader.py"))) == []


def test_all_that_a_file_of_advice_holds_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "advice.py"
    path.write_text('_WAYS: dict[int, str] = {401: "Give a secret."}\nLAST = "Call us."\nclass Why:\n    A = "Busy"\n')
    assert [text for _, text in find_declared(path)] == ["Give a secret.", "Call us."]
