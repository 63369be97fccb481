"""How many event streams are open."""

import threading
from collections import Counter
from collections.abc import Callable

from webui.api.v1.problem import ApiError

STREAMS_OF_A_TOKEN = 5


class OpenStreams:
    """How many streams each token holds open, in this process."""

    def __init__(self, most: int = STREAMS_OF_A_TOKEN) -> None:
        self._most = most
        self._open: Counter[int] = Counter()
        self._lock = threading.Lock()

    def enter(self, token_id: int) -> Callable[[], None]:
        """Count one more.

        Returns: what to call when it is closed.
        Raises: ApiError 429.
        """
        with self._lock:
            if self._open[token_id] >= self._most:
                detail = f"A token may hold {self._most} streams open."
                raise ApiError(429, "too-many-streams", detail, headers={"Retry-After": "30"})
            self._open[token_id] += 1

        def leave() -> None:
            with self._lock:
                self._open[token_id] -= 1
                if not self._open[token_id]:
                    del self._open[token_id]

        return leave
