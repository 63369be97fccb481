"""What a capture worker is to do, as it is written into its folder before it starts."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What one worker captures, and where it puts it.

    journal: the folder for media. instance: a name that no other worker of this machine has. interface: whose packets
    are read, "" to receive on ordinary sockets at `addresses` instead.

    ports: (first, last) of the local ports that calls get; None for a mirror, which keeps all media that it sees.
    older_ports: others, of calls that began under other settings. is_retired: nothing is captured any more, but what
    was is still in the journal.
    expression: what a mirror looks at, as tcpdump has it. key_log: a file with the keys of
    TLS connections that a mirror sees, "" for none. fanout_group: of the workers who share the packets.
    """

    journal: str = ""
    instance: str = ""
    interface: str = ""
    addresses: tuple[str, ...] = ()
    ports: tuple[int, int] | None = None
    older_ports: tuple[int, ...] = ()
    is_retired: bool = False
    expression: str = ""
    sip_ports: tuple[int, ...] = ()
    key_log: str = ""
    fanout_group: int | None = None

    @property
    def port_range(self) -> range:
        """The local ports."""
        first, last = self.ports or (1, 65535)
        return range(first, last + 1)

    def reaching(self, ports: Iterable[int]) -> Self:
        """The order under which these ports are captured as well; ordinary sockets can be had on any."""
        if self.ports is None or not self.interface:
            return self
        return replace(self, older_ports=tuple(sorted(set(ports) - set(self.port_range))))

    def write(self, path: Path) -> None:
        """Leave it for the worker. Raises: OSError."""
        fresh = path.with_suffix(".new")
        fresh.write_text(self.text)
        fresh.rename(path)

    @property
    def text(self) -> str:
        """As JSON: a worker with another one cannot be taken over."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def read(cls, path: Path) -> Self:
        """What was written. Raises: OSError, ValueError."""
        values = json.loads(path.read_text())
        known = {field.name for field in fields(cls)}
        kept: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items() if name in known
        }
        return cls(**kept)
