"""WADO-RS retrieve series: ours, Orthanc and nginx in turn, the same files, median of rounds.

Usage: python bench/wado.py [--files 240] [--slices 120] [--rounds 5] [--side 430]
Needs nginx and Orthanc with its DICOMweb plug-in for the peers; what is absent is left out.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

ACCEPT = 'multipart/related; type="application/dicom"; transfer-syntax=*'


@dataclass(frozen=True, slots=True)
class Peer:
    name: str
    port: int
    pid: int
    paths: Sequence[str]
    headers: str = ""


def write_corpus(folder: Path, n: int, slices: int, side: int) -> None:
    """Write CT series of so many slices, side x side pixels of noise: nothing compresses them."""
    folder.mkdir()
    rng = np.random.default_rng(5)
    for number in range(n):
        series = number // slices + 1
        ds = Dataset()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, f"2.25.5.{series}.{number}"
        ds.StudyDate, ds.StudyTime, ds.AccessionNumber = "20240229", "101112", "A1"
        ds.Modality, ds.Manufacturer, ds.PatientName = "CT", "SIEMENS", "Ek^Test"
        ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "P5", "19600101", "F"
        ds.StudyInstanceUID, ds.SeriesInstanceUID = "2.25.5", f"2.25.5.{series}"
        ds.StudyID, ds.SeriesNumber, ds.InstanceNumber = "1", series, number
        ds.ImagePositionPatient = [0, 0, 2.5 * number]
        ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        ds.PixelSpacing, ds.SamplesPerPixel = [1, 1], 1
        ds.PhotometricInterpretation, ds.PixelRepresentation = "MONOCHROME2", 0
        ds.Rows = ds.Columns = side
        ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 12, 11
        ds.PixelData = rng.integers(0, 4096, side * side, np.uint16).tobytes()
        ds.save_as(folder / f"{number:05}.dcm", enforce_file_format=True)


def fetch(peer: Peer) -> int:
    """GET every path on one connection; return the bytes of bodies."""
    connection = socket.create_connection(("127.0.0.1", peer.port))
    buffer = bytearray(1 << 20)
    view, total = memoryview(buffer), 0
    for path in peer.paths:
        request = f"GET {path} HTTP/1.1\r\nHost: x\r\n{peer.headers}\r\n"
        connection.sendall(request.encode())
        head = b""
        while b"\r\n\r\n" not in head:
            data = connection.recv(65536)
            if not data:
                raise SystemExit(f"{peer.name} closed the connection")
            head += data
        head, _, body = head.partition(b"\r\n\r\n")
        low = head.lower()
        if b" 200 " not in head.split(b"\r\n")[0]:
            raise SystemExit(f"{peer.name}: {head[:200]!r}")
        if b"content-length:" in low:
            left = int(low.split(b"content-length:")[1].split(b"\r\n")[0])
            total += left
            left -= len(body)
            while left:
                left -= connection.recv_into(view, min(left, len(buffer)))
        elif b"chunked" in low:
            total += _chunked(connection, body, view)
        else:
            total += _to_boundary(connection, low, head, body, view)
            connection.close()
            connection = socket.create_connection(("127.0.0.1", peer.port))
    connection.close()
    return total


def _chunked(connection: socket.socket, data: bytes, view: memoryview) -> int:
    total = 0
    while True:
        while b"\r\n" not in data:
            data += connection.recv(65536)
        line, _, data = data.partition(b"\r\n")
        size = int(line, 16)
        total += size
        need = size + 2 - len(data)
        if need > 0:
            while need > 0:
                need -= connection.recv_into(view, min(need, len(view)))
            data = b""
        else:
            data = data[size + 2 :]
        if not size:
            return total


def _to_boundary(
    connection: socket.socket, low: bytes, head: bytes, body: bytes, view: memoryview
) -> int:
    start = low.index(b"boundary=") + 9
    end = b"--" + head[start:].split(b"\r\n")[0].split(b";")[0].strip(b'" ') + b"--"
    total, tail = len(body), body[-512:]
    while end not in tail:
        n = connection.recv_into(view)
        if not n:
            break
        total += n
        tail = tail[-512:] + bytes(view[max(0, n - 512) : n])
    return total


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def running(command: Sequence[str], port: int, log: Path) -> Iterator[int]:
    """Run a server until the block ends; yields its process id."""
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        try:
            for _ in range(200):
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                if process.poll() is not None:
                    raise SystemExit(log.read_text()[-2000:])
                time.sleep(0.1)
            yield process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def ours(folder: Path, corpus: Path) -> tuple[Path, str, list[str]]:
    """Make a node of the corpus; return its home, a key, and the paths of its series."""
    from tessera.bootstrap.dicomweb import NodeDicomWeb, add_key
    from tessera.bootstrap.ingest import ingest_sources, list_sources
    from tessera.bootstrap.node import NodeSettings, init_node

    node = init_node(
        folder / "home", NodeSettings(name="A", country="SE"), vault_key=str(folder / "vault.key")
    )
    for _ in ingest_sources(node, list_sources([corpus]), workers=1):
        pass
    began = time.perf_counter()
    n = sum(NodeDicomWeb(node).describe())
    spent = (time.perf_counter() - began) / max(n, 1) * 1000
    print(f"described {n} instances, {spent:.2f} ms each with reading and writing", file=sys.stderr)
    key = add_key(node, "bench", days=1, sees_all=True)
    series = sorted({(row.study_uid, row.series_uid) for row in node.index.all()})
    return node.home, key, [f"/dicom-web/studies/{a}/series/{b}" for a, b in series]


def measure(peers: Sequence[Peer], rounds: int) -> dict[str, tuple[float, float]]:
    """Return name → MB/s (median) and CPU seconds per GB."""
    rates: dict[str, list[float]] = {peer.name: [] for peer in peers}
    cpus: dict[str, list[float]] = {peer.name: [] for peer in peers}
    for number in range(rounds + 1):
        for peer in peers:
            before, began = cpu_s(peer.pid), time.perf_counter()
            n = 0
            while time.perf_counter() - began < 0.6:
                n += fetch(peer)
            spent = time.perf_counter() - began
            if number:  # the first round warms
                rates[peer.name].append(n / spent / 1e6)
                cpus[peer.name].append((cpu_s(peer.pid) - before) / n * 1e9)
    return {name: (statistics.median(rates[name]), statistics.median(cpus[name])) for name in rates}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=240)
    parser.add_argument("--slices", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--side", type=int, default=430)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        write_corpus(folder / "corpus", given.files, given.slices, given.side)
        home, key, paths = ours(folder, folder / "corpus")
        port = free_port()
        command = [
            sys.executable,
            "-c",
            "from tessera.cli import main; main()",
            "node",
            "serve",
            str(home),
            "--port",
            str(port),
        ]
        pid = stack.enter_context(running(command, port, folder / "ours.log"))
        accept = f"Accept: {ACCEPT}\r\n"
        auth = f"Authorization: Bearer {key}\r\n"
        peers = [Peer("ours, WADO-RS series", port, pid, paths, accept + auth)]
        stored = sorted((home / "research/instances").rglob("*.dcm"))
        if shutil.which("nginx"):
            peers.append(nginx(stack, folder, home / "research/instances", stored))
        if shutil.which("Orthanc"):
            peers.append(orthanc(stack, folder, stored))
        found = measure(peers, given.rounds)
        size = sum(path.stat().st_size for path in stored)
        print(
            f"{len(stored)} files, {size / 1e6:.0f} MB, series of {given.slices}; median of "
            f"{given.rounds} rounds in turn.\n"
        )
        print("| server | MB/s | ours is | CPU s/GB |\n|---|---|---|---|")
        own = found[peers[0].name][0]
        for peer, (rate, cpu) in found.items():
            print(f"| {peer} | {rate:.0f} | {own / rate:.2f} x | {cpu:.2f} |")


def nginx(stack: contextlib.ExitStack, folder: Path, root: Path, stored: Sequence[Path]) -> Peer:
    work, port = folder / "nginx", free_port()
    work.mkdir()
    temporary = "".join(
        f"{name}_temp_path {work}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    (work / "nginx.conf").write_text(
        f"{user} daemon off; master_process off; pid {work}/pid; error_log {work}/log;"
        "events { worker_connections 64; } http { access_log off; sendfile on; "
        f"sendfile_max_chunk 4m; keepalive_requests 1000000; {temporary}"
        f"server {{ listen 127.0.0.1:{port}; root {root}; }} }}"
    )
    command = ["nginx", "-c", str(work / "nginx.conf"), "-p", str(work)]
    pid = stack.enter_context(running(command, port, folder / "nginx.log"))
    paths = ["/" + str(path.relative_to(root)) for path in stored]
    return Peer("nginx, sendfile, file by file", port, pid, paths)


def orthanc(stack: contextlib.ExitStack, folder: Path, stored: Sequence[Path]) -> Peer:
    work, port = folder / "orthanc", free_port()
    work.mkdir()
    plugin = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so"
    (work / "orthanc.json").write_text(
        json.dumps(
            {
                "StorageDirectory": str(work),
                "IndexDirectory": str(work),
                "HttpPort": port,
                "DicomServerEnabled": False,
                "AuthenticationEnabled": False,
                "RemoteAccessAllowed": False,
                "SslEnabled": False,
                "Plugins": [plugin],
                "KeepAlive": True,
                "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
            }
        )
    )
    command = [shutil.which("Orthanc") or "", str(work / "orthanc.json")]
    pid = stack.enter_context(running(command, port, folder / "orthanc.log"))
    base = f"http://127.0.0.1:{port}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for path in stored:
        opener.open(urllib.request.Request(f"{base}/instances", path.read_bytes())).read()  # noqa: S310 - our own server
    series = json.loads(opener.open(f"{base}/series?expand").read())
    paths = []
    for one in series:
        study = json.loads(opener.open(f"{base}/studies/{one['ParentStudy']}").read())
        uid = study["MainDicomTags"]["StudyInstanceUID"]
        paths.append(f"/dicom-web/studies/{uid}/series/{one['MainDicomTags']['SeriesInstanceUID']}")
    return Peer("Orthanc, WADO-RS series", port, pid, paths, f"Accept: {ACCEPT}\r\n")


if __name__ == "__main__":
    main()
