"""Why a journal cannot be opened."""


class JournalInUse(RuntimeError):
    """Another process writes this journal."""


class WrongKey(ValueError):
    """The journal was written with another key."""


class OtherVersion(ValueError):
    """The journal was written in a format that this version does not know."""
