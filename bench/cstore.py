"""C-STORE to disk, ours and three others in turn: files a second, ms and CPU for each file.

Usage: python bench/cstore.py [--files 66] [--rounds 5] [--repeat 4] [--work FOLDER]

Ours writes, checks the UIDs and lists patient, study and series of each instance. DCMTK's
storescp and pynetdicom's receiver write and list nothing; Orthanc writes and indexes. CPU is
that of the receiver's processes. "floor" is the mean, over the files, of the fastest of all
times of each file with one sender. The limit is a copy of the files, read and written by one
process. Peers that are not installed are left out and said.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from cstore_sender import Sender
from measure import _family, machine

HERE = Path(__file__).parent
SYSTEM = "/usr/bin:/usr/sbin:/usr/local/bin"
OURS = "ours"


@dataclass(slots=True)
class Seen:
    """Of one receiver in one way of writing, over the rounds."""

    one_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    eight_s: list[float] = field(default_factory=list)
    eight_cpu_s: list[float] = field(default_factory=list)
    floors: dict[int, float] = field(default_factory=dict)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def running(command: list[str], port: int) -> Iterator[int]:
    """Run a receiver until the block ends; give its process id once it listens."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            with socket.socket() as sock:
                if sock.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def ours(place: Path, port: int, sync: bool) -> list[str]:
    code = (
        "import sys, time; from pathlib import Path\n"
        "from tessera.adapters.dimse.listener import Listener\n"
        "from tessera.adapters.dimse.options import ReceiverOptions\n"
        "from tessera.wire.dimse.negotiation import Caller\n"
        "if __name__ == '__main__':\n"
        f"    place = Path({str(place)!r})\n"
        "    Listener(ReceiverOptions(folder=place / 'in', book=place / 'book', title='TESSERA',"
        " callers=(Caller('*'),), implementation_uid='2.25.1', implementation_name='X',"
        f" address='127.0.0.1', port={port}, processes=2,"
        f" sync={'group' if sync else 'none'!r})).open()\n"
        "    time.sleep(10**6)\n"
    )
    script = place / "receiver.py"
    script.write_text(code)
    return [sys.executable, str(script)]


def pynetdicom(place: Path, port: int, sync: bool) -> list[str]:
    script = str(HERE / "peers" / "pynetdicom_scp.py")
    return [sys.executable, script, str(place), str(port), *(["fsync"] if sync else [])]


def storescp(place: Path, port: int, sync: bool) -> list[str] | None:
    program = shutil.which("storescp", path=SYSTEM)
    # It does not flush. With --fork eight senders may be heard at the same time.
    more = ["--fork", "+xa", "+B", "-pdu", "131072", "-uf", "-od", str(place), str(port)]
    return None if program is None or sync else [program, "-q", *more]


def orthanc(place: Path, port: int, sync: bool) -> list[str] | None:
    program = shutil.which("Orthanc", path=SYSTEM)
    if program is None:
        return None
    settings = {
        "StorageDirectory": str(place),
        "IndexDirectory": str(place),
        "HttpServerEnabled": False,
        "DicomPort": port,
        "DicomAet": "TESSERA",
        "DicomAlwaysAllowStore": True,
        "SyncStorageArea": sync,
        "OverwriteInstances": True,
        "ConcurrentJobs": 1,
        "Plugins": [],
    }
    (place / "orthanc.json").write_text(json.dumps(settings))
    return [program, str(place / "orthanc.json")]


RECEIVERS: dict[str, Callable[[Path, int, bool], list[str] | None]] = {
    OURS: ours,
    "pynetdicom, raw bytes": pynetdicom,
    "storescp (DCMTK), no list": storescp,
    "Orthanc": orthanc,
}


def cpu_s(pid: int) -> float:
    """Return the CPU time of a process, of those it has started, and of those that ended."""
    ticks = 0
    for one in _family(pid):
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def send(port: int, files: list[Path], repeat: int, number: int) -> list[float]:
    """Send `repeat` instances of each file, all different; return the time of each."""
    sender = Sender(port, files, "TESSERA", f"SENDER{number}")
    took = []
    for turn in range(repeat):
        for message in [sender.message(path, 10 * number + turn) for path in files]:
            began = time.perf_counter()
            status = sender.send(message)
            took.append(time.perf_counter() - began)
            if status:
                raise SystemExit(f"status {status:04X}")
    sender.close()
    return took


def send_beside(port: int, files: list[Path], number: int, ready: Any, told: Any) -> None:
    """Send one instance of each file when all senders are ready; tell from when to when."""
    sender = Sender(port, files, "TESSERA", f"SENDER{number}")
    messages = [sender.message(path, 10 * number + 9) for path in files]
    ready.wait()
    began = time.monotonic()
    if any(sender.send(message) for message in messages):
        raise SystemExit(1)
    told.put((began, time.monotonic()))
    sender.close()


def measure(seen: Seen, command: list[str], port: int, files: list[Path], repeat: int) -> None:
    with running(command, port) as pid:
        send(port, files[:8], 1, 0)
        before = cpu_s(pid)
        took = send(port, files, repeat, 9)
        seen.one_s.append(sum(took) / len(took))
        seen.cpu_s.append((cpu_s(pid) - before) / len(took))
        for number in range(len(files)):
            fastest = min(took[number :: len(files)])
            seen.floors[number] = min(seen.floors.get(number, 9.0), fastest)
        context = get_context("fork")
        told = context.SimpleQueue()
        ready = context.Barrier(8)
        senders = [
            context.Process(target=send_beside, args=(port, files, number, ready, told))
            for number in range(8)
        ]
        before = cpu_s(pid)
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
            if sender.exitcode:
                raise SystemExit("a sender failed")
        spans = [told.get() for _ in senders]
        n = 8 * len(files)
        seconds = max(end for _, end in spans) - min(begin for begin, _ in spans)
        seen.eight_s.append(seconds / n)
        seen.eight_cpu_s.append((cpu_s(pid) - before) / n)


def copied(files: list[Path], place: Path, sync: bool) -> float:
    """Return the seconds for each file of a copy: the limit."""
    began = time.perf_counter()
    for number, path in enumerate(files):
        with (place / f"{number}.copy").open("wb") as out:
            out.write(path.read_bytes())
            if sync:
                out.flush()
                os.fdatasync(out.fileno())
    return (time.perf_counter() - began) / len(files)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=66)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeat", type=int, default=4)
    parser.add_argument("--work", type=Path, default=None)
    arguments = parser.parse_args()
    said = machine()
    with tempfile.TemporaryDirectory(dir=arguments.work) as name:
        work = Path(name)
        corpus = [sys.executable, str(HERE / "corpus.py"), str(work / "corpus")]
        subprocess.run([*corpus, "--files", str(arguments.files)], check=True, capture_output=True)
        files = sorted(p for p in (work / "corpus").rglob("*.dcm"))
        size = sum(path.stat().st_size for path in files)
        print(f"{len(files)} files, {size / len(files) / 1e6:.2f} MB each; {said}.\n")
        for sync in (False, True):
            results: dict[str, Seen] = {}
            limits = []
            for turn in range(arguments.rounds):
                place = work / f"copy{turn}{sync}"
                place.mkdir()
                limits.append(copied(files, place, sync))
                for who, command_of in RECEIVERS.items():
                    place = work / f"{turn}-{sync}-{list(RECEIVERS).index(who)}"
                    place.mkdir()
                    port = free_port()
                    command = command_of(place, port, sync)
                    if command is not None:
                        seen = results.setdefault(who, Seen())
                        measure(seen, command, port, files, arguments.repeat)
            tell(results, statistics.median(limits), sync)


def tell(results: dict[str, Seen], limit: float, sync: bool) -> None:
    print(f"### {'Flushed to the device before the answer' if sync else 'Not flushed'}\n")
    print(
        "| receiver | ms/file, 1 sender | floor ms | x ours | CPU ms/file | "
        "ms/file, 8 senders | CPU ms/file | rate of 8 to 1 |"
    )
    print("|---|---|---|---|---|---|---|---|")
    base = statistics.median(results[OURS].one_s)
    for who, seen in results.items():
        one, eight = statistics.median(seen.one_s), statistics.median(seen.eight_s)
        floor = statistics.mean(seen.floors.values())
        print(
            f"| {who} | {one * 1e3:.2f} | {floor * 1e3:.2f} | {one / base:.2f} "
            f"| {statistics.median(seen.cpu_s) * 1e3:.2f} | {eight * 1e3:.2f} "
            f"| {statistics.median(seen.eight_cpu_s) * 1e3:.2f} | {one / eight:.2f} |"
        )
    left = [who for who in RECEIVERS if who not in results]
    print(f"| *limit: a copy of the files* | {limit * 1e3:.2f} | | {limit / base:.2f} | | | | |\n")
    if left:
        print(f"Left out, since not installed or without such a mode: {', '.join(left)}.\n")


if __name__ == "__main__":
    main()
