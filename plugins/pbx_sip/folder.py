"""The folder of captures: what lies in it, and how more are put there whole."""

import os
import re
import secrets
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

NAMES = (".pcap", ".pcapng", ".cap", ".pcap.gz", ".pcapng.gz", ".cap.gz")
_NUMBER = re.compile(r"\d+")
_NAME_LENGTH_MAX = 60  # letters, which may have four bytes each
_MODE = 0o640


def find_captures(folder: Path) -> Iterator[Path]:
    """The plain files of a folder that are captures by their names.

    Raises: OSError.
    """
    for path in folder.iterdir():
        # tcpdump -C puts numbers behind the names: calls.pcap, calls.pcap1, calls.pcap2.
        if path.name.lower().rstrip("0123456789").endswith(NAMES) and not path.name.startswith(".") and path.is_file():
            yield path


def series_of(name: str) -> str:
    """What the names of captures have in common that one tool writes one after the other, such as calls_#_#.pcap."""
    return _NUMBER.sub("#", name).rstrip("#")


def counted(name: str) -> list[tuple[int, str]]:
    """A key that sorts names by their numbers."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


@dataclass(frozen=True, slots=True)
class Found:
    """The calls of a capture. missing: those without media that can be heard. left_out: that rules exclude, by rule."""

    calls: int
    missing: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)

    def plus(self, more: "Found") -> "Found":
        """These and more."""
        left_out = Counter(self.left_out) + Counter(more.left_out)
        return Found(self.calls + more.calls, self.missing + more.missing, dict(left_out))

    def __str__(self) -> str:
        """In words."""
        texts = [f"{self.calls} recorded"]
        for rule, count in sorted(self.left_out.items()):
            texts.append(f"{count} left out by the {f'rule {rule!r}' if rule else 'rules'}")
        if self.missing:
            texts.append(f"{self.missing} missing: no media that can be heard")
        return ", ".join(texts)


def memory_key(name: str) -> str:
    """Under what a device remembers a capture: size, time, whether it is damaged, and as in Found."""
    return f"capture:{name}"


class Arrival:
    """A capture on its way into a folder: nobody sees it there before `finish`, and it replaces no other.

    Left without `finish`, nothing of it stays. Raises, as all its methods do: OSError.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = _plain_name(name)
        self._part = folder / f".{secrets.token_hex(8)}.part"
        self.file = self._part.open("xb")
        _hand_to_owner(self.file.fileno(), folder)

    def take_over(self, path: Path) -> None:
        """All the bytes of a file, which is gone afterwards."""
        try:
            path.replace(self._part)
        except OSError:  # it lies on another disk
            with path.open("rb") as source:
                shutil.copyfileobj(source, self.file, 1 << 20)
            path.unlink()
        else:
            self.file.close()
            self.file = self._part.open("ab")
            _hand_to_owner(self.file.fileno(), self._folder)

    def finish(self) -> Path:
        """Put it into the folder, durably, as if it had grown until now: what comes next may go on in it.

        Returns: where it is now; by another name than asked for where that was taken.
        """
        self.file.flush()
        os.utime(self.file.fileno())
        os.fsync(self.file.fileno())
        self.file.close()
        place = self._reserve()
        self._part.replace(place)
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return place

    def _reserve(self) -> Path:
        suffix = next((each for each in sorted(NAMES, key=len, reverse=True) if self._name.lower().endswith(each)), "")
        stem = self._name[: len(self._name) - len(suffix)]
        number = 1
        while True:
            counted = f"{stem}-{number}" if number > 1 else stem
            place = self._folder / (counted + (suffix or ".pcap"))
            try:
                os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _MODE))
            except FileExistsError:
                number += 1
            else:
                return place

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.file.close()
        self._part.unlink(missing_ok=True)


def _plain_name(name: str) -> str:
    """What a capture may be called here, whatever somebody calls it elsewhere."""
    last = name.replace("\\", "/").rpartition("/")[2]
    plain = "".join(letter for letter in last if letter.isprintable()).encode("utf-8", "replace").decode()
    return plain[-_NAME_LENGTH_MAX:].lstrip(". ") or "capture.pcap"


def _hand_to_owner(descriptor: int, folder: Path) -> None:
    """Let the hub read what root puts into its folder."""
    os.fchmod(descriptor, _MODE)
    if os.geteuid() == 0:
        owner = folder.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
