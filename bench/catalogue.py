"""The catalogue with 10,000 datasets: how long its page, a search in it, and the API take.

Fills a hub's store in a folder that is deleted afterwards, serves it on loopback, and prints the
first answer after the start, then p50 and p99 of each kind of question in milliseconds.

    python -m bench.catalogue --datasets 10000 --requests 200
"""

import argparse
import random
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import httpx
from tests.hub_trial import NOW, TrialHub, released, served, trial_hub

from tessera.adapters.jose.ed25519 import Ed25519Signer
from tessera.domain.catalogue.description import DatasetDescription, Facet
from tessera.domain.clinical.concepts import cancers
from tessera.domain.ids import DatasetId
from tessera.http.app import ALL_REQUESTS
from tessera.ports.hub_store import CataloguedVersion, NodeRecord

QUESTIONS = {
    "page": "/catalogue",
    "page, two choices": "/catalogue?cancer=breast&modality=MR",
    "page, words": "/catalogue?text=hospital%20lung",
    "page, by title, tenth": "/catalogue?sort=title&page=10",
    "page of a dataset": "/datasets/node-7/set-17",
    "API, 100 datasets": "/api/v1/datasets?limit=100",
    "home": "/",
}


def main() -> None:
    wished = argparse.ArgumentParser(description=__doc__)
    wished.add_argument("--datasets", type=int, default=10_000)
    wished.add_argument("--requests", type=int, default=200)
    asked = wished.parse_args()
    with tempfile.TemporaryDirectory() as folder, trial_hub(Path(folder) / "hub") as trial:
        fill(trial, Path(folder), asked.datasets)
        with served(trial.hub) as url, httpx.Client(base_url=url, trust_env=False) as client:
            for name, path in QUESTIONS.items():
                measure(client, name, path, asked.requests)


def fill(trial: TrialHub, folder: Path, n_datasets: int) -> None:
    nodes = [
        trial.joined(Ed25519Signer.create(folder / f"{n}.key"), f"node {n}") for n in range(10)
    ]
    begun = time.perf_counter()
    with trial.store.transaction():
        for n in range(n_datasets):
            trial.store.datasets.add(made(n, nodes[n % len(nodes)]))
    print(f"{n_datasets} datasets stored in {time.perf_counter() - begun:.1f} s")


def made(n: int, node: NodeRecord) -> CataloguedVersion:
    pick = random.Random(n)
    cancer, modality = pick.choice(sorted(cancers())), pick.choice(("MR", "CT", "PT", "MG", "US"))
    description: DatasetDescription = replace(
        released().value,
        dataset_id=DatasetId(f"set-{n}"),
        title={"en": f"{cancer} {modality} of hospital {n}", "sv": f"Datamängd {n}"},
        description={"en": f"Patients {n} with {cancer}, all imaging and follow-up. " * 6},
        country=pick.choice(("SE", "ES", "GR", "DE", "FR", "IT")),
        n_subjects=10 * pick.randint(1, 500),
        population=("cancer",),
        manifest_sha256=f"{n:064x}",
        facets={
            "cancer": (Facet(cancer, 100),),
            "modality": (Facet(modality, 100), Facet("SEG", 20)),
            "sex": (Facet("male", 50), Facet("female", 50)),
        },
    )
    return CataloguedVersion(node_id=node.node_id, description=description, published_at=NOW)


def measure(client: httpx.Client, name: str, path: str, n_requests: int) -> None:
    times = []
    for _ in range(n_requests + 1):
        begun = time.perf_counter()
        reply = client.get(path, headers={"Accept": "text/html"})
        times.append(1000 * (time.perf_counter() - begun))
        assert reply.status_code == 200, (path, reply.status_code)
        time.sleep(1 / ALL_REQUESTS.per_second)  # as much as a hub lets one address ask
    first, rest = times[0], sorted(times[1:])
    p99 = rest[min(len(rest) - 1, int(0.99 * len(rest)))]
    print(f"{name:24} first {first:8.1f} ms   p50 {statistics.median(rest):6.1f}   p99 {p99:6.1f}")


if __name__ == "__main__":
    main()
