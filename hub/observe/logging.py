"""Log lines: constant event names with facts as keywords, for people on a terminal or as JSON for machines."""

import logging
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, TextIO

import structlog
from structlog.contextvars import bound_contextvars
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor, WrappedLogger

_SECRET = re.compile(r"pass(word|wd|phrase)|secret|token|authorization|cookie|private_key|api_key")
_PERSONAL = re.compile(r"(^|_)(numbers?|caller|called|part(y|ies)|target|agent|callers|extension|digits)$")
_NAMED_AFTER_A_CALL = re.compile(r"(^|_)(origin_name|file|file_name|path|line)$")
_DIGITS = re.compile(r"\d{3,}")
_HIDDEN = "[hidden]"
_SHOWN_DIGITS = 2
_CLOCK = structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False)


class LogSettings(Protocol):
    """What of the configuration is needed here."""

    @property
    def log(self) -> str:
        """`console` or `json`."""
        ...

    @property
    def log_level(self) -> str:
        """`debug`, `info`, `warning` or `error`."""
        ...


def configure(settings: LogSettings, stream: TextIO | None = None) -> None:
    """Send every log line of this process, those of libraries too, to `stream` (None: standard error)."""
    stream = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True) if settings.log == "json" else _CLOCK,
        hide_secrets,
        mask_numbers,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(settings.log, stream)],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncssh", "alembic", "sqlalchemy.engine", "watchdog"):
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
        library.setLevel(logging.WARNING)


def _rendering(form: str, stream: TextIO) -> list[Processor]:
    if form == "json":
        return [
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(sort_keys=False, default=str),
        ]
    colors = stream.isatty() and not os.environ.get("NO_COLOR")
    return [
        _without_logger,
        structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback),
    ]


def _without_logger(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """People read what happened; which module said so is for those who look closely."""
    if event.get("level") != "debug":
        event.pop("logger", None)
    return event


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module; give it `__name__`."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


@contextmanager
def bound(**facts: Any) -> Iterator[None]:
    """Every line logged inside carries `facts`, such as request_id, recording_id or instance."""
    with bound_contextvars(**facts):
        yield


def hide_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace the value of every key that names a secret, however deep."""
    return {key: _HIDDEN if _SECRET.search(key.lower()) else _without_secrets(value) for key, value in event.items()}


def _without_secrets(value: object) -> object:
    if isinstance(value, Mapping):
        return {
            key: _HIDDEN if _SECRET.search(str(key).lower()) else _without_secrets(item) for key, item in value.items()
        }
    return value


def mask_numbers(_logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Leave the last two digits of telephone numbers, except in lines at debug level."""
    if method == "debug" or event.get("level") == "debug":
        return event
    return {key: _masked(key, value) for key, value in event.items()}


def _masked(key: str, value: Any) -> Any:
    if not (_PERSONAL.search(key) or _NAMED_AFTER_A_CALL.search(key)):
        return value
    if isinstance(value, Mapping):
        return {name: _masked(key, item) for name, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return [_masked(key, item) for item in value]
    return _DIGITS.sub(lambda run: "*" * (len(run[0]) - _SHOWN_DIGITS) + run[0][-_SHOWN_DIGITS:], str(value))
