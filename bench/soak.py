"""Many senders, a node that is killed again and again: what is lost, what is there twice?

Usage: python bench/soak.py [--instances 100000] [--senders 8] [--kills 20] [--work FOLDER]

Starts `tessera node receive` on a new home, sends small CT slices from processes that behave
like a PACS (what was not answered with success is sent again), and sends SIGKILL to all of the
node's processes at random moments. In the end every instance must be in the index once, and
index and files must agree. Exit code 1 when they do not.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from measure import machine
from tests.deid_oracle import encoded
from tests.dicom_files import CT, ct_slice
from tests.receive_trial import end, free_port, set_in, start
from tests.receiver_trial import associated, message, store_command

from tessera.bootstrap.node import Node, NodeSettings, init_node, open_node
from tessera.bootstrap.receive import arrivals_of, take_in_waiting

TEMPLATE = "1.2.826.0.1.3680043.10.99.1.77777.7777777"


def slices(sender: int, n: int, data: bytes) -> list[tuple[str, bytes]]:
    """Return slices that differ in their UID alone, of the same length."""
    made = []
    for number in range(1, n + 1):
        one = f"1.2.826.0.1.3680043.10.99.1.{10_000 + sender}.{1_000_000 + number}"
        made.append((one, data.replace(TEMPLATE.encode(), one.encode())))
    return made


def send(port: int, sender: int, n: int, data: bytes) -> None:
    waiting = slices(sender, n, data)
    waiting.reverse()
    while waiting:
        try:
            with associated(port) as peer:
                while waiting:
                    one, content = waiting[-1]
                    peer.sock.sendall(message(1, store_command(CT, one), content))
                    if peer.status() == 0:
                        waiting.pop()
        except (OSError, AssertionError, ValueError):
            time.sleep(0.2)


def faults(node: Node, n: int) -> list[str]:
    rows = list(node.index.all())
    store = node.store.instances
    files = {str(p.relative_to(store)): p for p in store.rglob("*.dcm")}
    found = []
    if len(rows) != n:
        found.append(f"{len(rows)} of {n} instances are in the index")
    if {row.path for row in rows} != set(files) or len(files) != len(rows):
        found.append("index and files name different instances")
    wrong = sum(sha256(files[r.path].read_bytes()).hexdigest() != r.sha256 for r in rows)
    if wrong:
        found.append(f"{wrong} files have other bytes than the index says")
    if arrivals_of(node.home).count()[0] or list((node.identified / "received").glob("*/*")):
        found.append("something still waits")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--instances", type=int, default=100_000)
    parser.add_argument("--senders", type=int, default=8)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--work", type=Path, default=None)
    arguments = parser.parse_args()
    said = machine()
    with tempfile.TemporaryDirectory(dir=arguments.work, ignore_cleanup_errors=True) as name:
        os.environ["TESSERA_CONFIG"] = f"{name}/config"
        init_node(Path(name, "home"), NodeSettings(name="Soak", country="SE"))
        set_in(Path(name, "home"), dicom_port=free_port(), dicom_callers='["SENDER"]')
        node = open_node(Path(name, "home"))
        _soak(node, arguments, said)


def _soak(node: Node, arguments: argparse.Namespace, said: str) -> None:
    each = arguments.instances // arguments.senders
    n = each * arguments.senders
    rng = random.Random(1)
    ds = ct_slice(1)
    ds.SOPInstanceUID = TEMPLATE
    whole = encoded(ds)
    data = whole[whole.index(b"\x08\x00\x05\x00CS") :]
    work = get_context("fork").Process
    port = node.settings.dicom_port
    senders = [work(target=send, args=(port, s, each, data)) for s in range(arguments.senders)]
    process, began = start(node.home), time.monotonic()
    for sender in senders:
        sender.start()
    kills = 0
    while kills < arguments.kills and (arrived := node.index.totals().n_instances) < n:
        goal = n * (kills + rng.random()) / (arguments.kills + 1)
        if arrived < goal:
            time.sleep(0.05)
            continue
        end(process, signal.SIGKILL)
        kills += 1
        process = start(node.home)
    for sender in senders:
        sender.join()
    sent_s = time.monotonic() - began
    while node.index.totals().n_instances < n and time.monotonic() - began < 20 * sent_s + 600:
        time.sleep(0.5)
    seconds = time.monotonic() - began
    end(process)
    take_in_waiting(node)
    counts = {f"{s} {r}".strip(): k for (s, r), k in node.ledger.counts().items()}
    found = faults(node, n)
    print(f"{n} instances of {len(data)} bytes from {arguments.senders} senders, {kills} kills")
    print(f"{said}: all in the index after {seconds:.0f} s; ledger: {counts}")
    print("; ".join(found) or "none lost, none twice, index and files agree")
    if found:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
