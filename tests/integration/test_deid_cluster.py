"""De-identification on a Dask cluster gives what this host gives, byte for byte."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tessera.bootstrap.deid import DeidRun, deidentify_folder, list_sources
from tessera.domain.errors import Unavailable
from tests.deid_oracle import KEY
from tests.integration.dicom_files import write_series

pytest.importorskip("distributed")
SCHEDULER = """
import asyncio, sys
from distributed import Scheduler

async def main():
    async with Scheduler(host="127.0.0.1", port=0, dashboard=False) as scheduler:
        print(scheduler.address, flush=True)
        await scheduler.finished()

asyncio.run(main())
"""
WORKER = """
import asyncio, sys
from distributed import Worker

async def main():
    async with Worker(sys.argv[1], nthreads=2, dashboard=False) as worker:
        print("ready", flush=True)
        await worker.finished()

asyncio.run(main())
"""


@pytest.fixture
def cluster() -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, "-c", SCHEDULER], stdout=subprocess.PIPE, text=True
    ) as scheduler:
        assert scheduler.stdout
        address = scheduler.stdout.readline().strip()
        with subprocess.Popen(
            [sys.executable, "-c", WORKER, address], stdout=subprocess.PIPE, text=True
        ) as worker:
            assert worker.stdout
            assert worker.stdout.readline().strip() == "ready"
            yield address
            worker.kill()
        scheduler.kill()


def outputs(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.slow
def test_a_cluster_writes_the_same_files(tmp_path: Path, cluster: str) -> None:
    write_series(tmp_path / "pacs", 30)
    sources = list_sources([tmp_path / "pacs"])
    done = {}
    for name, address in (("here", ""), ("there", cluster)):
        run = DeidRun(profile="research", key=KEY, workers=1, cluster=address, with_mapping=True)
        batches = list(deidentify_folder(sources, tmp_path / name, run))
        patients: dict[str, str] = {}
        for batch in batches:
            patients |= batch.patients
        done[name] = outputs(tmp_path / name), patients, sum(len(b.files) for b in batches)
    assert done["here"] == done["there"]
    assert done["here"][2] == 30
    assert len(done["here"][0]) == 30


def test_an_address_where_nobody_is_is_one_error(tmp_path: Path) -> None:
    write_series(tmp_path / "pacs", 1)
    run = DeidRun(profile="research", key=KEY, cluster="nonsense://127.0.0.1:1")
    with pytest.raises(Unavailable):
        deidentify_folder(list_sources([tmp_path / "pacs"]), tmp_path / "out", run)


def test_the_key_is_in_no_text_form() -> None:
    run = DeidRun(profile="research", key=KEY)
    assert KEY.hex() not in repr(run)
    assert repr(KEY) not in repr(run)
