"""Facts that the name of a file carries."""

import re

from plugins.ipoffice.vrl.facts import Facts

NAME_CHARS_MAX = 255


class NamePattern:
    """A regular expression whose named groups are facts; an empty one finds nothing."""

    def __init__(self, pattern: str) -> None:
        self._pattern = re.compile(pattern) if pattern else None

    def add_facts(self, facts: Facts, name: str) -> None:
        """Facts of the last part of the path `name`."""
        match = self._pattern.search(name.rpartition("/")[2][:NAME_CHARS_MAX]) if self._pattern else None
        for group, value in (match.groupdict() if match else {}).items():
            facts.add("filename", group, value or "")
