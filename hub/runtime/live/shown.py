"""What a source shows of its calls, on its way to the supervisor: gathered for a moment, each call once."""

import threading
import time
from collections.abc import Sequence
from typing import Any

from hub.runtime.channel import Channel
from hub.runtime.live.wire import MOST_CALLS, call_to_json
from hub.runtime.wire import WireError
from hub.sdk import LiveCall

TOGETHER_S = 0.1
_AT_ONCE = 500


class ShownCalls:
    """Takes calls from any thread without waiting; what is shown again before it was sent is sent once.

    It holds what changed since it last sent, and the ids that are on the list: both are bounded.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._listed: set[str] = set()
        self._waiting: dict[str, dict[str, Any] | None] = {}
        self._sender: threading.Thread | None = None
        self._full = False

    def show(self, call: LiveCall) -> None:
        """Put it on the list or say what changed.

        Raises: ValueError if the call breaks the contract.
        """
        values = call_to_json(call)
        with self._lock:
            if call.id not in self._listed and len(self._listed) >= MOST_CALLS:
                self._tell_full()
                return
            self._listed.add(call.id)
            self._waiting[call.id] = values
            self._send_soon()

    def drop(self, call_id: str) -> None:
        """Take it off the list, if it is on it."""
        with self._lock:
            if call_id in self._listed:
                self._listed.remove(call_id)
                self._waiting[call_id] = None
                self._send_soon()

    def _send_soon(self) -> None:
        if self._sender is None:
            self._sender = threading.Thread(target=self._send, name="shown-calls", daemon=True)
            self._sender.start()
        self._news.set()

    def _send(self) -> None:
        while True:
            self._news.wait()
            time.sleep(TOGETHER_S)
            with self._lock:
                self._news.clear()
                taken, self._waiting = self._waiting, {}
            changes = list(taken.items())
            for begin in range(0, len(changes), _AT_ONCE):
                self._say(changes[begin : begin + _AT_ONCE])

    def _say(self, changes: Sequence[tuple[str, dict[str, Any] | None]]) -> None:
        try:
            self._channel.say("live", changes=changes)
        except WireError:  # too long for one line; one call never is
            half = len(changes) // 2
            self._say(changes[:half])
            self._say(changes[half:])

    def _tell_full(self) -> None:
        if not self._full:
            self._full = True
            facts = {"calls": MOST_CALLS}
            self._channel.say("log", level="warning", event="live.list_full", facts=facts)
