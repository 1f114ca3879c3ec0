"""A hub and three nodes as processes, with made-up people to compute statistics of.

`python -m tests.statistics_trial FOLDER PORT` starts them and waits, to look at the pages.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pandas as pd

from tessera.bootstrap.link import publish_dataset
from tessera.testing.cohort_engine import write_version
from tests.hub_trial import Program, exact_description, node_home, released, tessera, wait_until
from tests.receive_trial import free_port
from tests.unit.domain.statistics.people import people

EXACT = "minimum_count = 1\ncount_step = 1\ncount_noise = 0\n"
NOISY = "questions_each = 100000\nquestions_together = 100000\n"
N_NODES = 3


@contextmanager
def nodes_with_people(
    folder: Path, rows: pd.DataFrame, policy: str, port: int = 0
) -> Iterator[str]:
    """Yield the hub's address; node `n` has the rows of dataset `n`, all with breast cancer."""
    port = port or free_port()
    url = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        tessera("hub", "init", folder / "hub", "--name", "Trial", "--url", url)
        hub = Program(folder / "hub.log", ("hub", "run", folder / "hub", "--port", str(port)))
        stack.callback(hub.kill)
        hub.wait_for("hub is open at")
        for number in range(N_NODES):
            home = node_home(folder / f"node-{number}", f"Node {number}")
            start = f'name = "Node {number}"\ncountry = "SE"\n{policy}'
            (home / "node.toml").write_text(start, "utf-8")
            code = tessera("hub", "invite", folder / "hub").stdout.strip()
            tessera("node", "join", home, url, code)
            tessera("hub", "approve", folder / "hub", f"node-{number}")
            part = rows[rows["dataset"] == number]
            _write(home / "research" / "datasets" / "prostate-mr" / "v1", part)
            description = exact_description(n_subjects=len(part))
            publish_dataset(home, released(n_subjects=description.n_subjects))
            node = Program(folder / f"node-{number}.log", ("node", "run", home))
            stack.callback(node.kill)
            node.wait_for("is in touch with")
        wait_until(lambda: _n_online(url) == N_NODES, "the nodes", 60)
        yield url


def _n_online(url: str) -> int:
    return int(httpx.get(f"{url}/api/v1/health").json()["n_nodes_online"])


def _write(folder: Path, rows: pd.DataFrame) -> None:
    patients, conditions, studies, series = [], [], [], []
    for number, row in enumerate(rows.to_dict("records")):
        subject = f"TES-{number:016}"
        known = {key: None if pd.isna(value) else value for key, value in row.items()}
        patients.append(
            {
                "subject": subject,
                "sex": known["sex"],
                "population": "cancer",
                "deceased": known["deceased"] == "yes",
                "survival_days": int(row["survival_days"]),
            }
        )
        of_condition = ("stage", "er", "first_treatment", "age_at_diagnosis")
        condition = {"condition_id": f"c{number}", "subject": subject, "cancer": "breast"}
        conditions.append(condition | {key: known.get(key) for key in of_condition})
        study = {"study_uid": f"2.25.{number}", "subject": subject}
        studies.append(study | {"modalities": ["MR"], "n_series": 1})
        series.append(study | {"series_uid": f"2.25.9{number}", "modality": "MR"})
    write_version(
        folder,
        {"patient": patients, "condition": conditions, "study": studies, "series": series},
    )


def main() -> None:
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    with nodes_with_people(folder, people(9000, missing=0.08), NOISY, port) as url:
        print(url, flush=True)  # noqa: T201
        time.sleep(100_000)


if __name__ == "__main__":
    main()
