"""`tessera node pull` from DCMTK's archive: asked, fetched by C-GET and by C-MOVE, taken in."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tessera.adapters.pacs.address import PacsAddress
from tessera.bootstrap.node import Node, NodeSettings, init_node, open_node
from tessera.bootstrap.pull import add_requests, pacs_address, pull_book, requests_in, run_pull
from tessera.bootstrap.receive import arrivals_of
from tessera.domain.errors import InvalidInput, InvalidSettings, Refused, Unavailable
from tessera.ports.pacs import Kind, PullState
from tests.dicom_files import write_series
from tests.receive_trial import PROGRAM, free_port, receiving_node, set_in
from tests.receiver_trial import SYSTEM_PATH, eventually

pytest.importorskip("pynetdicom")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int]]:
    """dcmqrscp with three studies; its port, and the one that it calls the node at."""
    programs = [shutil.which(name, path=SYSTEM_PATH) for name in ("dcmqrscp", "dcmqridx")]
    if None in programs:
        pytest.skip("dcmqrscp of DCMTK is not installed")
    place = tmp_path_factory.mktemp("archive")
    port, node_port = free_port(), free_port()
    store = place / "store"
    store.mkdir()
    for study, n in ((1, 4), (2, 3), (3, 2)):
        files = write_series(store / f"s{study}", n, study=study, patient=f"P{study}")
        subprocess.run([str(programs[1]), str(store), *map(str, files)], check=True, timeout=30)
    (place / "dcmqrscp.cfg").write_text(
        f"NetworkTCPPort = {port}\nMaxPDUSize = 16384\nMaxAssociations = 16\nHostTable BEGIN\n"
        f"node = (TESSERA, 127.0.0.1, {node_port})\nHostTable END\nVendorTable BEGIN\n"
        f"VendorTable END\nAETable BEGIN\nARCHIVE {store} RW (200, 1024mb) ANY\nAETable END\n"
    )
    process = subprocess.Popen(
        [str(programs[0]), "-c", str(place / "dcmqrscp.cfg")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    echo = [str(shutil.which("echoscu", path=SYSTEM_PATH)), "-aec", "ARCHIVE", "127.0.0.1"]

    def is_up() -> bool:
        return not subprocess.run([*echo, str(port)], capture_output=True, check=False).returncode

    try:
        eventually(is_up)
        yield port, node_port
    finally:
        process.terminate()
        process.wait()


def made(home: Path, archive: tuple[int, int]) -> Node:
    init_node(home, NodeSettings(name="A", country="SE"))
    set_in(
        home,
        dicom_pacs=f'["main=ARCHIVE@127.0.0.1:{archive[0]}"]',
        dicom_port=archive[1],
        dicom_callers='["ARCHIVE"]',
        dicom_free_mb=0,
        workers=1,
    )
    return open_node(home)


def test_a_query_by_get_is_fetched_and_taken_in(tmp_path: Path, archive: tuple[int, int]) -> None:
    node = made(tmp_path / "home", archive)
    pacs = pacs_address(node, "")
    query = tmp_path / "query.toml"
    query.write_text('[[query]]\nPatientID = "P1"\n\n[[query]]\nPatientID = "P2"\n')
    assert add_requests(node, pacs, requests_in(Kind.QUERY, query)) == 2
    list(run_pull(node, pacs, method="get"))
    book = pull_book(node, pacs)
    assert [(one.state, one.n_received) for one in book.studies()] == [
        (PullState.DONE, 4),
        (PullState.DONE, 3),
    ]
    assert node.index.totals().n_instances == 7
    assert sorted(one.n_received for one in arrivals_of(node.home).studies()) == [3, 4]
    assert not list((node.identified / "received").glob("*/*"))
    assert (node.identified / "pulls.sqlite").stat().st_mode & 0o077 == 0
    assert not list(run_pull(node, pacs)), "what is done is not done again"


@pytest.mark.slow
def test_the_command_by_move_to_a_node_that_receives(
    tmp_path: Path, archive: tuple[int, int]
) -> None:
    node = made(tmp_path / "home", archive)
    patients = tmp_path / "patients.txt"
    patients.write_text("P2\nP3\nP-NOBODY\n")
    words = ["node", "pull", str(node.home), "--patients", str(patients), "--by", "move"]
    with receiving_node(node.home):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={**os.environ, "COLUMNS": "200"},
        )
        assert done.returncode == 3, done.stderr
        assert "3 requests, 1 without a study; 2 of 2 studies, 5 instances" in done.stdout
        assert "P2" not in done.stdout + done.stderr
        eventually(lambda: node.index.totals().n_instances == 5, 30)


# pynetdicom leaves the socket of a refused connection to the collector
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
)
def test_what_stands_in_the_way_is_said(tmp_path: Path, archive: tuple[int, int]) -> None:
    node = made(tmp_path / "home", archive)
    accessions = tmp_path / "list.txt"
    accessions.write_text("# from the trial\nACC1 # first\n\nACC*\n")
    with pytest.raises(InvalidInput, match="line 4"):
        requests_in(Kind.ACCESSION, accessions)
    query = tmp_path / "query.toml"
    query.write_text("[[query]]\nPatientsName = 'x'\n")
    pacs = pacs_address(node, "main")
    add_requests(node, pacs, requests_in(Kind.QUERY, query))
    with pytest.raises(InvalidInput, match="PatientsName"):
        list(run_pull(node, pacs))
    with pytest.raises(InvalidSettings, match="main"):
        pacs_address(node, "other")
    for name, port, error in (("ARCHIVE", 9, Unavailable), ("WRONG", archive[0], Refused)):
        away = PacsAddress(f"{name}{port}", name, "127.0.0.1", port)
        query.write_text("[[query]]\nPatientID = 'x'\n")
        add_requests(node, away, requests_in(Kind.QUERY, query))
        with pytest.raises(error, match=f"{name}{port}"):
            list(run_pull(node, away))
    for wrong in ("ARCHIVE", "ARCHIVE@host", "@host:1", "A@host:x"):
        with pytest.raises(InvalidSettings):
            PacsAddress.parse(wrong)
