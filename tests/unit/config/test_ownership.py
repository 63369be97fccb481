"""The hub refuses to start where another distribution owns its import names."""

import pytest

from hub.config import ConfigError
from hub.config.ownership import check_import_names


def test_what_is_installed_here_is_the_hubs_own():
    check_import_names()


@pytest.mark.parametrize("owners", [{}, {"hub": ["recording-hub"], "webui": ["recording_hub", "recording-hub"]}])
def test_the_hubs_own_packages_are_fine(owners):
    check_import_names(owners)


@pytest.mark.parametrize("package", ["hub", "webui"])
def test_another_distribution_of_the_same_name_is_refused_with_the_command_to_run(package):
    with pytest.raises(ConfigError, match=f"'{package}' is also installed by stranger") as caught:
        check_import_names({package: ["recording-hub", "stranger"]})
    assert "pip uninstall stranger" in caught.value.hint
