"""The system calls that a tool may not make, as a filter program for the kernel (classic BPF).

The namespaces already take away what these calls could reach; the filter takes away the calls,
which keeps a tool from the parts of the kernel where most escapes were found. Pure.

Source: Linux `seccomp(2)`, `Documentation/userspace-api/seccomp_filter.rst`; numbers from
`asm/unistd_64.h` (x86_64) and `asm-generic/unistd.h` (aarch64).
"""

import errno
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class _Architecture:
    audit: int
    """AUDIT_ARCH_*: what the kernel calls it."""
    calls: dict[str, int]


def _numbers(text: str) -> dict[str, int]:
    words = text.split()
    return {name: int(number) for name, number in zip(words[::2], words[1::2], strict=True)}


_X86_64: Final = _Architecture(
    0xC000003E,
    _numbers("""
    ptrace 101 process_vm_readv 310 process_vm_writev 311 kcmp 312 pidfd_getfd 438
    process_madvise 440 keyctl 250 add_key 248 request_key 249 bpf 321 perf_event_open 298
    mount 165 umount2 166 pivot_root 155 chroot 161 open_tree 428 move_mount 429 fsopen 430
    fsconfig 431 fsmount 432 fspick 433 mount_setattr 442 unshare 272 setns 308 userfaultfd 323
    kexec_load 246 kexec_file_load 320 init_module 175 finit_module 313 delete_module 176
    reboot 169 swapon 167 swapoff 168 acct 163 quotactl 179 syslog 103 iopl 172 ioperm 173
    modify_ldt 154 open_by_handle_at 304 name_to_handle_at 303 io_uring_setup 425
    io_uring_enter 426 io_uring_register 427 settimeofday 164 clock_settime 227 adjtimex 159
    clock_adjtime 305 sethostname 170 setdomainname 171 vhangup 153 personality 135
    fanotify_init 300 shmget 29 shmat 30 shmctl 31 semget 64 semop 65 semctl 66 msgget 68
    msgsnd 69 msgrcv 70 msgctl 71 mq_open 240 memfd_create 319 memfd_secret 447 clone3 435
    clone 56 socket 41 prlimit64 302
    """),
)
_AARCH64: Final = _Architecture(
    0xC00000B7,
    _numbers("""
    ptrace 117 process_vm_readv 270 process_vm_writev 271 kcmp 272 pidfd_getfd 438
    process_madvise 440 keyctl 219 add_key 217 request_key 218 bpf 280 perf_event_open 241
    mount 40 umount2 39 pivot_root 41 chroot 51 open_tree 428 move_mount 429 fsopen 430
    fsconfig 431 fsmount 432 fspick 433 mount_setattr 442 unshare 97 setns 268 userfaultfd 282
    kexec_load 104 kexec_file_load 294 init_module 105 finit_module 273 delete_module 106
    reboot 142 swapon 224 swapoff 225 acct 89 quotactl 60 syslog 116
    open_by_handle_at 265 name_to_handle_at 264 io_uring_setup 425
    io_uring_enter 426 io_uring_register 427 settimeofday 170 clock_settime 112 adjtimex 171
    clock_adjtime 266 sethostname 161 setdomainname 162 vhangup 58 personality 92
    fanotify_init 262 shmget 194 shmat 196 shmctl 195 semget 190 semop 193 semctl 191 msgget 186
    msgsnd 189 msgrcv 188 msgctl 187 mq_open 180 memfd_create 279 memfd_secret 447 clone3 435
    clone 220 socket 198 prlimit64 261
    """),
)
_ARCHITECTURES: Final = {"x86_64": _X86_64, "aarch64": _AARCH64}
_ABSENT: Final = ("memfd_create", "memfd_secret", "clone3")
"""Answered with "no such call", so that libraries take their older way."""
_JUDGED: Final = ("clone", "socket", "prlimit64")
"""Allowed or not by their arguments."""

_NEW_NAMESPACES: Final = (
    0x7E02_0000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
)
_LOAD, _JUMP_EQUAL, _JUMP_FROM, _JUMP_ANY, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENT_AT = 0, 4, 16  # low half of the first argument
_ALLOW, _KILL, _ERROR = 0x7FFF_0000, 0x8000_0000, 0x0005_0000
_X32_BIT: Final = 0x4000_0000


def _step(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("=HBBI", code, yes, no, value)


def filter_program(machine: str, *, has_network: bool) -> bytes | None:
    """Return the filter for `machine` (as `os.uname` names it), or None where none is known.

    Without network the only sockets are Unix sockets; with it also IPv4, IPv6 and netlink.
    """
    known = _ARCHITECTURES.get(machine)
    if known is None:
        return None
    families = [socket.AF_UNIX]
    if has_network:
        families += [socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK]
    calls = known.calls
    denied = [number for name, number in calls.items() if name not in (*_ABSENT, *_JUDGED)]
    return b"".join(
        [
            _step(_LOAD, _ARCHITECTURE_AT),
            _step(_JUMP_EQUAL, known.audit, yes=1),
            _step(_RETURN, _KILL),
            _step(_LOAD, _NUMBER_AT),
            _step(_JUMP_FROM, _X32_BIT, no=1),
            _step(_RETURN, _ERROR | errno.ENOSYS),
            *_each(denied, errno.EPERM),
            *_each((calls[name] for name in _ABSENT), errno.ENOSYS),
            # clone: threads and processes, but no namespaces
            _step(_JUMP_EQUAL, calls["clone"], no=4),
            _step(_LOAD, _ARGUMENT_AT),
            _step(_JUMP_ANY, _NEW_NAMESPACES, no=1),
            _step(_RETURN, _ERROR | errno.EPERM),
            _step(_RETURN, _ALLOW),
            # prlimit64: its own limits, not those of another process
            _step(_JUMP_EQUAL, calls["prlimit64"], no=4),
            _step(_LOAD, _ARGUMENT_AT),
            _step(_JUMP_EQUAL, 0, yes=1),
            _step(_RETURN, _ERROR | errno.EPERM),
            _step(_RETURN, _ALLOW),
            _step(_JUMP_EQUAL, calls["socket"], no=2 + 2 * len(families)),
            _step(_LOAD, _ARGUMENT_AT),
            *(
                part
                for family in families
                for part in (_step(_JUMP_EQUAL, family, no=1), _step(_RETURN, _ALLOW))
            ),
            _step(_RETURN, _ERROR | errno.EAFNOSUPPORT),
            _step(_RETURN, _ALLOW),
        ]
    )


def _each(numbers: Iterable[int], error: int) -> Iterable[bytes]:
    for number in numbers:
        yield _step(_JUMP_EQUAL, number, no=1)
        yield _step(_RETURN, _ERROR | error)
