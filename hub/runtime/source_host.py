"""The process of one plug-in instance: `python -P -m hub.runtime.source_host CHANNEL_FD PARENT_PID NAME`.

It imports the sdk, the spool and its plug-in, and neither database nor web. It serves one of two orders, the first line
on its channel: "run" (a source instance, until told to stop) or "check" (try settings once and say how it went).
"""

import asyncio
import gc
import os
import resource
import socket
import sys
import traceback
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.runtime import lifeline
from hub.runtime.channel import Channel
from hub.runtime.context import HostContext, HostFolders
from hub.runtime.failure import Failure, FailureKind
from hub.runtime.forms import FormErrors, load_stored
from hub.runtime.live.audio_server import AudioServer
from hub.runtime.live.errands import Errands
from hub.runtime.loader import scan
from hub.runtime.wire import health_to_json
from hub.sdk import Kind, Listens, Plugin, Source, WindsUp
from hub.steps import watch_removals

if TYPE_CHECKING:
    from collections.abc import Callable

BEAT_S = 1.0
_HEADROOM_BYTES = 512 << 20
_OOM_SCORE = 500  # where the machine runs out of memory, a plug-in goes before the hub
_TRACE_LINES = 40


class _CannotStart(Exception):
    """The plug-in or its settings cannot be used; `failure` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def main(arguments: list[str]) -> None:
    """Serve one order, say how it ended, and end. arguments: file number of the channel, process id of the parent.

    What follows is the name of the instance, for whoever looks at the list of processes.
    """
    descriptor, parent_pid = (int(argument) for argument in arguments[:2])
    lifeline.follow(parent_pid)
    os.set_inheritable(descriptor, False)  # what a plug-in starts must not hold it open when this process is gone
    channel = Channel(socket.socket(fileno=descriptor))
    order = channel.hear_one()
    _limit_process(int(order["memory_limit_mb"]))
    failure: Failure | None = None
    try:
        _serve(channel, order)
    except _CannotStart as exc:
        failure = exc.failure
    except (Exception, SystemExit) as exc:  # noqa: BLE001 - whatever the plug-in raised is reported, not lost
        failure = _tell(channel, exc)
    channel.say("ended", failure=failure.to_json() if failure else None)
    channel.flush()
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(0)  # threads that the plug-in left behind must not keep the process


def _serve(channel: Channel, order: dict[str, Any]) -> None:
    context = HostContext(
        channel,
        int(order["instance_id"]),
        str(order["instance"]),
        HostFolders(**{name: Path(order[name]) for name in ("spool", "scratch", "state", "rules")}),
    )
    plugin = _make_plugin(order, context)
    gc.freeze()  # what was imported lives as long as the process
    channel.say("made")
    try:
        if order["says"] == "check":
            channel.listen(lambda _message: None)
            channel.say("checked", health=health_to_json(plugin.check()))
        else:
            watch_removals(Path(order["spool"]))
            asyncio.run(_run(channel, plugin, Path(order["audio_socket"])))
    finally:
        plugin.close()
        context.close()


def _make_plugin(order: dict[str, Any], context: HostContext) -> Plugin[Any]:
    kind, name = Kind(order["kind"]), str(order["plugin"])
    result = scan(kind, only=name)
    if name not in result.found:
        reasons = [refused.reason for refused in result.refused]
        text = f"The plug-in {name} was refused: {'; '.join(reasons)}." if reasons else f"No plug-in is called {name}."
        hint = "Install the package that brings it, or delete this device."
        raise _CannotStart(Failure(kind=FailureKind.PLUGIN_MISSING, message=text, hint=hint))
    cls = result.found[name].cls
    try:
        settings = load_stored(cls.info.settings, order["settings"], int(order["settings_version"]))
    except FormErrors as exc:
        fields = {field: list(texts) for field, texts in exc.by_field.items()}
        text = "The settings do not fit the installed plug-in."
        raise _CannotStart(Failure(kind=FailureKind.SETTINGS, message=text, fields=fields)) from exc
    return cls(settings, context)


async def _run(channel: Channel, plugin: Plugin[Any], audio_socket: Path) -> None:
    if not isinstance(plugin, Source):
        raise TypeError(f"{type(plugin).__name__} is no source")
    loop = asyncio.get_running_loop()
    running = asyncio.create_task(plugin.run())
    ending = _Ending(channel, plugin, running)
    errands = Errands(channel, plugin)
    audio = AudioServer(audio_socket, plugin) if isinstance(plugin, Listens) else None

    def hear(message: dict[str, Any]) -> None:
        ways: dict[str, Callable[[], object]] = {
            "stop": ending.stop,
            "wind_up": ending.wind_up,
            "errand": partial(errands.begin, message),
        }
        if message["says"] in ways:
            loop.call_soon_threadsafe(ways[message["says"]])

    channel.listen(hear)
    beats = asyncio.create_task(_beat(channel))
    try:
        if audio is not None:
            await audio.start()
        await running
    except asyncio.CancelledError:
        if not ending.is_asked:
            raise RuntimeError("run() was cancelled by the plug-in itself") from None
    finally:
        beats.cancel()
        await errands.close()
        if audio is not None:
            await audio.close()


class _Ending:
    """How `run` ends when the hub asks for it: at once, or when the plug-in has said good-bye."""

    def __init__(self, channel: Channel, plugin: Plugin[Any], running: asyncio.Task[None]) -> None:
        self.is_asked = False
        self._channel = channel
        self._plugin = plugin
        self._running = running
        self._winding_up: asyncio.Task[None] | None = None

    def wind_up(self) -> None:
        """The device is switched off or deleted; a stop follows."""
        if isinstance(self._plugin, WindsUp) and self._winding_up is None:
            self._winding_up = asyncio.create_task(self._say_good_bye(self._plugin))

    def stop(self) -> None:
        """End `run`, once the plug-in has wound up if it has to."""
        self.is_asked = True
        if self._winding_up is None:
            self._running.cancel()
        else:
            self._winding_up.add_done_callback(lambda _: self._running.cancel())

    async def _say_good_bye(self, plugin: WindsUp) -> None:
        try:
            await plugin.wind_up()
        except Exception as exc:  # noqa: BLE001 - it ends all the same
            _tell(self._channel, exc)


async def _beat(channel: Channel) -> None:
    """Tell the supervisor that the loop turns; a plug-in that blocks it is seen by the silence."""
    while True:
        channel.say("beat")
        await asyncio.sleep(BEAT_S)


def _limit_process(memory_limit_mb: int) -> None:
    """A hard ceiling above the limit that the supervisor watches, no core files, first to go when memory is short."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory_limit_mb:
        ceiling = (memory_limit_mb << 20) + _HEADROOM_BYTES
        resource.setrlimit(resource.RLIMIT_DATA, (ceiling, ceiling))
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(_OOM_SCORE))


def _tell(channel: Channel, exc: BaseException) -> Failure:
    failure = Failure.of(exc)
    if failure.kind in {FailureKind.CRASHED, FailureKind.OUT_OF_MEMORY}:
        trace = "".join(traceback.format_exception(exc)).splitlines()[-_TRACE_LINES:]
        channel.say("log", level="error", event="plugin.crashed", facts={"trace": "\n".join(trace)})
    return failure


if __name__ == "__main__":
    main(sys.argv[1:])
