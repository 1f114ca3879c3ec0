"""Gives up root before a sandbox begins: stages what the tool may read, becomes nobody, runs bwrap.

Only for a node that is run as root. Root in a user namespace, even without one capability, stays
the owner of files such as /proc/sys/kernel/core_pattern, and no limit on processes holds for it.
What is staged is mounted in a namespace of this process alone, with its owner root shown as the
user that this becomes (an id-mapped mount), so that no mode of a file need be changed. A file
system that cannot do so is mounted as it is; then the tool reads what everybody may.

It stands alone (`python -I -S`). Source: `mount_setattr(2)`, `open_tree(2)`, `user_namespaces(7)`.
"""

import ctypes
import json
import os
import struct
import sys
from typing import Any

USER = 60_999
"""Of no range that is given out. Source: systemd, "Users, Groups, UIDs and GIDs"."""
STAGE = "/tmp"  # noqa: S108 - covered by a mount that only this process sees

_NEW_MOUNTS, _NEW_USERS = 0x0002_0000, 0x1000_0000
_PRIVATE_ALL = 0x4000 | 0x4_0000
_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442  # the same on every architecture
_HERE, _EMPTY_PATH = -100, 0x1000
_CLONE, _CLOSE_ON_EXEC = 1, os.O_CLOEXEC
_FROM_DESCRIPTOR = 4
_READ_ONLY, _NO_SUID, _NO_DEVICES, _ID_MAPPED = 1, 2, 4, 0x0010_0000

_libc: Any = ctypes.CDLL(None, use_errno=True)


def is_needed() -> bool:
    """Return whether this process is root, and not root of a container that has no other user."""
    if os.geteuid() != 0:
        return False
    with open("/proc/self/uid_map") as file:
        ranges = [tuple(map(int, line.split())) for line in file]
    return any(first <= USER < first + count for first, _, count in ranges)


def main() -> None:
    with open(int(sys.argv[1]), "rb") as told:
        orders = json.load(told)
    users = _users()
    _check(_libc.unshare(_NEW_MOUNTS), "unshare")
    _check(_libc.mount(b"none", b"/", None, _PRIVATE_ALL, None), "mount")
    trees = [(_tree(source, users), staged) for source, staged in orders["staged"]]
    _check(_libc.mount(b"tmpfs", STAGE.encode(), b"tmpfs", 2 | 4, b"mode=755,size=1m"), STAGE)
    for tree, staged in trees:
        _place(tree, staged)
    os.setgroups([])
    os.setresgid(USER, USER, USER)
    os.setresuid(USER, USER, USER)
    os.execv(orders["line"][0], orders["line"])  # noqa: S606


def _tree(source: str, users: int) -> int:
    """Return a mount of `source` that is nowhere yet."""
    tree = _libc.syscall(_OPEN_TREE, _HERE, source.encode(), _CLONE | _CLOSE_ON_EXEC)
    _check(tree, source)
    flags = _READ_ONLY | _NO_SUID | _NO_DEVICES
    for wanted in (flags | _ID_MAPPED, flags):
        attributes = struct.pack("=QQQQ", wanted, 0, 0, users)
        if _libc.syscall(_MOUNT_SETATTR, tree, b"", _EMPTY_PATH, attributes, 32) == 0:
            return int(tree)
    _check(-1, source)
    return -1


def _place(tree: int, staged: str) -> None:
    if os.stat(tree).st_mode & 0o170000 == 0o040000:
        os.mkdir(staged)  # noqa: PTH102 - pathlib would double the start-up
    else:
        os.close(os.open(staged, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o644))
    _check(_libc.syscall(_MOVE_MOUNT, tree, b"", _HERE, staged.encode(), _FROM_DESCRIPTOR), staged)


def _users() -> int:
    """Return a user namespace in which root is `USER`."""
    ready, done = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        is_new = _libc.unshare(_NEW_USERS) == 0
        os.write(ready[1], b"y" if is_new else b"n")
        os.close(done[1])
        os.read(done[0], 1)
        os._exit(0)
    try:
        if os.read(ready[0], 1) != b"y":
            sys.exit("no user namespace can be made on this machine")
        for name in ("uid_map", "gid_map"):
            with open(f"/proc/{child}/{name}", "w") as file:
                file.write(f"0 {USER} 1")
        return os.open(f"/proc/{child}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(done[1])
        os.waitpid(child, 0)
        for descriptor in (*ready, done[0]):
            os.close(descriptor)


def _check(result: int, what: str) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


if __name__ == "__main__":
    try:
        main()
    except OSError as err:
        sys.exit(f"root cannot be given up on this machine, so run the node as a user: {err}")
