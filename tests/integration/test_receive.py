"""`tessera node receive`: what is sent is taken in, once, and what was received goes."""

import asyncio
import json
import random
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from hashlib import sha256
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tessera.bootstrap.node import Node, NodeSettings, init_node, open_node
from tessera.bootstrap.opt_out import opt_out
from tessera.bootstrap.receive import (
    arrival_files,
    arrivals_of,
    keep_receiving,
    only_receiver,
    take_in_waiting,
)
from tessera.domain.errors import InvalidSettings
from tessera.domain.zones import Identified
from tessera.ports.ledger import State
from tests.dicom_files import CT
from tests.receive_trial import command, end, free_port, receiving_node, set_in, start
from tests.receiver_trial import (
    EXPLICIT,
    SYSTEM_PATH,
    associated,
    ct_bytes,
    eventually,
    message,
    receiving,
    store_command,
)


def app() -> typer.Typer:
    from tessera.cli.register import register_all

    made_app = typer.Typer()
    register_all(made_app)
    return made_app


def made(home: Path, **settings: object) -> Node:
    """Make a node's home whose receiver lets "SENDER" in."""
    init_node(home, NodeSettings(name="A", country="SE"))
    set_in(home, dicom_port=free_port(), dicom_callers='["SENDER", "ORTHANC"]', **settings)
    set_in(home, dicom_address='"127.0.0.1"', dicom_free_mb=0)
    return open_node(home)


def assert_whole(node: Node, n: int) -> None:
    """Index, files and ledger say the same; nothing waits, nothing is left."""
    rows = list(node.index.all())
    files = {str(p.relative_to(node.store.instances)): p for p in node.store.instances.rglob("*.*")}
    assert len(rows) == len({row.instance_uid for row in rows}) == n
    assert {row.path for row in rows} == set(files)
    assert all(sha256(files[row.path].read_bytes()).hexdigest() == row.sha256 for row in rows)
    counts = Counter({state: k for (state, _), k in node.ledger.counts().items()})
    assert counts[State.STORED] == n
    assert set(counts) <= {State.STORED, State.DUPLICATE}
    assert not list((node.identified / "received").glob("*/*"))
    assert arrivals_of(node.home).count() == (0, 0)


@pytest.mark.slow
def test_what_is_sent_is_taken_in_and_goes(tmp_path: Path) -> None:
    node = made(tmp_path / "home", workers=1)
    with receiving_node(node.home), associated(node.settings.dicom_port) as peer:
        assert [peer.store(n) for n in (*range(1, 11), 3)] == [0] * 11
        eventually(lambda: sum(node.ledger.counts().values()) == 11, 30)
        eventually(lambda: arrivals_of(node.home).count()[0] == 0)
        # Another patient opts out while the node receives: that counts for the next instance.
        opt_out(node.home, [Identified("P-OUT")])
        assert peer.store(1, patient="P-OUT", study=9) == 0
        eventually(lambda: (State.HELD, "opted-out") in node.ledger.counts(), 30)
        eventually(lambda: not list((node.identified / "received").glob("*/*")))
    counts = node.ledger.counts()
    assert counts[State.STORED, ""] == 10
    assert counts[State.DUPLICATE, ""] == 1
    (study,) = [s for s in arrivals_of(node.home).studies() if s.patient_id == "19121212-1212"]
    assert study.n_received == 11


def test_what_a_node_received_before_it_ended_is_taken_in_later(tmp_path: Path) -> None:
    node = made(tmp_path / "home", workers=1, dicom_keep="true")
    place = node.identified
    book = place / "arrivals.sqlite"
    with (
        receiving(place, folder=place / "received", book=book) as receiver,
        associated(receiver.port) as peer,
    ):
        assert [peer.store(n) for n in (1, 2, 3)] == [0, 0, 0]
    (place / "received" / "0" / "cut-off.part").write_bytes(b"never answered")
    book.unlink()
    for beside in place.glob("arrivals.sqlite-*"):
        beside.unlink()
    files = arrival_files(node)
    files.mend()
    rows = arrivals_of(node.home).waiting()
    assert [row.caller for row in rows] == ["SENDER"] * 3
    assert {row.origin.patient_id for row in rows} == {"19121212-1212"}
    assert {row.instance_uid for row in rows} == {row.origin.instance_uid for row in rows}
    shown = CliRunner().invoke(app(), ["node", "arrivals", str(node.home), "--json"])
    told = json.loads(shown.stdout)
    assert told["waiting"] == 3
    assert [study["received"] for study in told["studies"]] == [3]
    assert (
        "19121212-1212"
        not in CliRunner().invoke(app(), ["node", "arrivals", str(node.home)]).output
    )
    take_in_waiting(node)
    assert_whole(node, 3)
    assert len(list((place / "kept").glob("*/*.dcm"))) == 3


def test_a_node_without_a_port_says_what_to_set(tmp_path: Path) -> None:
    from tessera.bootstrap.receive import receive

    init_node(tmp_path / "home", NodeSettings(name="A", country="SE"))
    with pytest.raises(InvalidSettings, match="dicom_port"):
        receive(tmp_path / "home")


@pytest.mark.parametrize(
    "wrong",
    [
        {"dicom_sync": '"always"'},
        {"dicom_callers": '["A TITLE THAT IS TOO LONG"]'},
        {"dicom_callers": '"PACS1"'},
        {"dicom_ae_title": '""'},
        {"dicom_port": 70_000},
        {"dicom_keep": "1"},
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, wrong: dict[str, object]) -> None:
    home = tmp_path / "home"
    init_node(home, NodeSettings(name="A", country="SE"))
    set_in(home, **wrong)
    with pytest.raises(InvalidSettings, match=next(iter(wrong))):
        open_node(home)


def send_until_all_are_stored(port: int, sender: int, n: int, stored: set[str]) -> None:
    """Send as a PACS does: what was not answered with success is sent again."""
    waiting = [ct_bytes(number, series=sender) for number in range(1, n + 1)]
    while waiting:
        try:
            with associated(port) as peer:
                while waiting:
                    uid, data = waiting[0]
                    peer.sock.sendall(message(1, store_command(CT, uid), data))
                    if peer.status() == 0:
                        stored.add(uid)
                        waiting.pop(0)
        except (OSError, AssertionError):
            time.sleep(0.1)


@pytest.mark.slow
def test_a_node_killed_under_load_loses_nothing_and_stores_nothing_twice(tmp_path: Path) -> None:
    n_senders, each, rng = 4, 30, random.Random(5)
    node = made(tmp_path / "home", workers=2, dicom_processes=2)
    stored: list[set[str]] = [set() for _ in range(n_senders)]
    senders = [
        threading.Thread(
            target=send_until_all_are_stored,
            args=(node.settings.dicom_port, number, each, stored[number - 1]),
            daemon=True,
        )
        for number in range(1, n_senders + 1)
    ]
    process = start(node.home)
    try:
        for sender in senders:
            sender.start()
        for _ in range(2):
            time.sleep(rng.uniform(0.05, 0.8))
            assert end(process, signal.SIGKILL) == -signal.SIGKILL
            process = start(node.home)
        for sender in senders:
            sender.join()
        n = n_senders * each
        assert sum(map(len, stored)) == n
        eventually(lambda: node.index.totals().n_instances == n, 60)
        eventually(lambda: not list((node.identified / "received").glob("*/*")))
    finally:
        code = end(process)
    assert code == 0
    take_in_waiting(node)
    assert_whole(node, n)


@pytest.mark.slow
def test_orthanc_sends_to_a_node(tmp_path: Path) -> None:
    import httpx

    program = shutil.which("Orthanc", path=f"/usr/sbin:{SYSTEM_PATH}")
    if program is None:
        pytest.skip("Orthanc is not installed")
    node = made(tmp_path / "home", workers=1)
    http, dicom = free_port(), free_port()
    (tmp_path / "orthanc.json").write_text(
        f'{{"HttpPort": {http}, "DicomPort": {dicom}, "AuthenticationEnabled": false,'
        f' "RemoteAccessAllowed": false, "StorageDirectory": "{tmp_path}/orthanc",'
        f' "IndexDirectory": "{tmp_path}/orthanc", "Plugins": [],'
        f' "DicomModalities": {{"node": ["TESSERA", "127.0.0.1", {node.settings.dicom_port}]}}}}'
    )
    with subprocess.Popen(
        [program, str(tmp_path / "orthanc.json")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as orthanc:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{http}", trust_env=False) as client:

                def is_up() -> bool:
                    try:
                        return client.get("/system").status_code == 200
                    except httpx.HTTPError:
                        return False

                eventually(is_up, 30)
                from tests.deid_oracle import encoded
                from tests.dicom_files import ct_slice

                for number in range(1, 6):
                    content = encoded(ct_slice(number), EXPLICIT)
                    client.post("/instances", content=content).raise_for_status()
                with receiving_node(node.home):
                    assert client.post("/modalities/node/echo", json={}).status_code == 200
                    (study,) = client.get("/studies").json()
                    sent = client.post("/modalities/node/store", json=[study], timeout=60).json()
                    assert sent["FailedInstancesCount"] == 0
                    eventually(lambda: node.index.totals().n_instances == 5, 30)
                    eventually(lambda: arrivals_of(node.home).count()[0] == 0)
        finally:
            orthanc.terminate()
    assert_whole(node, 5)


def test_a_running_node_receives_beside_its_other_work(tmp_path: Path) -> None:
    node = made(tmp_path / "home")

    def is_heard() -> bool:
        try:
            with associated(node.settings.dicom_port) as peer:
                return peer.store(1) == 0
        except OSError:
            return False

    async def running() -> None:
        task = asyncio.create_task(keep_receiving(node.home))
        await asyncio.to_thread(eventually, is_heard, 30)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(running())
    assert not is_heard()
    take_in_waiting(node)
    assert_whole(node, 1)


def test_a_second_receiver_on_one_home_is_told(tmp_path: Path) -> None:
    node = made(tmp_path / "home")
    with only_receiver(node):
        again = subprocess.run(
            command(node.home), capture_output=True, text=True, check=False, timeout=60
        )
    assert again.returncode == 1
    assert "receiving already" in again.stderr
