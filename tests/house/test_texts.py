"""The catalogue for translators holds every text of pages, scripts and settings as they stand now."""

from webui import catalogue


def test_the_catalogue_is_what_the_sources_say_now():
    assert catalogue.TARGET.read_bytes() == catalogue.render(catalogue.collect()), "run `python -m webui.catalogue`"
