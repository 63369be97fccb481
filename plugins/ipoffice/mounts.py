"""On what kind of file system a folder lies, and whether it is still the one that was there before.

Source: proc_pid_mountinfo(5), inotify(7) ("Limitations and caveats").
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

REMOTE = frozenset(
    {"nfs", "nfs4", "cifs", "smb", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "beegfs"}
)
REMOTE_VIRTUAL = frozenset({"vboxsf", "prl_fs", "virtiofs", "vmhgfs"})
OCTAL = re.compile(r"\\([0-7]{3})")
MOUNTINFO = Path("/proc/self/mountinfo")


@dataclass(frozen=True, slots=True)
class Mount:
    """The file system that holds a folder: where it is mounted, its kind such as ext4, what is mounted there."""

    point: str
    kind: str
    device: str

    @property
    def is_remote(self) -> bool:
        """Whether others can change it without the kernel of this machine noticing."""
        return self.kind in REMOTE | REMOTE_VIRTUAL or self.kind.startswith("fuse")


def find_mount(folder: str, mountinfo: Path = MOUNTINFO) -> Mount:
    """The file system on which `folder` lies, or would lie."""
    path = os.path.realpath(folder)
    best = Mount("/", "unknown", "")
    for line in mountinfo.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        before, _, after = line.partition(" - ")
        fields, kinds = before.split(), after.split()
        if len(fields) < 5 or len(kinds) < 2:
            continue
        point = OCTAL.sub(lambda match: chr(int(match.group(1), 8)), fields[4])
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        # A later line with the same mount point covers the earlier one.
        if inside and len(point) >= len(best.point):
            best = Mount(point, kinds[0], kinds[1])
    return best
