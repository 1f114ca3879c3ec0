"""What a hostile tool can try from inside the sandbox, each really tried, each contained.

Where an attack could fail for a dull reason, the same code is first run outside, where it works.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tessera.adapters.bubblewrap import BubblewrapSandbox
from tessera.adapters.bubblewrap.taken import take_outputs
from tessera.domain.access.tool import Limits
from tessera.ports.sandbox import Ended, SandboxRequest, SandboxResult
from tessera.testing.sandbox import LIMITS, tool

pytestmark = pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")

ATTEMPT = """
import ctypes, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
def attempt(what, act):
    try:
        found = act()
    except BaseException as err:
        print(what, 'REFUSED', type(err).__name__, err, flush=True)
    else:
        print(what, 'REACHED', repr(found)[:300], flush=True)
"""
SMALL = Limits(seconds=1, memory_mb=200, processes=16, output_mb=2)
PLACES = ("/out", "/tmp", "/dev/shm")  # noqa: S108 - the sandbox's own
KERNEL = tuple(int(n) for n in os.uname().release.split("-")[0].split(".")[:2])
BOTH = pytest.mark.parametrize("has_groups", [True, False], ids=["groups", "no groups"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def attack(folder: Path, code: str, *, has_groups: bool = True, **more: object) -> SandboxResult:
    program = tool(folder / f"tool-{uuid.uuid4().hex}", ATTEMPT + code)
    given: dict[str, object] = {"limits": LIMITS, **more}
    request = SandboxRequest(program=program, entry="main.py", **given)  # type: ignore[arg-type]
    return BubblewrapSandbox(has_control_groups=has_groups).start(request).wait()


def outside(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", ATTEMPT + code], capture_output=True, text=True, check=True
    )
    return done.stdout


def refused(log: str) -> set[str]:
    assert "REACHED" not in log, log
    return {line.split(" REFUSED")[0] for line in log.splitlines() if " REFUSED" in line}


# ---- the network


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_no_service_of_the_host_can_be_reached(folder: Path, listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    code = f"attempt('tcp', lambda: socket.create_connection(('127.0.0.1', {port}), 1))\n"
    assert "tcp REACHED" in outside(code)
    assert refused(attack(folder, code).log) == {"tcp"}


def test_nothing_on_the_internet_can_be_reached(folder: Path) -> None:
    log = attack(
        folder,
        "attempt('tcp', lambda: socket.create_connection(('1.1.1.1', 443), 1))\n"
        "attempt('udp', lambda: socket.socket(2, 2).sendto(b'x', ('1.1.1.1', 53)))\n"
        "attempt('tcp6', lambda: socket.create_connection(('2606:4700::1111', 443), 1))\n"
        "attempt('dns', lambda: socket.getaddrinfo('example.org', 443))\n"
        "attempt('netlink', lambda: socket.socket(16, 3, 0))\n"
        "attempt('packet', lambda: socket.socket(17, 3, 0))\n"
        "attempt('vsock', lambda: socket.socket(40, 1, 0))\n"
        "attempt('raw call', lambda: call(libc.syscall(41, 2, 1, 0)))\n",
    ).log
    assert len(refused(log)) == 8, log


def test_the_network_is_there_for_whoever_may_have_it(
    folder: Path, listener: socket.socket
) -> None:
    port = listener.getsockname()[1]
    code = f"socket.create_connection(('127.0.0.1', {port}), 1); print(socket.gethostname())"
    result = attack(folder, code, has_network=True)
    assert result.ended is Ended.DONE, result.log


def test_no_unix_socket_of_the_host_can_be_reached(folder: Path) -> None:
    path, name = folder / "s", f"\0tessera-{uuid.uuid4().hex}"
    with socket.socket(socket.AF_UNIX) as by_path, socket.socket(socket.AF_UNIX) as by_name:
        by_path.bind(str(path))
        by_name.bind(name)
        by_path.listen()
        by_name.listen()
        code = (
            f"attempt('path', lambda: socket.socket(1).connect({str(path)!r}))\n"
            f"attempt('abstract', lambda: socket.socket(1).connect({name!r}))\n"
        )
        assert outside(code).count("REACHED") == 2
        assert refused(attack(folder, code).log) == {"path", "abstract"}
        log = attack(folder, code, has_network=True).log
        assert "path REFUSED" in log
        if KERNEL >= (6, 12):
            assert "abstract REFUSED" in log
        given = attack(
            folder,
            "attempt('given', lambda: socket.socket(1).connect('/run/engine'))\n",
            sockets={"/run/engine": path},
        )
        assert "given REACHED" in given.log, given.log


# ---- files


def test_nothing_of_the_host_can_be_read(folder: Path) -> None:
    other = folder / "another-dataset"
    other.mkdir()
    (other / "t.csv").write_text("secret")
    code = (
        f"attempt('dataset', lambda: open({str(other / 't.csv')!r}).read())\n"
        f"attempt('its folder', lambda: os.listdir({str(other)!r}))\n"
        f"attempt('by root of 1', lambda: open('/proc/1/root{other}/t.csv').read())\n"
        "for path in ('/etc/shadow', '/etc/hostname', '/etc/ssh', '/root/.ssh', '/root/.bashrc',"
        " '/home', '/var', '/sys', '/boot', '/proc/kcore', '/proc/kmsg', '/dev/vda', '/dev/sda',"
        " '/dev/mem', '/dev/kmsg', '/bin/sh', '/usr/bin/bwrap'):\n"
        "    look = os.listdir if os.path.isdir(path) else lambda path: open(path, 'rb').read(1)\n"
        "    attempt(path, lambda: look(path))\n"
    )
    assert "dataset REACHED" in outside(code)
    assert len(refused(attack(folder, code).log)) == 20


def test_nothing_can_be_written_but_out_and_tmp(folder: Path) -> None:
    data = folder / "data"
    data.mkdir()
    (data / "t.csv").write_text("x")
    code = (
        "import subprocess\n"
        "for path in ('/data/t.csv', '/data/new', '/tool/main.py', '/tool/new', '/usr/lib/new',"
        " '/new', '/etc/passwd', '/etc/new', '/dev/new', '/run/new', '/run/tessera/runner.py',"
        " '/proc/sys/kernel/core_pattern', '/proc/sys/vm/drop_caches', '/proc/sysrq-trigger',"
        " '/proc/self/oom_score_adj', os.path.realpath(sys.executable), os.__file__):\n"
        "    mode = 'r+b' if os.path.exists(path) else 'wb'\n"
        "    attempt(path, lambda: open(path, mode).write(b'x'))\n"
        "attempt('unlink', lambda: os.unlink('/data/t.csv'))\n"
        "attempt('chmod', lambda: os.chmod('/data/t.csv', 0o777))\n"
        "attempt('utime', lambda: os.utime('/data/t.csv'))\n"
        "attempt('link', lambda: os.link('/data/t.csv', '/out/t.csv'))\n"
    )
    assert len(refused(attack(folder, code, mounts={"/data": data}).log)) == 21
    assert (data / "t.csv").read_text() == "x"


def test_a_link_in_out_leads_nowhere(folder: Path) -> None:
    secret = folder / "secret"
    secret.write_text("secret")
    result = attack(
        folder,
        f"os.symlink({str(secret)!r}, '/out/a'); os.symlink('/proc/1/environ', '/out/b')\n"
        "os.symlink('/out', '/out/c'); open('/out/ok', 'w').write('fine')\n"
        "attempt('device', lambda: os.mknod('/out/d', 0o60666, os.makedev(254, 0)))\n"
        "attempt('up', lambda: open('/out/../escaped', 'w'))\n"
        "attempt('nul', lambda: open('/out/a\\0b', 'w'))\n"
        "open('/out/..\\\\..\\\\x', 'w'); open('/out/C:x', 'w'); open('/out/...', 'w')\n",
    )
    assert (result.ended, result.outputs) == (Ended.DONE, {"ok": b"fine"}), result.log
    assert refused(result.log) == {"device", "up", "nul"}


# ---- processes, privileges, what is inherited


def test_only_its_own_processes_are_there(folder: Path) -> None:
    result = attack(
        folder,
        "print('pids', sorted(int(p) for p in os.listdir('/proc') if p.isdigit()), os.getpid())\n"
        "for name in ('environ', 'mem', 'maps', 'fd', 'root', 'cwd', 'exe', 'stack', 'syscall'):\n"
        "    path = '/proc/1/' + name\n"
        "    attempt(name, lambda: os.listdir(path) if name == 'fd' else "
        "os.readlink(path) if name in ('root', 'cwd', 'exe') else open(path, 'rb').read(1))\n",
    )
    assert "pids [1, 2] 2\n" in result.log
    assert len(refused(result.log)) == 9, result.log


def test_nothing_is_inherited(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESSERA_SECRET", "hunter2")
    secret = folder / "secret"
    secret.write_text("secret")
    with secret.open() as held:
        os.set_inheritable(held.fileno(), True)
        result = attack(
            folder,
            "for fd in os.listdir('/proc/self/fd'):\n"
            "    try: print('fd', fd, os.readlink('/proc/self/fd/' + fd))\n"
            "    except FileNotFoundError: pass\n"
            "print('environment', *sorted(os.environ))\n",
        )
    held_open = [line.split()[1:] for line in result.log.splitlines() if line.startswith("fd ")]
    assert [fd for fd, _ in held_open] == ["0", "1", "2"], result.log
    assert held_open[0][1] == "/dev/null"
    assert all(path.startswith("pipe:") for _, path in held_open[1:])
    assert "SECRET" not in result.log
    assert "PYTEST" not in result.log


def test_the_first_process_cannot_be_ended_traced_or_forged(folder: Path) -> None:
    result = attack(
        folder,
        "import resource, signal\n"
        "for number in (1, 2, 3, 9, 10, 11, 13, 14, 15, 17, 19, 20):\n"
        "    os.kill(1, number)\n"
        "attempt('attach', lambda: call(libc.ptrace(16, 1, 0, 0)))\n"
        "attempt('seize', lambda: call(libc.ptrace(0x4206, 1, 0, 0)))\n"
        "attempt('limits', lambda: resource.prlimit(1, resource.RLIMIT_AS, (1, 1)))\n"
        "attempt('its descriptors', lambda: os.listdir('/proc/1/fd'))\n"
        "for fd in range(64):\n"
        "    attempt(f'descriptor {fd}', lambda: open(f'/proc/1/fd/{fd}', 'wb').write(b'forged'))\n"
        "first = os.pidfd_open(1)\n"
        "for fd in range(64):\n"
        "    attempt(f'take {fd}', lambda: call(libc.syscall(438, first, fd, 0)))\n"
        "attempt('write memory', lambda: call(libc.syscall(311, 1, 0, 0, 0, 0, 0)))\n"
        "open('/out/true', 'w').write('yes')\n",
    )
    assert (result.ended, result.outputs) == (Ended.DONE, {"true": b"yes"}), result.log
    assert len(refused(result.log)) == 133


@pytest.mark.parametrize(
    "sent",
    [
        b"\xff" * 100,
        b"\x00\x00\x00\x02{}" + bytes(8),
        b'\x00\x00\x00\x28{"type": "output", "name": "../../escape"}',
        b"",
    ],
)
def test_a_forged_stream_of_outputs_is_a_failure(sent: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours:
        taken = take_outputs(ours, 1000, 10)
        with theirs:
            theirs.sendall(sent + b'\x00\x00\x00\x1c{"type": "end", "status": 7}' + bytes(8))
        taken.join()
    assert (taken.ended(""), taken.outputs) == (Ended.FAILED, {})


def test_no_privilege_is_to_be_had(folder: Path) -> None:
    result = attack(
        folder,
        "status = dict(l.split(':', 1) for l in open('/proc/self/status').read().splitlines())\n"
        "print('caps', *(int(status[k], 16) for k in status if k.startswith('Cap')))\n"
        "print('no new', status['NoNewPrivs'].strip(), 'filter', status['Seccomp'].strip())\n"
        "attempt('mount', lambda: call(libc.mount(b'none', b'/tmp', b'tmpfs', 0, None)))\n"
        "attempt('remount', lambda: call(libc.mount(None, b'/tool', None, 0x1020, None)))\n"
        "attempt('umount', lambda: call(libc.umount2(b'/proc', 2)))\n"
        "attempt('chroot', lambda: os.chroot('/tmp'))\n"
        "attempt('user namespace', lambda: call(libc.unshare(0x10000000)))\n"
        "attempt('by clone', lambda: call(libc.syscall(56, 0x10000011, 0, 0, 0, 0)))\n"
        "attempt('by clone3', lambda: call(libc.syscall(435, b'\\0' * 64, 64)))\n"
        "attempt('setns', lambda: call(libc.setns(os.open('/proc/self/ns/net', 0), 0)))\n"
        "attempt('setuid', lambda: os.setuid(0))\n"
        "attempt('setgid', lambda: os.setgid(0))\n"
        "attempt('setgroups', lambda: os.setgroups([0]))\n"
        "attempt('bpf', lambda: call(libc.syscall(321, 0, b'\\0' * 64, 64)))\n"
        "attempt('perf', lambda: call(libc.syscall(298, b'\\0' * 128, 0, -1, -1, 0)))\n"
        "attempt('io_uring', lambda: call(libc.syscall(425, 1, b'\\0' * 128)))\n"
        "attempt('keys', lambda: call(libc.syscall(250, 0, -3, 1)))\n"
        "attempt('hostname', lambda: socket.sethostname('x'))\n"
        "attempt('nice', lambda: os.nice(-5))\n",
    )
    assert len(refused(result.log)) == 17, result.log
    assert "caps 0 0 0 0 0\nno new 1 filter 2\n" in result.log


# ---- using too much


@BOTH
def test_a_fork_bomb_stays_small(folder: Path, has_groups: bool) -> None:
    result = attack(
        folder,
        "n = 0\n"
        "try:\n"
        "    while n < 1000:\n"
        "        if os.fork() == 0: import time; time.sleep(60); os._exit(0)\n"
        "        n += 1\n"
        "finally:\n"
        "    print('children', n, flush=True)\n",
        limits=SMALL,
        has_groups=has_groups,
    )
    n = int(result.log.split("children ")[1].split()[0])
    assert 10 <= n <= 16, result.log
    assert result.ended is Ended.FAILED


@BOTH
def test_a_wild_fork_bomb_ends_with_its_time(folder: Path, has_groups: bool) -> None:
    code = "while True:\n    try: os.fork()\n    except OSError: pass\n"
    result = attack(folder, code, limits=SMALL, has_groups=has_groups)
    assert result.ended is Ended.TOO_LONG
    assert result.seconds < 2


@BOTH
@pytest.mark.parametrize(
    "code",
    [
        "x = bytearray(10**9)",
        "x = []\nwhile True: x.append(bytearray(10**6))",
        "import mmap, time\nm = mmap.mmap(-1, 10**9)\n"
        "for i in range(0, 10**9, 4096): m[i] = 1\ntime.sleep(30)",
        "import time\nfor _ in range(5):\n"
        "    if os.fork() == 0: x = bytearray(b'x') * 60_000_000; time.sleep(30)\n"
        "time.sleep(30)",
    ],
    ids=["at once", "by and by", "shared", "many processes"],
)
def test_a_memory_bomb_is_ended(folder: Path, code: str, has_groups: bool) -> None:
    limits = Limits(seconds=10, memory_mb=200, processes=16, output_mb=2)
    result = attack(folder, code, limits=limits, has_groups=has_groups)
    assert result.ended is Ended.TOO_MUCH_MEMORY, result


def test_there_is_no_memory_that_nobody_counts(folder: Path) -> None:
    log = attack(
        folder,
        "attempt('memfd', lambda: os.memfd_create('x'))\n"
        "attempt('shm', lambda: call(libc.shmget(0, 10**8, 0o1600)))\n"
        "attempt('queue', lambda: call(libc.mq_open(b'/x', 0o102, 0o600, None)))\n",
    ).log
    assert refused(log) == {"memfd", "shm", "queue"}


@pytest.mark.parametrize("place", PLACES)
def test_a_disk_cannot_be_filled(folder: Path, place: str) -> None:
    result = attack(
        folder,
        "n = 0\n"
        "try:\n"
        f"    while True: n += open(f'{place}/{{n}}', 'wb').write(bytes(1_000_000))\n"
        "finally: print('written', n, flush=True)\n",
        limits=Limits(seconds=20, memory_mb=400, output_mb=5),
    )
    expected = Ended.TOO_MUCH_OUTPUT if place == "/out" else Ended.FAILED
    assert (result.ended, result.outputs) == (expected, {}), result
    most = dict(zip(PLACES, (6, 101, 64), strict=True))[place]
    assert int(result.log.split("written ")[1].split()[0]) <= most * 1_000_000


@pytest.mark.parametrize("place", PLACES)
def test_a_flood_of_files_is_ended(folder: Path, place: str) -> None:
    code = f"n = 0\nwhile True: os.close(os.open(f'{place}/{{n}}', os.O_CREAT)); n += 1\n"
    result = attack(folder, code, limits=Limits(seconds=20, memory_mb=400))
    assert (result.ended, result.outputs) == (Ended.TOO_MUCH_OUTPUT, {}), result


def test_a_huge_sparse_file_is_not_taken(folder: Path) -> None:
    result = attack(
        folder,
        "attempt('sparse', lambda: os.truncate('/out/a', 10**12))\n"
        "open('/out/a', 'w'); attempt('after', lambda: os.truncate('/out/a', 10**12))\n",
    )
    assert refused(result.log) == {"sparse", "after"}
    within = attack(folder, "open('/out/a', 'w').truncate(40_000_000)", limits=SMALL)
    assert (within.ended, within.outputs) == (Ended.TOO_MUCH_OUTPUT, {}), within


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_flood_of_log_costs_little(folder: Path, stream: str) -> None:
    code = f"while True: sys.{stream}.buffer.write(b'x' * 10**6)"
    result = attack(folder, code, limits=SMALL)
    assert result.ended is Ended.TOO_LONG
    assert 60_000 < len(result.log) <= 65_536
    assert result.seconds < 2


# ---- staying


def entries_running(entry: str) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if entry.encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def wait_until_gone(entry: str, *, at_most_s: float = 1.0) -> None:
    ends = time.monotonic() + at_most_s
    while left := entries_running(entry):
        assert time.monotonic() < ends, f"{left} still run"
        time.sleep(0.01)


def named_tool(folder: Path, code: str) -> tuple[Path, str]:
    entry = f"main_{uuid.uuid4().hex}.py"
    program = folder / "tool"
    program.mkdir()
    (program / entry).write_text(ATTEMPT + code)
    return program, entry


STAYS = (
    "import signal, time\n"
    "for n in range(1, 32):\n"
    "    if n not in (9, 19): signal.signal(n, signal.SIG_IGN)\n"
    "up, down = os.pipe()\n"
    "if os.fork() == 0:\n"
    "    os.setsid()\n"
    "    if os.fork(): os._exit(0)\n"
    "    os.write(down, b'x')\n"
    "    for fd in range(3): os.close(fd)\n"
    "    time.sleep(60)\n"
    "os.read(up, 1)\n"
)


def test_a_process_that_detaches_does_not_outlive_the_tool(folder: Path) -> None:
    program, entry = named_tool(folder, STAYS)
    result = BubblewrapSandbox().start(SandboxRequest(program=program, entry=entry)).wait()
    assert result.ended is Ended.DONE, result.log
    assert entries_running(entry) == []


def test_stopping_ends_what_ignores_every_signal(folder: Path) -> None:
    program, entry = named_tool(folder, STAYS + "print('up', flush=True)\ntime.sleep(60)")
    run = BubblewrapSandbox().start(SandboxRequest(program=program, entry=entry, has_channel=True))
    assert run.stdout.read(2) == b"up"
    assert len(entries_running(entry)) == 2
    began = time.monotonic()
    run.stop()
    assert run.wait().ended is Ended.STOPPED
    assert time.monotonic() - began < 15
    assert entries_running(entry) == []


SUPERVISOR = """
import sys
from pathlib import Path
from tessera.adapters.bubblewrap import BubblewrapSandbox
from tessera.ports.sandbox import SandboxRequest
run = BubblewrapSandbox().start(
    SandboxRequest(program=Path(sys.argv[1]), entry=sys.argv[2], has_channel=True))
print(run.stdout.read(2), flush=True)
run.wait()
"""


def test_when_the_node_is_killed_the_sandbox_ends(folder: Path) -> None:
    program, entry = named_tool(folder, STAYS + "print('up', flush=True)\ntime.sleep(60)")
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, str(program), entry], stdout=subprocess.PIPE
    ) as node:
        try:
            assert node.stdout is not None
            assert node.stdout.readline() == b"b'up'\n"
            inside = [pid for pid in entries_running(entry) if pid != node.pid]
            assert len(inside) == 2
        finally:
            node.send_signal(signal.SIGKILL)
    wait_until_gone(entry)


def test_when_bubblewrap_is_killed_the_sandbox_ends(folder: Path) -> None:
    program, entry = named_tool(folder, STAYS + "print('up', flush=True)\ntime.sleep(60)")
    run = BubblewrapSandbox().start(SandboxRequest(program=program, entry=entry, has_channel=True))
    assert run.stdout.read(2) == b"up"
    (tool_pid, *_) = entries_running(entry)
    first = int(Path(f"/proc/{tool_pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    around = int(Path(f"/proc/{first}/stat").read_text().rsplit(")", 1)[1].split()[1])
    os.kill(around, signal.SIGKILL)
    assert run.wait().ended is Ended.FAILED
    assert entries_running(entry) == []


def test_the_end_of_the_thread_that_started_it_is_not_its_end(folder: Path) -> None:
    program = tool(folder / "tool", "import time; time.sleep(0.3); open('/out/a', 'w')")
    runs = []
    request = SandboxRequest(program=program, entry="main.py")
    thread = threading.Thread(target=lambda: runs.append(BubblewrapSandbox().start(request)))
    thread.start()
    thread.join()
    assert runs[0].wait().outputs == {"a": b""}
