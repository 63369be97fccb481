from pathlib import Path

from plugins.ipoffice.mounts import find_mount

TABLE = r"""22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:40 / /mnt/vrl rw,relatime shared:9 - nfs4 pbx:/vrl rw,vers=4.2
31 22 0:41 / /mnt/with\040space rw - cifs //pbx/vrl rw
32 22 0:42 / /mnt/ssh rw - fuse.sshfs pbx: rw
33 30 0:43 / /mnt/vrl rw - tmpfs none rw
broken line
"""


def test_the_longest_and_latest_mount_above_a_folder_holds_it(tmp_path: Path) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(TABLE)
    assert find_mount("/opt/vmpro", table).kind == "ext4"
    assert find_mount("/mnt/vrl/a", table).kind == "tmpfs"
    assert find_mount("/mnt/vrlx", table).point == "/"
    space = find_mount("/mnt/with space/x", table)
    assert (space.point, space.kind, space.is_remote) == ("/mnt/with space", "cifs", True)
    assert find_mount("/mnt/ssh", table).is_remote
    assert not find_mount("/", table).is_remote


def test_this_machine_tells_its_mounts(tmp_path: Path) -> None:
    mount = find_mount(str(tmp_path))
    assert mount.kind != "unknown"
    assert str(tmp_path).startswith(mount.point.rstrip("/"))
