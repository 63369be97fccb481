"""What is wrong with a session description."""


class BadDescription(ValueError):
    """The text is no session description that can be read, or holds what cannot be written into one."""
