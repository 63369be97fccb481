"""Memory that a worker needs again and again: kept from one use to the next, as pages from the kernel are not free.

Source: mallopt(3).
"""

import ctypes
from contextlib import suppress

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_BY_ITSELF_BYTES = 32 << 20  # the most that it may be; what is larger comes from the kernel and goes back to it
_KEPT_BYTES = 512 << 20


def keep_freed_memory() -> None:
    """Do not give back to the kernel what was freed, where the C library can be told so."""
    with suppress(OSError, AttributeError):
        tune = ctypes.CDLL(None).mallopt
        tune(_MMAP_THRESHOLD, _BY_ITSELF_BYTES)
        tune(_TRIM_THRESHOLD, _KEPT_BYTES)
