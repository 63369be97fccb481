from zoneinfo import ZoneInfo

import pytest

from webui.language import Languages, length

UTC = ZoneInfo("UTC")


@pytest.fixture(scope="module")
def languages() -> Languages:
    return Languages()


@pytest.mark.parametrize(
    ("accept", "name"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh_Hans"),
        ("zh", "zh_Hans"),
        ("zh-SG", "zh_Hans"),
        ("zh-Hans-CN", "zh_Hans"),
        ("zh-TW,zh;q=0.9", "zh_Hans"),
        ("zh-TW", "en"),
        ("xx,zh-CN", "zh_Hans"),
        ("en-GB,zh-CN", "en"),
        ("tlh", "en"),
        ("", "en"),
        ("*", "en"),
        ("../../etc/passwd", "en"),
    ],
)
def test_the_browser_gets_the_closest_of_its_languages(languages: Languages, accept: str, name: str) -> None:
    assert languages.choose("", accept, UTC).name == name


def test_a_choice_of_the_person_comes_first_and_one_that_is_gone_does_not_count(languages: Languages) -> None:
    assert languages.choose("zh_Hans", "en", UTC).name == "zh_Hans"
    assert languages.choose("eo", "zh-CN", UTC).name == "zh_Hans"


def test_languages_are_called_by_their_own_names(languages: Languages) -> None:
    assert dict(languages.named)["zh_Hans"] == "中文 (简体)"


def test_texts_come_from_the_catalogue_without_a_compiled_file(languages: Languages) -> None:
    chinese = languages.choose("zh_Hans", "", UTC)
    assert chinese.texts.gettext("Recordings") == "录音"
    assert chinese.texts.ngettext("%(num)s day", "%(num)s days", 3) == "%(num)s 天"
    assert chinese.tag == "zh-Hans"


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0:00"), (0.001, "< 1 s"), (0.5, "< 1 s"), (0.51, "0:01"), (3599.6, "1:00:00")]
)
def test_what_lasted_is_never_shown_as_nothing(seconds: float, shown: str) -> None:
    assert length(seconds) == shown
